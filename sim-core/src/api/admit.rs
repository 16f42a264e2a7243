//! Admission: what the server adds to a new pod on behalf of the cluster, after defaulting and before validation.
//!
//! In a real server these are admission plugins. We model ServiceAccount (the account and its token volume), Priority (the two
//! built-in classes), and DefaultTolerationSeconds. Left out: quotas, limit ranges, webhooks, pod security.
//! The real thing: `plugin/pkg/admission/{serviceaccount,priority,defaulttolerationseconds}`.

use serde_json::{Value, json};

use super::document::{flag, is_unset, items, items_mut, put, put_default, text};

/// Where every container finds the token of its pod.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// A token lives an hour and seven seconds; kubelets renew it long before.
const TOKEN_SECONDS: i64 = 3607;
/// How long a pod stays on a node that is in trouble.
const TROUBLE_SECONDS: i64 = 300;
const TROUBLES: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const PRIORITY_CLASSES: [(&str, i64); 2] = [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

/// Completes a new pod. `suffix` is the random end of the token volume's name (five characters in a real cluster).
/// A mirror of a static pod gets neither account nor token.
pub fn admit_pod(doc: &mut Value, suffix: &str) {
    put_default(doc, "/spec", json!({}));
    let is_mirror = !is_unset(doc, "/metadata/annotations/kubernetes.io~1config.mirror");
    if !is_mirror {
        put_default(doc, "/spec/serviceAccountName", "default");
        let account = text(doc, "/spec/serviceAccountName").to_string();
        put(doc, "/spec/serviceAccount", account);
        if flag(doc, "/spec/automountServiceAccountToken") != Some(false) {
            mount_token(doc, &format!("kube-api-access-{suffix}"));
        }
    }
    set_priority(doc);
    tolerate_trouble(doc);
}

fn set_priority(doc: &mut Value) {
    let class = text(doc, "/spec/priorityClassName");
    let priority = PRIORITY_CLASSES.iter().find(|(name, _)| *name == class).map_or(0, |(_, value)| *value);
    put_default(doc, "/spec/priority", priority);
    put_default(doc, "/spec/preemptionPolicy", "PreemptLowerPriority");
}

/// Adds the tolerations that bound a pod's stay on a lost node, unless it has its own for that taint.
fn tolerate_trouble(doc: &mut Value) {
    let mut tolerations = items(doc, "/spec/tolerations").to_vec();
    let tolerates = |taint: &str, toleration: &Value| {
        let key = text(toleration, "/key");
        (key == taint || key.is_empty()) && matches!(text(toleration, "/effect"), "" | "NoExecute")
    };
    for taint in TROUBLES {
        if !tolerations.iter().any(|toleration| tolerates(taint, toleration)) {
            let added = json!({"effect": "NoExecute", "key": taint, "operator": "Exists", "tolerationSeconds": TROUBLE_SECONDS});
            tolerations.push(added);
        }
    }
    put(doc, "/spec/tolerations", tolerations);
}

fn mount_token(doc: &mut Value, volume: &str) {
    let mut needed = false;
    for list in ["/spec/initContainers", "/spec/containers"] {
        for container in items_mut(doc, list) {
            let mut mounts = items(container, "/volumeMounts").to_vec();
            if mounts.iter().any(|mount| text(mount, "/mountPath") == TOKEN_PATH) {
                continue;
            }
            needed = true;
            mounts.push(json!({"mountPath": TOKEN_PATH, "name": volume, "readOnly": true}));
            put(container, "/volumeMounts", mounts);
        }
    }
    if needed {
        let mut volumes = items(doc, "/spec/volumes").to_vec();
        volumes.push(token_volume(volume));
        put(doc, "/spec/volumes", volumes);
    }
}

fn token_volume(name: &str) -> Value {
    let namespace = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"});
    json!({"name": name, "projected": {"defaultMode": 0o644, "sources": [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(mut doc: Value) -> Value {
        admit_pod(&mut doc, "abcde");
        doc["spec"].take()
    }

    #[test]
    fn a_plain_pod_gets_account_token_and_tolerations() {
        let spec = admitted(json!({"spec": {"containers": [{"name": "c"}]}}));
        assert_eq!((text(&spec, "/serviceAccountName"), text(&spec, "/serviceAccount")), ("default", "default"));
        assert_eq!(
            spec["containers"][0]["volumeMounts"],
            json!([{"mountPath": TOKEN_PATH, "name": "kube-api-access-abcde", "readOnly": true}])
        );
        assert_eq!(text(&spec, "/volumes/0/name"), "kube-api-access-abcde");
        assert_eq!((spec["priority"].clone(), items(&spec, "/tolerations").len()), (json!(0), 2));
    }

    #[test]
    fn what_the_pod_says_itself_stays() {
        let own =
            json!([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]);
        let spec = admitted(json!({"spec": {"serviceAccountName": "me", "automountServiceAccountToken": false,
            "priorityClassName": "system-node-critical", "tolerations": own, "containers": [{"name": "c"}]}}));
        assert_eq!((text(&spec, "/serviceAccount"), spec.get("volumes")), ("me", None));
        assert_eq!(spec["priority"], 2_000_001_000);
        let keys: Vec<_> =
            items(&spec, "/tolerations").iter().map(|t| (text(t, "/key"), t["tolerationSeconds"].clone())).collect();
        assert_eq!(keys, [("node.kubernetes.io/not-ready", json!(5)), ("node.kubernetes.io/unreachable", json!(300))]);
        let everything = admitted(json!({"spec": {"tolerations": [{"operator": "Exists"}]}}));
        assert_eq!(items(&everything, "/tolerations").len(), 1);
    }

    #[test]
    fn mirrors_of_static_pods_have_no_account() {
        let spec =
            admitted(json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}, "spec": {"containers": [{}]}}));
        assert_eq!((spec.get("serviceAccountName"), spec.get("volumes")), (None, None));
    }
}
