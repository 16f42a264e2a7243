use serde_json::json;

use super::*;

fn refusal(doc: Value) -> String {
    decode(&doc, FieldValidation::Strict).expect_err("a refusal").to_string()
}

fn service(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec})
}

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec})
}

#[test]
fn unknown_fields_are_all_told() {
    let doc = service(json!({"portz": 1, "ports": [{"port": 80, "tagetPort": 8080}], "Type": "x"}));
    let mut told: Vec<String> = refusal(doc.clone()).split(": ").last().unwrap_or("").split(", ").map(String::from).collect();
    told.sort();
    assert_eq!(
        told,
        ["unknown field \"spec.Type\"", "unknown field \"spec.ports[0].tagetPort\"", "unknown field \"spec.portz\""]
    );
    insta::assert_snapshot!(refusal(service(json!({"portz": 1}))),
        @r#"Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.portz""#);
    let warned = decode(&doc, FieldValidation::Warn).expect("warned");
    assert_eq!((warned.warnings.len(), &warned.doc["spec"]), (3, &json!({"ports": [{"port": 80}]})));
    let ignored = decode(&doc, FieldValidation::Ignore).expect("ignored");
    assert_eq!((ignored.warnings.len(), ignored.doc), (0, warned.doc));
}

#[test]
fn wrong_types_are_worded_as_go_words_them() {
    let all = [
        service(json!({"ports": [{"port": "http"}]})),
        service(json!({"ports": [{"port": 3_000_000_000u64}]})),
        service(json!({"ports": {"port": 80}})),
        service(json!({"selector": ["app"]})),
        service(json!({"selector": {"version": 1}})),
        service(json!({"type": true})),
        service(json!("web")),
        service(json!({"ports": [{"port": 80, "targetPort": true}]})),
        pod(json!({"containers": [{"name": "c", "env": [{"name": "A", "value": 1}]}]})),
        pod(json!({"containers": [{"name": "c", "command": "sleep 1"}]})),
        pod(json!({"containers": [{"name": "c", "resources": {"limits": {"cpu": "lots"}}}]})),
        pod(json!({"hostNetwork": "yes"})),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "3"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "not base64!"}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "yesterday"}}),
    ];
    insta::assert_snapshot!(all.map(refusal).join("\n").replace(" cannot be handled as a ", " != "), @r#"
        Service in version "v1" != Service: json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32
        Service in version "v1" != Service: json: cannot unmarshal number 3000000000 into Go struct field ServicePort.spec.ports.port of type int32
        Service in version "v1" != Service: json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort
        Service in version "v1" != Service: json: cannot unmarshal array into Go struct field ServiceSpec.spec.selector of type map[string]string
        Service in version "v1" != Service: json: cannot unmarshal number into Go struct field ServiceSpec.spec.selector of type string
        Service in version "v1" != Service: json: cannot unmarshal bool into Go struct field ServiceSpec.spec.type of type v1.ServiceType
        Service in version "v1" != Service: json: cannot unmarshal string into Go struct field Service.spec of type v1.ServiceSpec
        Service in version "v1" != Service: json: cannot unmarshal bool into Go value of type int32
        Pod in version "v1" != Pod: json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string
        Pod in version "v1" != Pod: json: cannot unmarshal string into Go struct field Container.spec.containers.command of type []string
        Pod in version "v1" != Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
        Pod in version "v1" != Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool
        Deployment in version "v1" != Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32
        Secret in version "v1" != Secret: illegal base64 data at input byte 3
        Pod in version "v1" != Pod: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"
        "#);
}

#[test]
fn what_go_accepts_is_accepted() {
    for doc in [
        service(json!({"ports": [{"name": "p"}], "clusterIP": null})),
        service(json!({"ports": [{"port": 80.0}, null]})),
        pod(json!({"containers": [{}]})),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": null}}),
        json!({"apiVersion": "v1", "kind": "Endpoints", "subsets": [{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 80}]}]}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "endpoints": [{"conditions": {"ready": true}}]}),
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"anything": [null]}}),
    ] {
        assert!(decode(&doc, FieldValidation::Strict).is_ok(), "{:?}", decode(&doc, FieldValidation::Strict));
    }
}

#[test]
fn the_document_is_kept_without_nulls_and_with_canonical_quantities() {
    let limits = json!({"cpu": 1, "memory": "1024Mi", "x/y": "0.5"});
    let doc = pod(json!({"nodeName": null, "containers": [{"name": "c", "resources": {"limits": limits}}]}));
    let kept = decode(&doc, FieldValidation::Strict).expect("kept").doc;
    let limits = json!({"cpu": "1", "memory": "1Gi", "x/y": "500m"});
    assert_eq!(kept["spec"], json!({"containers": [{"name": "c", "resources": {"limits": limits}}]}));
}

#[test]
fn every_kind_of_the_table_has_a_judge() {
    for kind in crate::api::kinds::KINDS {
        let doc = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "nonsense": 1});
        let error = decode(&doc, FieldValidation::Strict).expect_err(kind.kind);
        assert_eq!((error.problems[0].pointer.as_str(), error.problems.len()), ("/nonsense", 1), "{}", kind.kind);
    }
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever stands in a field, decoding answers, and what it keeps it accepts again unchanged.
        #[test]
        fn decoding_is_total_and_idempotent(field in "spec|metadata|status|data", inner in "ports|containers|selector|name|x", text in ".{0,6}", n in any::<i64>()) {
            for value in [json!(text), json!(n), json!([n, text]), json!({ &text: n }), json!(null), json!([[{ &inner: text }]])] {
                for kind in crate::api::kinds::KINDS.iter().filter(|k| matches!(k.kind, "Service" | "Pod" | "ConfigMap" | "Event")) {
                    let doc = json!({"apiVersion": kind.api_version(), "kind": kind.kind, &field: { &inner: value }});
                    if let Ok(decoded) = decode(&doc, FieldValidation::Ignore) {
                        prop_assert_eq!(decode(&decoded.doc, FieldValidation::Strict).map(|d| d.doc), Ok(decoded.doc));
                    }
                }
            }
        }
    }
}
