//! What a write may touch: the parts of an object that the server resets, keeps or counts, whatever the client sent.
//!
//! In a real server each resource has a strategy: a create starts without status, an update through the main resource keeps the
//! stored status, an update of `/status` keeps everything else, and `metadata.generation` counts changes of what users ask for.
//! Services have their own write path, see [`super::service`]. The real thing: `pkg/registry/*/*/strategy.go`.

use serde_json::{Value, json};

use super::document::{entries, is_unset, items, number, object, put, put_default, put_or_remove, remove, text};
use super::kinds::Kind;
use crate::objects::quantity;

/// Kinds with a rule: group, kind, whether the status has its own endpoint (so that ordinary writes do not reach it), and
/// whether generations are counted.
const RULES: [(&str, &str, bool, bool); 19] = [
    ("", "Namespace", true, false),
    ("", "Node", true, false),
    ("", "PersistentVolume", true, false),
    ("", "PersistentVolumeClaim", true, false),
    ("", "Pod", true, false),
    ("", "ReplicationController", true, true),
    ("", "ResourceQuota", true, false),
    ("", "Service", true, false),
    ("apps", "DaemonSet", true, true),
    ("apps", "Deployment", true, true),
    ("apps", "ReplicaSet", true, true),
    ("apps", "StatefulSet", true, true),
    ("autoscaling", "HorizontalPodAutoscaler", true, false),
    ("batch", "CronJob", true, true),
    ("batch", "Job", true, true),
    ("discovery.k8s.io", "EndpointSlice", false, true),
    ("networking.k8s.io", "Ingress", true, true),
    ("networking.k8s.io", "NetworkPolicy", false, true),
    ("policy", "PodDisruptionBudget", true, true),
];

fn has_status(kind: &Kind) -> bool {
    RULES.iter().any(|(group, name, status, _)| (*group, *name, *status) == (kind.group, kind.kind, true))
}

fn counts_generations(kind: &Kind) -> bool {
    RULES.iter().any(|(group, name, _, counted)| (*group, *name, *counted) == (kind.group, kind.kind, true))
}

/// Before a create: the status is the server's to begin, and the first generation is 1.
pub fn on_create(kind: &Kind, doc: &mut Value) {
    if counts_generations(kind) {
        put(doc, "/metadata/generation", 1);
    } else {
        remove(doc, "/metadata/generation");
    }
    // A kubelet registers its node together with a status.
    if has_status(kind) && kind.kind != "Node" {
        remove(doc, "/status");
    }
    match (kind.group, kind.kind) {
        ("", "Pod") => put(doc, "/status", json!({"phase": "Pending", "qosClass": qos_class(doc)})),
        ("", "Namespace") => {
            put_default(doc, "/spec/finalizers", json!(["kubernetes"]));
            put(doc, "/status", json!({"phase": "Active"}));
        }
        ("", "Service") => put(doc, "/status", json!({"loadBalancer": {}})),
        ("networking.k8s.io", "Ingress") => put(doc, "/status", json!({"loadBalancer": {}})),
        ("", "Secret") => take_in_string_data(doc),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => put(doc, "/status", json!({})),
        _ => {}
    }
}

/// Before an update: the stored status stays, and a changed object is a new generation.
pub fn on_update(kind: &Kind, doc: &mut Value, old: &Value) {
    if (kind.group, kind.kind) == ("", "Secret") {
        take_in_string_data(doc);
    }
    if has_status(kind) {
        put_or_remove(doc, "/status", old.get("status").cloned());
    }
    let before = number(old, "/metadata/generation");
    let generation = if counts_generations(kind) && wishes(doc) != wishes(old) { Some(before.unwrap_or(0) + 1) } else { before };
    put_or_remove(doc, "/metadata/generation", generation.map(Value::from));
    for field in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let place = format!("/metadata/{field}");
        // A client may leave these out, or send what it read; the identity itself is validated.
        if is_unset(doc, &place) || field.starts_with("deletion") {
            put_or_remove(doc, &place, old.pointer(&place).cloned());
        }
    }
}

/// Before an update of `/status`: only the status of `doc` counts.
pub fn on_status_update(doc: &mut Value, old: &Value) {
    let status = doc.get("status").cloned();
    let revision = doc.pointer("/metadata/resourceVersion").cloned();
    *doc = old.clone();
    put_or_remove(doc, "/status", status);
    if let Some(revision) = revision {
        put(doc, "/metadata/resourceVersion", revision);
    }
}

/// What users ask for: everything but metadata and status.
fn wishes(doc: &Value) -> Vec<(&String, &Value)> {
    let fields = object(doc, "").into_iter().flatten();
    fields.filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "apiVersion" | "kind")).collect()
}

/// `stringData` is a convenience for writers: it lands in `data`, encoded.
fn take_in_string_data(doc: &mut Value) {
    use base64::Engine as _;
    let Some(Value::Object(plain)) = remove(doc, "/stringData") else { return };
    for (key, value) in plain {
        let encoded = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or(""));
        put(doc, &format!("/data/{}", key.replace('~', "~0").replace('/', "~1")), encoded);
    }
}

/// The quality of service of a pod, from the CPU and memory that its containers ask for.
pub fn qos_class(pod: &Value) -> &'static str {
    let containers = || ["/spec/initContainers", "/spec/containers"].into_iter().flat_map(|list| items(pod, list));
    let amount = |container: &Value, part: &str, resource: &str| {
        let text = text(container, &format!("/resources/{part}/{resource}")).to_string();
        quantity::nanos(&text).filter(|n| *n > 0)
    };
    let asks = |container: &Value| {
        ["limits", "requests"].iter().any(|part| {
            let mut all = entries(container, if *part == "limits" { "/resources/limits" } else { "/resources/requests" });
            all.any(|(name, text)| matches!(name, "cpu" | "memory") && quantity::nanos(text).is_some_and(|n| n > 0))
        })
    };
    let guaranteed = |container: &Value| {
        ["cpu", "memory"].iter().all(|resource| {
            let limit = amount(container, "limits", resource);
            limit.is_some() && amount(container, "requests", resource).is_none_or(|request| Some(request) == limit)
        })
    };
    match (containers().any(asks), containers().all(guaranteed)) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::kinds;

    #[test]
    fn status_and_generation_belong_to_the_server() {
        let kind = kinds::of("apps/v1", "Deployment").expect("a kind");
        let mut first = json!({"metadata": {"generation": 9}, "spec": {"replicas": 1}, "status": {"replicas": 5}});
        on_create(kind, &mut first);
        assert_eq!(first, json!({"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": {}}));
        let mut same = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 1}, "status": {"replicas": 7}});
        on_update(kind, &mut same, &first);
        assert_eq!((&same["metadata"]["generation"], &same["status"]), (&json!(1), &json!({})));
        let mut changed = json!({"metadata": {}, "spec": {"replicas": 2}});
        on_update(kind, &mut changed, &first);
        assert_eq!(changed["metadata"]["generation"], 2);
        let mut status = json!({"metadata": {"resourceVersion": "3"}, "spec": {"replicas": 99}, "status": {"replicas": 1}});
        on_status_update(&mut status, &first);
        let expect =
            json!({"metadata": {"generation": 1, "resourceVersion": "3"}, "spec": {"replicas": 1}, "status": {"replicas": 1}});
        assert_eq!(status, expect);
    }

    #[test]
    fn a_pod_begins_pending_with_its_quality_of_service() {
        let both = json!({"cpu": "1", "memory": "1Gi"});
        for (resources, class) in [
            (json!({}), "BestEffort"),
            (json!({"requests": {"cpu": "100m"}}), "Burstable"),
            (json!({"limits": both, "requests": both}), "Guaranteed"),
            (json!({"limits": both, "requests": {"cpu": "500m", "memory": "1Gi"}}), "Burstable"),
            (json!({"limits": {"cpu": "0"}}), "BestEffort"),
        ] {
            let mut pod = json!({"metadata": {}, "spec": {"containers": [{"resources": resources}]}});
            on_create(kinds::of("v1", "Pod").expect("a kind"), &mut pod);
            assert_eq!(pod["status"], json!({"phase": "Pending", "qosClass": class}), "{resources}");
        }
    }

    #[test]
    fn secrets_take_plain_text() {
        let mut secret = json!({"metadata": {}, "data": {"a": "eA=="}, "stringData": {"b/c": "hello"}});
        on_create(kinds::of("v1", "Secret").expect("a kind"), &mut secret);
        assert_eq!(secret["data"], json!({"a": "eA==", "b/c": "aGVsbG8="}));
        assert_eq!(secret.get("stringData"), None);
    }
}
