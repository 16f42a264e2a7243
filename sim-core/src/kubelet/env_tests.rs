//! The upstream cases of service variables. Left out are those of a kubelet that has not read the Services yet: ours always has.

use super::*;
use crate::engine::time::Instant;
use crate::objects::Object;
use crate::store::Store;

fn cases() -> Vec<Value> {
    serde_yaml::from_str(include_str!("../../../tests/cases/envvars.yaml")).expect("cases")
}

/// What the rule gives for one case, and what it lacks of the expectation.
fn faults(case: &Value) -> Vec<String> {
    let at = At::top(case);
    let mut store = Store::default();
    // A kubelet without a lister of Services is one in a cluster without Services.
    let lister = at.at("kubelet").at("serviceLister").flag() != Some(false);
    for object in at.at("objects").items().filter(|o| lister || o.at("kind").text() != Some("Service")) {
        store.insert(Object::parse(object.0.expect("object")), Instant::START);
    }
    let want = at.at("expect");
    let got = if at.at("level").text() == Some("generator") {
        Ok(store.head().services.iter().flat_map(|s| of_service(s)).collect())
    } else {
        environment(at, &store)
    };
    let got = match (got, want.at("error").flag() == Some(true)) {
        (Err(_), true) => return Vec::new(),
        (Ok(_), true) => return vec!["no error".into()],
        (Err(e), false) => return vec![e],
        (Ok(variables), false) => variables,
    };
    let text = |v: At<'_>| v.text().map_or_else(|| v.0.expect("value").to_string(), str::to_string);
    let wanted: Variables = want.at("present").entries().map(|(k, v)| (k.to_string(), text(v))).collect();
    let mut faults: Vec<String> = Vec::new();
    faults.extend(wanted.iter().filter(|(k, v)| got.get(*k) != Some(v)).map(|(k, v)| format!("{k}={:?} want {v}", got.get(k))));
    faults.extend(want.at("absent").names().iter().filter(|n| got.contains_key(&***n)).map(|n| format!("{n} is there")));
    if want.at("exact").flag() == Some(true) {
        faults.extend(got.keys().filter(|k| !wanted.contains_key(*k)).map(|k| format!("{k} too much")));
    }
    faults
}

fn environment(at: At<'_>, store: &Store) -> Result<Variables, String> {
    let p = at.at("pod");
    let value = |key: &str| p.at(key).0.cloned().unwrap_or(Value::Null);
    let container = serde_json::json!({"name": "c", "image": "busybox", "env": value("env"), "envFrom": value("envFrom")});
    let doc = serde_json::json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": value("name"), "namespace": value("namespace")},
        "spec": {"containers": [container], "nodeName": value("nodeName"), "enableServiceLinks": value("enableServiceLinks"),
            "serviceAccountName": value("serviceAccountName")}});
    let pod = Pod::parse(&doc);
    let ips = |key: &str| p.at(key).items().filter_map(|i| i.text()?.parse().ok()).collect::<Vec<IpAddr>>();
    let around = Around { pod_ips: ips("podIPs"), host_ips: ips("hostIPs") };
    of_container(store.head(), &pod, &pod.spec.containers[0].doc, &around).map(|e| e.variables())
}

#[test]
fn upstream_cases_of_service_variables() {
    for case in cases().iter().filter(|c| At::top(c).at("kubelet").at("servicesSynced").flag() != Some(false)) {
        let faults = faults(case);
        assert!(faults.is_empty(), "{}: {faults:?}", case["name"]);
    }
}
