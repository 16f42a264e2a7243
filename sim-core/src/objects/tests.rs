use super::*;
use serde_json::json;

/// What is restored comes back as it was, absent fields absent, unknown ones included.
#[test]
fn documents_come_back_unchanged() {
    let meta = |extra: Value| {
        let mut m = json!({"name": "x", "namespace": "default"});
        m.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        m
    };
    let docs = [
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta(json!({"labels": {"a": "b"}})), "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i", "later": 1}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1", "nominatedNodeName": "z", "conditions": [{"type": "Ready", "status": "True"}]}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta(json!({}))}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(json!({})), "spec": {"ports": [{"port": 80}], "odd": true}, "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta(json!({})), "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": []}),
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta(json!({})), "subsets": []}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {"podCIDR": "10.0.0.0/24"}, "status": {"capacity": {"cpu": "4"}, "images": []}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(json!({"generation": 3})), "spec": {"template": {}}, "status": {"replicas": 2, "terminatingReplicas": 0}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta(json!({})), "spec": {"replicas": 0}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta(json!({})), "spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}),
        json!({"apiVersion": "v1", "kind": "Event", "metadata": meta(json!({})), "reason": "x", "related": {}}),
        json!({"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": meta(json!({})), "anything": [1, null]}),
    ];
    for doc in docs {
        assert_eq!(Object::parse(&doc).encode(), doc);
    }
}
