use serde_json::json;

use super::*;
use crate::api::kinds;

/// What defaulting adds, and that doing it twice adds nothing more.
fn filled(api_version: &str, kind: &str, mut doc: Value) -> Value {
    let kind = kinds::of(api_version, kind).expect("a kind");
    set(kind, &mut doc);
    let mut again = doc.clone();
    set(kind, &mut again);
    assert_eq!(doc, again);
    doc
}

#[test]
fn a_bare_pod_becomes_explicit() {
    let container = json!({"name": "c", "image": "nginx", "ports": [{"containerPort": 80}],
        "readinessProbe": {"httpGet": {"port": 80}}, "resources": {"limits": {"cpu": "1", "x/y": "2"}},
        "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]});
    let doc = filled("v1", "Pod", json!({"spec": {"containers": [container], "volumes": [{"name": "v"}]}}));
    let mut spec = doc["spec"].clone();
    let container = spec["containers"][0].take();
    assert_eq!(
        container,
        json!({"name": "c", "image": "nginx", "imagePullPolicy": "Always",
            "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "readinessProbe": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10,
                "successThreshold": 1, "failureThreshold": 3},
            "resources": {"limits": {"cpu": "1", "x/y": "2"}, "requests": {"cpu": "1", "x/y": "2"}},
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"})
    );
    assert_eq!(
        spec,
        json!({"containers": [null], "volumes": [{"name": "v", "emptyDir": {}}], "dnsPolicy": "ClusterFirst",
            "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {}, "enableServiceLinks": true,
            "terminationGracePeriodSeconds": 30})
    );
}

#[test]
fn images_decide_the_pull_policy() {
    for (image, policy) in [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("host:5000/nginx", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("host:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0", "IfNotPresent"),
    ] {
        let doc = filled("v1", "Pod", json!({"spec": {"containers": [{"image": image}]}}));
        assert_eq!(text(&doc, "/spec/containers/0/imagePullPolicy"), policy, "{image}");
    }
}

#[test]
fn workloads_and_endpoints() {
    let deployment = filled("apps/v1", "Deployment", json!({"spec": {"template": {"spec": {"containers": [{"image": "a:1"}]}}}}));
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    assert_eq!((&deployment["spec"]["strategy"], &deployment["spec"]["replicas"]), (&rolling, &json!(1)));
    assert_eq!(deployment["spec"]["template"]["spec"].get("enableServiceLinks"), None);
    let recreate = filled("apps/v1", "Deployment", json!({"spec": {"replicas": 0, "strategy": {"type": "Recreate"}}}));
    assert_eq!((&recreate["spec"]["strategy"], &recreate["spec"]["replicas"]), (&json!({"type": "Recreate"}), &json!(0)));
    let slice = filled("discovery.k8s.io/v1", "EndpointSlice", json!({"ports": [{"port": 80}]}));
    assert_eq!(slice["ports"], json!([{"port": 80, "name": "", "protocol": "TCP"}]));
    let policy = filled("networking.k8s.io/v1", "NetworkPolicy", json!({"spec": {"egress": [{"ports": [{"port": 53}]}]}}));
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let namespace = filled("v1", "Namespace", json!({"metadata": {"name": "a"}}));
    assert_eq!(namespace["metadata"]["labels"], json!({"kubernetes.io/metadata.name": "a"}));
}
