//! The way of a decoded document to the store, in one call.
//!
//! Order matters to users, because the first failing stage is the one they hear of: defaults, admission, what the client may
//! not touch, allocation (Services), validation. Nothing here reads or writes the store: names, namespaces, uids, timestamps
//! and revisions are the caller's business. The real thing: `k8s.io/apiserver/pkg/registry/generic/registry/store.go`.

use serde_json::Value;

use super::allocate::{Allocators, Draw};
use super::document::text;
use super::kinds::Kind;
use super::status::{Cause, Status};
use super::{admit, defaults, service, strategy, validate, warnings};

/// Prepares a new object; `suffix` ends the name of a pod's token volume. On failure `allocators` are as before.
/// For a dry run, pass a clone of the allocators. What comes back are warnings.
///
/// The name is to be looked up afterwards: a real server tells of taken addresses and invalid fields before it tells that the
/// object already exists. So a caller works on a clone until it has stored the object.
pub fn on_create(
    kind: &Kind,
    doc: &mut Value,
    suffix: &str,
    allocators: &mut Allocators,
    draw: Draw<'_>,
) -> Result<Vec<String>, Status> {
    defaults::set(kind, doc);
    if is(kind, "Pod") {
        admit::admit_pod(doc, suffix);
    }
    strategy::on_create(kind, doc);
    if is(kind, "Service") {
        service::on_create(doc, allocators, draw)?;
    } else {
        refuse_if(kind, doc, validate::on_create(kind, doc))?;
    }
    Ok(warnings::of(kind, doc))
}

/// Prepares the replacement of `old` by `doc`, as [`on_create`] does for a new object.
pub fn on_update(
    kind: &Kind,
    doc: &mut Value,
    old: &Value,
    allocators: &mut Allocators,
    draw: Draw<'_>,
) -> Result<Vec<String>, Status> {
    defaults::set(kind, doc);
    // What came in by a scenario's side door has no defaults yet; a real server fills them in when it reads.
    let mut old = old.clone();
    defaults::set(kind, &mut old);
    strategy::on_update(kind, doc, &old);
    if is(kind, "Service") {
        service::on_update(doc, &old, allocators, draw)?;
    } else {
        refuse_if(kind, doc, validate::on_update(kind, doc, &old))?;
    }
    Ok(warnings::of(kind, doc))
}

/// Prepares an update of `/status`: of `doc` only the status counts.
pub fn on_status_update(kind: &Kind, doc: &mut Value, old: &Value) -> Result<(), Status> {
    strategy::on_status_update(doc, old);
    defaults::set(kind, doc);
    refuse_if(kind, doc, validate::meta::on_update(doc, old))
}

/// Gives back what a deleted object held.
pub fn on_delete(kind: &Kind, doc: &Value, allocators: &mut Allocators) {
    if is(kind, "Service") {
        service::on_delete(doc, allocators);
    }
}

fn is(kind: &Kind, core_kind: &str) -> bool {
    (kind.group, kind.kind) == ("", core_kind)
}

fn refuse_if(kind: &Kind, doc: &Value, causes: Vec<Cause>) -> Result<(), Status> {
    if causes.is_empty() { Ok(()) } else { Err(Status::invalid(kind.kind, kind.group, text(doc, "/metadata/name"), causes)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::kinds;
    use serde_json::json;

    fn pools() -> Allocators {
        Allocators::new(&["10.96.0.0/12".into()], (30000, 32767)).expect("pools")
    }

    fn create(api_version: &str, kind: &str, mut doc: Value) -> Result<Value, Status> {
        let kind = kinds::of(api_version, kind).expect("a kind");
        on_create(kind, &mut doc, "abcde", &mut pools(), &mut |_| 0).map(|_| doc)
    }

    #[test]
    fn the_manifests_of_a_first_tutorial_pass() {
        let meta = json!({"name": "web", "namespace": "default"});
        let container = json!({"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]});
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}});
        let spec = json!({"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template});
        let deployment = create("apps/v1", "Deployment", json!({"metadata": meta, "spec": spec})).expect("a deployment");
        assert_eq!(deployment["metadata"]["generation"], 1);
        let pod = create("v1", "Pod", json!({"metadata": meta, "spec": template["spec"]})).expect("a pod");
        assert_eq!((&pod["status"]["phase"], &pod["spec"]["priority"]), (&json!("Pending"), &json!(0)));
        let service = json!({"metadata": meta, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
        let service = create("v1", "Service", service).expect("a service");
        assert_eq!(service["spec"]["clusterIP"], "10.96.1.1");
    }

    #[test]
    fn objects_stored_bare_can_be_updated() {
        for (kind, spec) in [
            ("Pod", json!({"containers": [{"name": "c", "image": "x"}]})),
            ("Service", json!({"clusterIP": "1.2.3.4", "clusterIPs": ["1.2.3.4"], "ports": [{"port": 80}]})),
            ("Service", json!({"clusterIP": "None", "ports": [{"port": 80}]})),
        ] {
            let old = json!({"metadata": {"name": "x", "namespace": "d"}, "spec": spec});
            let mut doc = old.clone();
            doc["metadata"]["labels"] = json!({"a": "b"});
            let done = on_update(kinds::of("v1", kind).expect("a kind"), &mut doc, &old, &mut pools(), &mut |_| 0);
            assert_eq!(done, Ok(Vec::new()), "{doc}");
            assert_eq!(doc["spec"].get("clusterIP"), spec.get("clusterIP"));
        }
    }

    #[test]
    fn refusals_name_the_kind_and_its_group() {
        let refused = create("apps/v1", "Deployment", json!({"metadata": {"name": "x", "namespace": "d"}})).expect_err("no spec");
        assert!(refused.message.starts_with("Deployment.apps \"x\" is invalid: ["), "{}", refused.message);
    }
}
