use serde_json::json;

use super::*;
use crate::api::document::put_default;
use crate::api::{defaults, kinds};

/// The causes of a refused creation, one a line; empty when it is accepted. Defaults are filled in first, as in the server.
fn told(api_version: &str, kind: &str, mut doc: Value) -> String {
    let kind = kinds::of(api_version, kind).expect("a kind");
    put_default(&mut doc, "/metadata/name", "x");
    if kind.namespaced {
        put_default(&mut doc, "/metadata/namespace", "default");
    }
    defaults::set(kind, &mut doc);
    lines(on_create(kind, &doc))
}

fn told_update(api_version: &str, kind: &str, old: Value, doc: Value) -> String {
    lines(on_update(kinds::of(api_version, kind).expect("a kind"), &doc, &old))
}

fn lines(causes: Vec<Cause>) -> String {
    causes.iter().map(Cause::text).collect::<Vec<_>>().join("\n")
}

fn pod_told(spec: Value) -> String {
    told("v1", "Pod", json!({"spec": spec}))
}

fn one(container: Value) -> Value {
    let mut container = container;
    put_default(&mut container, "/name", "c");
    put_default(&mut container, "/image", "nginx");
    json!({"containers": [container]})
}

#[test]
fn metadata_is_judged_by_kind() {
    let meta = |kind: &str, meta: Value| told("v1", kind, json!({"metadata": meta, "spec": one(json!({}))["spec"]}));
    assert_eq!(meta("ConfigMap", json!({"name": "a.b-1", "labels": {"app": "x"}})), "");
    insta::assert_snapshot!(meta("ConfigMap", json!({"name": "A", "labels": {"a b": "x y"}, "finalizers": ["foo"]})), @r#"
        metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        metadata.labels: Invalid value: "x y": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
        metadata.finalizers[0]: Invalid value: "foo": name is neither a standard finalizer name nor is it fully qualified
        "#);
    insta::assert_snapshot!(meta("Namespace", json!({"name": "a.b", "namespace": "c"})), @r#"
        metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        metadata.namespace: Forbidden: not allowed on this type
        "#);
    insta::assert_snapshot!(meta("ConfigMap", json!({"generateName": "Bad-", "annotations": {"-": ""}})), @r#"
        metadata.generateName: Invalid value: "Bad-": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        metadata.annotations: Invalid value: "-": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        "#);
    let update = told_update(
        "v1",
        "ConfigMap",
        json!({"metadata": {"name": "a", "uid": "1", "deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        json!({"metadata": {"name": "b", "uid": "1", "finalizers": ["x.io/y"]}}),
    );
    insta::assert_snapshot!(update, @r#"
        metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.io/y"}
        metadata.name: Invalid value: "b": field is immutable
        "#);
}

#[test]
fn good_pods_pass() {
    for spec in [
        one(json!({"ports": [{"containerPort": 80, "name": "http"}], "readinessProbe": {"tcpSocket": {"port": "http"}}})),
        json!({"hostNetwork": true, "containers": [{"name": "c", "image": "x", "ports": [{"containerPort": 53}]}]}),
        json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"], "searches": ["a.b.", "."]}, "containers": [{"name": "c", "image": "x"}]}),
        json!({"volumes": [{"name": "v"}], "containers": [{"name": "c", "image": "x", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}),
    ] {
        assert_eq!(pod_told(spec.clone()), "", "{spec}");
    }
}

#[test]
fn wrong_pods_are_told_all_that_is_wrong() {
    insta::assert_snapshot!(pod_told(json!({})), @r#"spec.containers: Required value"#);
    insta::assert_snapshot!(pod_told(json!({"containers": [{"name": "A_b"}, {"name": "c", "image": "x"}, {"name": "c", "image": "x"}]})), @r#"
        spec.containers[0].name: Invalid value: "A_b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        spec.containers[0].image: Required value
        spec.containers[2].name: Duplicate value: "c"
        "#);
    insta::assert_snapshot!(pod_told(one(json!({
        "ports": [{"containerPort": 70000, "name": "a-very-long-port-name"}, {"name": "p", "protocol": "tcp"}],
        "env": [{"name": "A=B"}, {"value": "x"}, {"name": "C", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "volumeMounts": [{"name": "nope", "mountPath": "/x"}],
        "imagePullPolicy": "Sometimes",
        "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}},
        "livenessProbe": {"periodSeconds": -1, "successThreshold": 2},
        "readinessProbe": {"httpGet": {"port": 0}, "tcpSocket": {"port": 80}}
    }))), @r#"
        spec.containers[0].ports[0].name: Invalid value: "a-very-long-port-name": must be no more than 15 characters
        spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive
        spec.containers[0].ports[1].containerPort: Required value
        spec.containers[0].ports[1].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"
        spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='
        spec.containers[0].env[1].name: Required value
        spec.containers[0].env[2].valueFrom: Invalid value: "": may not be specified when `value` is not empty
        spec.containers[0].volumeMounts[0].name: Not found: "nope"
        spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"
        spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 500m
        spec.containers[0].livenessProbe: Required value: must specify a handler type
        spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0
        spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1
        spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive
        spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type
        "#);
    insta::assert_snapshot!(pod_told(json!({"restartPolicy": "always", "dnsPolicy": "None", "hostname": "a.b", "nodeSelector": {"a b": "c"},
        "tolerations": [{"operator": "Equal"}], "activeDeadlineSeconds": 0, "containers": [{"name": "c", "image": "x"}]})), @r#"
        spec.restartPolicy: Unsupported value: "always": supported values: "Always", "Never", "OnFailure"
        spec.nodeSelector: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None
        spec.hostname: Invalid value: "a.b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive
        spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"
        "#);
}

#[test]
fn a_stored_pod_hardly_changes() {
    let pod = |image: &str, node: &str| json!({"metadata": {"name": "x"}, "spec": {"nodeName": node, "containers": [{"name": "c", "image": image}]}});
    assert_eq!(told_update("v1", "Pod", pod("a:1", "n"), pod("a:2", "n")), "");
    insta::assert_snapshot!(told_update("v1", "Pod", pod("a:1", "n"), pod("a:1", "m")), @r#"spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"#);
    let two =
        json!({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "a"}, {"name": "d", "image": "b"}]}});
    insta::assert_snapshot!(told_update("v1", "Pod", pod("a:1", "n"), two), @r#"spec.containers: Forbidden: pod updates may not add or remove containers"#);
}

fn deployment(selector: Value, labels: Value) -> Value {
    json!({"spec": {"selector": selector, "template": {"metadata": {"labels": labels}, "spec": one(json!({}))}}})
}

#[test]
fn deployments_select_their_own_pods() {
    let good = deployment(json!({"matchLabels": {"app": "a"}}), json!({"app": "a", "x": "y"}));
    assert_eq!(told("apps/v1", "Deployment", good.clone()), "");
    let cases = [
        deployment(Value::Null, json!({"app": "a"})),
        deployment(json!({}), json!({"app": "a"})),
        deployment(json!({"matchLabels": {"app": "b"}}), json!({"app": "a"})),
        deployment(json!({"matchExpressions": [{"key": "app", "operator": "In"}]}), json!({"app": "a"})),
        json!({"spec": {"replicas": -1, "progressDeadlineSeconds": 5, "minReadySeconds": 5,
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "0%"}}}}),
        json!({"spec": {"selector": {"matchLabels": {"a": "b"}}, "strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": "x"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}}}),
    ];
    insta::assert_snapshot!(cases.map(|doc| told("apps/v1", "Deployment", doc)).join("\n--\n"), @r#"
        spec.selector: Required value
        spec.template.metadata.labels: Invalid value: map[string]string{"app":"a"}: `selector` does not match template `labels`
        --
        spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment
        --
        spec.template.metadata.labels: Invalid value: map[string]string{"app":"a"}: `selector` does not match template `labels`
        --
        spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'
        spec.template.metadata.labels: Invalid value: map[string]string{"app":"a"}: `selector` does not match template `labels`
        --
        spec.replicas: Invalid value: -1: must be greater than or equal to 0
        spec.selector: Required value
        spec.template.metadata.labels: Invalid value: map[string]string(nil): `selector` does not match template `labels`
        spec.template.spec.containers: Required value
        spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0
        spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds
        --
        spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"
        spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'
        "#);
    let mut filled = good;
    filled["metadata"] = json!({"name": "x", "namespace": "default"});
    defaults::set(kinds::of("apps/v1", "Deployment").expect("a kind"), &mut filled);
    let mut changed = filled.clone();
    changed["spec"]["selector"]["matchLabels"] = json!({"x": "y"});
    insta::assert_snapshot!(told_update("apps/v1", "Deployment", filled, changed), @r#"spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"x":"y"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable"#);
}

#[test]
fn endpoints_and_slices() {
    assert_eq!(told("v1", "Endpoints", json!({"subsets": [{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 80}]}]})), "");
    insta::assert_snapshot!(told("v1", "Endpoints", json!({"subsets": [{}, {"addresses": [{"ip": "127.0.0.1"}, {"ip": "web"}],
        "ports": [{"port": 80}, {"name": "B", "port": 0}]}]})), @r#"
        subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`
        subsets[1].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)
        subsets[1].addresses[1].ip: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)
        subsets[1].ports[0].name: Required value
        subsets[1].ports[1].name: Invalid value: "B": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        subsets[1].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive
        "#);
    let slice = |doc| told("discovery.k8s.io/v1", "EndpointSlice", doc);
    assert_eq!(slice(json!({"addressType": "IPv4", "endpoints": [{"addresses": ["1.2.3.4"]}], "ports": [{"port": 80}]})), "");
    insta::assert_snapshot!(slice(json!({"addressType": "IPv4", "endpoints": [{"addresses": []}, {"addresses": ["fd00::1"]}],
        "ports": [{"port": 80}, {"port": 81, "protocol": "ICMP"}]})), @r#"
        endpoints[0].addresses: Required value: must contain at least 1 address
        endpoints[1].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address
        ports[1].name: Duplicate value: ""
        ports[1].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"
        "#);
    insta::assert_snapshot!(slice(json!({"addressType": "ipv4"})), @r#"addressType: Unsupported value: "ipv4": supported values: "FQDN", "IPv4", "IPv6""#);
    insta::assert_snapshot!(told_update("discovery.k8s.io/v1", "EndpointSlice", json!({"addressType": "IPv4"}), json!({"addressType": "IPv6"})), @r#"addressType: Invalid value: "IPv6": field is immutable"#);
}

#[test]
fn nodes_and_config_maps() {
    insta::assert_snapshot!(told("v1", "Node", json!({"spec": {"taints": [{"key": "a", "effect": "Never"}, {"key": "b", "effect": "NoSchedule"},
        {"key": "b", "effect": "NoSchedule"}], "podCIDRs": ["10.0.0.0"]}})), @r#"
        spec.taints[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"
        spec.taints[2]: Duplicate value: core.Taint{Key:"b", Value:"", Effect:"NoSchedule", TimeAdded:<nil>}
        spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)
        "#);
    insta::assert_snapshot!(told("v1", "ConfigMap", json!({"data": {"a/b": "1"}})), @r#"data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"#);
    let fixed = json!({"immutable": true, "data": {"a": "1"}});
    insta::assert_snapshot!(told_update("v1", "ConfigMap", fixed, json!({"data": {"a": "2"}})), @r#"
        immutable: Forbidden: field is immutable when `immutable` is set
        data: Forbidden: field is immutable when `immutable` is set
        "#);
}
