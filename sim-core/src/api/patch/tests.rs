use serde_json::json;

use super::*;
use crate::api::kinds;

fn kind(api_version: &str, kind: &str) -> &'static Kind {
    kinds::of(api_version, kind).expect("a kind of the table")
}

/// Applies a strategic patch to the spec of an object of this kind.
fn strategic(of: &Kind, current: Value, patch: Value) -> Value {
    let (current, patch) = (json!({"spec": current}), json!({"spec": patch}));
    apply(PatchKind::Strategic, Some(of), &current, &patch).expect("a patch that applies")["spec"].take()
}

#[test]
fn objects_merge_and_null_removes() {
    let current = json!({"a": {"b": 1, "c": 2}, "list": [1, 2]});
    let patch = json!({"a": {"b": null, "d": 3}, "list": [9]});
    let result = json!({"a": {"c": 2, "d": 3}, "list": [9]});
    for how in [PatchKind::Merge, PatchKind::Strategic] {
        assert_eq!(apply(how, Some(kind("v1", "Service")), &current, &patch), Ok(result.clone()), "{how:?}");
    }
}

#[test]
fn json_patches_apply_whole_or_not_at_all() {
    let current = json!({"a": 1});
    let run = |patch: Value| apply(PatchKind::Json, None, &current, &patch);
    assert_eq!(run(json!([{"op": "replace", "path": "/a", "value": 2}])), Ok(json!({"a": 2})));
    let refused = run(json!([{"op": "add", "path": "/b", "value": 1}, {"op": "remove", "path": "/x"}])).expect_err("no /x");
    assert_eq!((refused.code, refused.reason), (422, "Invalid"));
    assert_eq!(run(json!([{"op": "dance"}])).expect_err("no such operation").code, 400);
    assert_eq!(run(json!({})).expect_err("not a list").code, 400);
    let noop = json!({"op": "test", "path": "/a", "value": 1});
    assert_eq!(run(json!(vec![noop; 10_001])).expect_err("too many").code, 413);
    // Each copy doubles the document; forty of them would not fit any memory.
    let doubling = |i: usize| json!({"op": "copy", "from": "", "path": format!("/{i}")});
    assert_eq!(run((0..40).map(doubling).collect()).expect_err("too large").code, 422);
}

#[test]
fn lists_of_objects_merge_by_their_key() {
    let pods = kind("v1", "Pod");
    let current = json!({"containers": [{"name": "a", "image": "a:1", "ports": [{"containerPort": 80}]}, {"name": "b"}]});
    for (patch, containers) in [
        (
            json!([{"name": "a", "image": "a:2"}]),
            json!([{"name": "a", "image": "a:2", "ports": [{"containerPort": 80}]}, {"name": "b"}]),
        ),
        // A new item comes first, as in the real server.
        (
            json!([{"name": "c"}]),
            json!([{"name": "c"}, {"name": "a", "image": "a:1", "ports": [{"containerPort": 80}]}, {"name": "b"}]),
        ),
        (json!([{"name": "a", "$patch": "delete"}]), json!([{"name": "b"}])),
        (json!([{"$patch": "replace"}, {"name": "z"}]), json!([{"name": "z"}])),
        (json!([{"name": "b", "$patch": "replace"}]), json!([])),
    ] {
        assert_eq!(strategic(pods, current.clone(), json!({"containers": patch}))["containers"], containers, "{patch}");
    }
    assert_eq!(strategic(pods, current.clone(), json!({"containers": null})), json!({}));
    let no_key = json!({"spec": {"containers": [{"image": "x"}]}});
    let refused = apply(PatchKind::Strategic, Some(pods), &json!({"spec": current}), &no_key).expect_err("no key");
    assert!(refused.message.contains("does not contain declared merge key: name"), "{}", refused.message);
}

#[test]
fn directives_are_obeyed_and_never_stored() {
    let services = kind("v1", "Service");
    let ports = json!([{"port": 80, "name": "a"}, {"port": 443, "name": "b"}]);
    // What `kubectl edit` sends when the port number is changed.
    let patch = json!({"$setElementOrder/ports": [{"port": 81}, {"port": 443}],
        "ports": [{"port": 81, "name": "a"}, {"$patch": "delete", "port": 80}]});
    let after = strategic(services, json!({"ports": ports}), patch);
    assert_eq!(after, json!({"ports": [{"port": 81, "name": "a"}, {"port": 443, "name": "b"}]}));
    let swapped = strategic(services, json!({"ports": ports}), json!({"$setElementOrder/ports": [{"port": 443}, {"port": 80}]}));
    assert_eq!(swapped["ports"][0]["port"], 443);
    let strategy = json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}});
    let patch = json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}});
    assert_eq!(strategic(kind("apps/v1", "Deployment"), strategy, patch), json!({"strategy": {"type": "Recreate"}}));
    let replaced =
        strategic(services, json!({"selector": {"a": "1", "b": "2"}}), json!({"selector": {"$patch": "replace", "c": "3"}}));
    assert_eq!(replaced, json!({"selector": {"c": "3"}}));
    let nodes = strategic(kind("v1", "Node"), json!({"taints": [{"key": "a"}]}), json!({"taints": [{"key": "b"}]}));
    assert_eq!(nodes, json!({"taints": [{"key": "b"}]}));
}

#[test]
fn finalizers_are_a_set() {
    let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/x"], "finalizers": ["c/z"]}});
    let current = json!({"metadata": {"finalizers": ["a/x", "b/y"]}});
    let after = apply(PatchKind::Strategic, Some(kind("v1", "Service")), &current, &patch).expect("applies");
    let mut names = after["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    names.sort_by_key(Value::to_string);
    assert_eq!(names, [json!("b/y"), json!("c/z")]);
}

/// The law of apply: the patch leads from the live object to the manifest, keeps what only the server set, and drops what only
/// the last manifest had; a second apply has nothing to do.
fn check_apply(of: &Kind, last: Value, modified: Value, live: Value, expect: Value) -> Value {
    let wrap = |spec: &Value| json!({"spec": spec});
    let patch = apply_patch(Some(of), Some(&wrap(&last)), &wrap(&modified), &wrap(&live));
    let after = apply(PatchKind::Strategic, Some(of), &wrap(&live), &patch).expect("its own patch applies");
    assert_eq!(after, wrap(&expect), "{patch}");
    assert_eq!(apply_patch(Some(of), Some(&wrap(&modified)), &wrap(&modified), &after), json!({}));
    patch["spec"].clone()
}

#[test]
fn apply_computes_the_change() {
    let (services, deployments) = (kind("v1", "Service"), kind("apps/v1", "Deployment"));
    let live =
        json!({"clusterIP": "10.0.0.1", "type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]});
    let manifest = json!({"ports": [{"port": 80}]});
    check_apply(services, manifest.clone(), manifest.clone(), live.clone(), live.clone());
    let patch = check_apply(
        services,
        manifest.clone(),
        json!({"ports": [{"port": 81}]}),
        live.clone(),
        json!({"clusterIP": "10.0.0.1", "type": "ClusterIP", "ports": [{"port": 81}]}),
    );
    assert_eq!(
        patch,
        json!({"$setElementOrder/ports": [{"port": 81}], "ports": [{"port": 81}, {"$patch": "delete", "port": 80}]})
    );
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}});
    check_apply(
        deployments,
        json!({"replicas": 2}),
        json!({"strategy": {"type": "Recreate"}}),
        json!({"replicas": 2, "strategy": rolling, "paused": true}),
        json!({"strategy": {"type": "Recreate"}, "paused": true}),
    );
    let env = |list: Value| json!({"template": {"spec": {"containers": [{"name": "c", "env": list}]}}});
    check_apply(
        deployments,
        env(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])),
        env(json!([{"name": "B", "value": "3"}, {"name": "C", "value": "4"}])),
        env(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "LIVE", "value": "9"}])),
        env(json!([{"name": "B", "value": "3"}, {"name": "C", "value": "4"}, {"name": "LIVE", "value": "9"}])),
    );
}

#[test]
fn custom_kinds_are_patched_by_plain_merge() {
    let (last, modified, live) = (json!({"a": 1, "b": 2}), json!({"b": [2]}), json!({"a": 1, "b": 2, "live": true}));
    let patch = apply_patch(None, Some(&last), &modified, &live);
    assert_eq!(patch, json!({"a": null, "b": [2]}));
    assert_eq!(apply(PatchKind::Merge, None, &live, &patch), Ok(json!({"b": [2], "live": true})));
    assert_eq!(apply(PatchKind::Strategic, None, &live, &patch).expect_err("no schema").code, 415);
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    /// Small documents without nulls.
    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![(0..3i64).prop_map(Value::from), "[ab]".prop_map(Value::from)];
        let tree = leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| map.into_iter().collect()),
            ]
        });
        prop::collection::btree_map("[abc]", tree, 0..3).prop_map(|map| map.into_iter().collect())
    }

    /// All that `part` says, `whole` says too.
    fn holds(whole: &Value, part: &Value) -> bool {
        match (whole, part) {
            (Value::Object(whole), Value::Object(part)) => part.iter().all(|(k, v)| whole.get(k).is_some_and(|w| holds(w, v))),
            (whole, part) => whole == part,
        }
    }

    proptest! {
        #[test]
        fn applying_reaches_the_manifest_and_then_rests(last in document(), modified in document(), live in document()) {
            let patch = apply_patch(None, Some(&last), &modified, &live);
            let after = merge(&live, &patch);
            prop_assert!(holds(&after, &modified), "{after} lacks {modified}");
            prop_assert_eq!(apply_patch(None, Some(&modified), &modified, &after), json!({}));
        }

        #[test]
        fn no_patch_makes_the_merge_panic(current in document(), patch in document()) {
            let pods = kind("v1", "Pod");
            let (current, patch) = (json!({"spec": {"containers": current, "a": current}}), json!({"spec": {"containers": patch, "a": patch}}));
            let _ = apply(PatchKind::Strategic, Some(pods), &current, &patch);
            let _ = apply(PatchKind::Json, Some(pods), &current, &patch);
        }
    }
}
