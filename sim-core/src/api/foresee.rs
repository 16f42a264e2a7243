//! What the server would say to a document that is created in a cluster where nothing stands in its way.
//!
//! The way is that of a real creation: sizes, strict decoding, defaults, admission, validation, allocation. Left out is what
//! only the store knows: whether the namespace is there, the name or an address taken. A linter asks here, so that it says what
//! a run would say.

use serde_json::Value;

use super::allocate::Allocators;
use super::decode::decode;
use super::document::{put_default, remove, text};
use super::kinds;
use super::request::FieldValidation;
use super::status::Status;
use super::{size, validate, write};

/// The refusal of a document; `pools` are those of the cluster that it is meant for.
pub fn refusal(doc: &Value, pools: &Allocators) -> Result<(), Status> {
    size::check_body(doc)?;
    let mut doc = decode(doc, FieldValidation::Strict)?.doc;
    let (api_version, kind) = (text(&doc, "/apiVersion").to_string(), text(&doc, "/kind").to_string());
    match kinds::of(&api_version, &kind) {
        Some(row) => {
            if row.namespaced {
                put_default(&mut doc, "/metadata/namespace", "default");
            } else {
                remove(&mut doc, "/metadata/namespace");
            }
            let base = text(&doc, "/metadata/generateName");
            if !base.is_empty() {
                let generated = format!("{base}aaaaa");
                put_default(&mut doc, "/metadata/name", generated);
            }
            write::on_create(row, &mut doc, "aaaaa", &mut pools.clone(), &mut |_| 0)?;
        }
        None => validate::of_unknown_kind(&doc)?,
    }
    size::check_object(&doc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(doc: Value) -> Option<String> {
        let pools = Allocators::new(&["10.96.0.0/12".into()], (30000, 32767)).expect("pools");
        refusal(&doc, &pools).err().map(|status| status.message)
    }

    #[test]
    fn what_a_creation_would_meet_is_foreseen() {
        let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec});
        assert_eq!(refused(service(json!({"ports": [{"port": 80}]}))), None);
        assert_eq!(refused(service(json!({}))).as_deref(), Some("Service \"web\" is invalid: spec.ports: Required value"));
        let outside = refused(service(json!({"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}))).expect("it is outside");
        assert!(outside.contains("not in the valid range"), "{outside}");
        let unknown = refused(service(json!({"portz": []}))).expect("an unknown field");
        assert!(unknown.contains("strict decoding error: unknown field \"spec.portz\""), "{unknown}");
        let generated = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}});
        assert_eq!(refused(generated), None);
        let long = "x".repeat(300_000);
        let foreign =
            json!({"apiVersion": "a.example.com/v1", "kind": "A", "metadata": {"name": "a", "annotations": {"a": long}}});
        let wanted = "A.a.example.com \"a\" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes";
        assert_eq!(refused(foreign).as_deref(), Some(wanted));
    }
}
