//! The cases of `tests/cases/validate.yaml`, played on a small server of Services.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::api::document::{items, strings};

/// Services by namespace and name, and the pools they draw from.
struct Server {
    stored: BTreeMap<(String, String), Value>,
    allocators: Allocators,
    salt: u64,
}

impl Server {
    fn new(cluster: &Value) -> Self {
        let cidrs: Vec<String> = strings(cluster, "/serviceCIDRs").into_iter().map(String::from).collect();
        let (first, last) = text(cluster, "/nodePortRange").split_once('-').expect("a range");
        let range = (first.parse().expect("a port"), last.parse().expect("a port"));
        Server { stored: BTreeMap::new(), allocators: Allocators::new(&cidrs, range).expect("pools"), salt: 1 }
    }

    fn key(doc: &Value) -> (String, String) {
        (text(doc, "/metadata/namespace").into(), text(doc, "/metadata/name").into())
    }

    fn create(&mut self, mut doc: Value) -> Result<Value, Status> {
        let key = Self::key(&doc);
        let (mut trial, salt) = (self.allocators.clone(), &mut self.salt);
        on_create(&mut doc, &mut trial, &mut |n| draw(salt, n))?;
        // As in a real server, the name is looked at last: a clash of addresses is told before a clash of names.
        if self.stored.contains_key(&key) {
            return Err(Status::already_exists("services", "", &key.1));
        }
        self.allocators = trial;
        self.stored.insert(key, doc.clone());
        Ok(doc)
    }

    fn change(&mut self, key: (String, String), with: impl FnOnce(&Value) -> Value) -> Result<Value, Status> {
        let old = self.stored.get(&key).ok_or(Status::not_found("services", "", &key.1))?;
        let mut doc = with(old);
        let salt = &mut self.salt;
        on_update(&mut doc, old, &mut self.allocators, &mut |n| draw(salt, n))?;
        self.stored.insert(key, doc.clone());
        Ok(doc)
    }

    fn delete(&mut self, key: &(String, String)) {
        let gone = self.stored.remove(key).expect("stored");
        on_delete(&gone, &mut self.allocators);
    }

    /// One step or the step under test: `verb` with its body and target.
    fn play(&mut self, verb: &str, target: &str, body: &Value) -> Result<Value, Status> {
        let (namespace, name) = target.trim_start_matches("service ").split_once('/').unwrap_or_default();
        let key = (namespace.to_string(), name.to_string());
        match verb {
            "create" => self.create(body.clone()),
            "replace" => self.change(Self::key(body), |_| body.clone()),
            "patch" => self.change(key, |old| {
                let mut doc = old.clone();
                json_patch::merge(&mut doc, body);
                doc
            }),
            "delete" => {
                self.delete(&key);
                Ok(Value::Null)
            }
            other => panic!("verb {other}"),
        }
    }
}

fn draw(salt: &mut u64, n: u64) -> u64 {
    *salt = salt.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*salt >> 33) % n
}

fn run(case: &Value) -> Result<(), String> {
    let mut server = Server::new(&case["cluster"]);
    for doc in items(case, "/objects") {
        server.create(doc.clone()).map_err(|s| format!("setup: {}", s.message))?;
    }
    for step in items(case, "/steps_before") {
        let verb = ["delete", "patch", "replace", "create_must_fail", "create"].into_iter().find(|v| step.get(v).is_some());
        let verb = verb.expect("a verb");
        let (target, body) = (text(step, &format!("/{verb}")), step.get("merge").unwrap_or(&step[verb]));
        let verb = verb.trim_end_matches("_must_fail");
        let must_fail = step.get("create_must_fail").is_some();
        let done = server.play(verb, target, body);
        if done.is_ok() == must_fail {
            return Err(format!("step {step}: {done:?}"));
        }
    }
    let done = server.play(text(case, "/verb"), text(case, "/target"), &case["apply"]);
    judge(&case["expect"], done)
}

fn judge(expect: &Value, done: Result<Value, Status>) -> Result<(), String> {
    let status = match (done, expect["ok"] == true) {
        (Ok(doc), true) => return fields_match(expect, &doc),
        (Ok(_), false) => return Err("was accepted".into()),
        (Err(status), true) => return Err(format!("was refused: {}", status.message)),
        (Err(status), false) => status,
    };
    let reason = text(expect, "/reason");
    let missing: Vec<_> = strings(expect, "/error_contains").into_iter().filter(|m| !status.message.contains(m)).collect();
    let count = expect["error_count"].as_u64().map(|n| n as usize);
    if !missing.is_empty() || !reason.is_empty() && reason != status.reason || count.is_some_and(|n| n != status.causes.len()) {
        return Err(format!("missing {missing:?}, reason {reason}, count {count:?}: {} {}", status.reason, status.message));
    }
    Ok(())
}

fn fields_match(expect: &Value, doc: &Value) -> Result<(), String> {
    for (path, want) in expect["fields"].as_object().into_iter().flatten() {
        let place = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        let got = doc.pointer(&place);
        let good = match want.as_str() {
            Some("<absent>") => got.is_none(),
            Some(described) if described.starts_with('<') => got.is_some(),
            _ => got == Some(want),
        };
        if !good {
            return Err(format!("{path}: {got:?}, want {want}"));
        }
    }
    Ok(())
}

#[test]
fn services_are_written_as_a_real_server_writes_them() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/validate.yaml");
    let text = std::fs::read_to_string(path).expect("the case file");
    let cases: Vec<Value> = serde_yaml::from_str(&text).expect("a list of cases");
    let failed: Vec<String> = cases.iter().filter_map(|case| Some(format!("{}: {}", case["name"], run(case).err()?))).collect();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), cases.len(), failed.join("\n"));
    assert!(cases.len() > 80);
}

/// Creates a Service with the first spec, then merges the others in, one after the other; tells how the last step ended: the
/// refusal, or what was asked for with `show`.
fn story(cidrs: &[&str], specs: &[Value], show: &str) -> String {
    let cluster = json!({"serviceCIDRs": cidrs, "nodePortRange": "30000-30003"});
    let mut server = Server::new(&cluster);
    let meta = json!({"name": "x", "namespace": "d"});
    let mut done = server.create(json!({"metadata": meta, "spec": specs[0]}));
    for spec in &specs[1..] {
        done.as_ref().unwrap_or_else(|e| panic!("{specs:?}: {}", e.message));
        done = server.play("patch", "service d/x", &json!({"spec": spec}));
    }
    match done {
        Err(status) => status.message.replace("Service \"x\" is invalid: ", ""),
        Ok(doc) => format!("{show} = {}", doc.pointer(&format!("/spec/{show}")).unwrap_or(&Value::Null)),
    }
}

#[test]
fn stories_of_services() {
    const V4: &[&str] = &["10.0.0.0/30"];
    const BOTH: &[&str] = &["10.0.0.0/24", "fd00::/112"];
    let port = json!([{"port": 80}]);
    let two = json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]);
    let stories = [
        story(V4, &[json!({"clusterIP": "None"})], "ipFamilies"),
        story(V4, &[json!({"clusterIP": "None", "selector": {"a": "b"}})], "ipFamilies"),
        story(V4, &[json!({"ports": port, "type": "Foo"})], ""),
        story(V4, &[json!({"ports": port}), json!({"clusterIP": "10.0.0.9"})], ""),
        story(V4, &[json!({"ports": port}), json!({"clusterIP": "None"})], ""),
        story(
            V4,
            &[json!({"ports": port, "sessionAffinity": "ClientIP"}), json!({"sessionAffinity": "None"})],
            "sessionAffinityConfig",
        ),
        story(
            V4,
            &[
                json!({"ports": port, "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}}),
            ],
            "",
        ),
        story(
            V4,
            &[
                json!({"ports": port, "type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
                json!({"healthCheckNodePort": 30001}),
            ],
            "",
        ),
        story(
            V4,
            &[
                json!({"ports": port, "type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
                json!({"externalTrafficPolicy": "Cluster"}),
            ],
            "healthCheckNodePort",
        ),
        story(V4, &[json!({"ports": port, "type": "NodePort"}), json!({"type": "ClusterIP"})], "externalTrafficPolicy"),
        story(
            V4,
            &[json!({"ports": port, "type": "NodePort", "externalIPs": ["1.2.3.4"]}), json!({"type": "ClusterIP"})],
            "externalTrafficPolicy",
        ),
        story(V4, &[json!({"ports": port, "externalIPs": ["1.2.3.4"], "externalTrafficPolicy": "Sometimes"})], ""),
        story(V4, &[json!({"ports": [{"port": 80, "nodePort": 80}], "type": "NodePort"})], ""),
        story(
            V4,
            &[json!({"ports": [{"port": 80, "nodePort": 30001}, {"port": 81, "nodePort": 30001}], "type": "NodePort"})],
            "",
        ),
        story(
            V4,
            &[json!({"ports": [{"name": "a", "port": 80}, {"port": 80, "name": "a", "protocol": "UDP"}, {"port": 81}]})],
            "",
        ),
        story(V4, &[json!({"ports": two, "type": "ExternalName", "externalName": ""})], ""),
        story(V4, &[json!({"ports": port, "loadBalancerClass": "a/b"})], ""),
        story(V4, &[json!({"ports": port, "type": "LoadBalancer", "loadBalancerClass": ""})], ""),
        story(V4, &[json!({"ports": port, "trafficDistribution": "Near"})], ""),
        story(
            BOTH,
            &[json!({"ports": port, "ipFamilyPolicy": "PreferDualStack"}), json!({"ipFamilyPolicy": "SingleStack"})],
            "ipFamilies",
        ),
        story(BOTH, &[json!({"ports": port}), json!({"ipFamilies": ["IPv6"]})], ""),
        story(
            BOTH,
            &[json!({"ports": port}), json!({"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]})],
            "ipFamilies",
        ),
        story(BOTH, &[json!({"ports": port, "ipFamilyPolicy": "Both"})], ""),
        story(BOTH, &[json!({"ports": port, "clusterIPs": ["10.0.0.9"]})], ""),
        story(BOTH, &[json!({"ports": port, "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9", "10.0.0.8"]})], ""),
        story(BOTH, &[json!({"ports": port, "clusterIP": "10.0.0.9", "ipFamilies": ["IPv6"]})], ""),
    ];
    insta::assert_snapshot!(stories.join("\n"), @r#"
        ipFamilies = ["IPv4","IPv6"]
        ipFamilies = ["IPv4"]
        spec.type: Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"
        spec.clusterIPs[0]: Invalid value: []string{"10.0.0.9"}: may not change once set
        spec.clusterIPs[0]: Invalid value: []string{"None"}: may not change once set
        sessionAffinityConfig = null
        spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400
        spec.healthCheckNodePort: Forbidden: field is immutable
        healthCheckNodePort = null
        externalTrafficPolicy = null
        externalTrafficPolicy = "Cluster"
        spec.externalTrafficPolicy: Unsupported value: "Sometimes": supported values: "Cluster", "Local"
        spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30003
        spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated
        [spec.ports[1].name: Duplicate value: "a", spec.ports[2].name: Required value]
        spec.externalName: Required value
        spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'
        [spec.loadBalancerClass: Invalid value: "": name part must be non-empty, spec.loadBalancerClass: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')]
        spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose"
        ipFamilies = ["IPv4"]
        spec.clusterIPs[0]: Invalid value: "10.0.0.137": expected an IPv6 value as indicated by `ipFamilies[0]`
        ipFamilies = ["IPv4","IPv6"]
        spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"
        spec.clusterIPs: Invalid value: []string{"10.0.0.9"}: must be empty when `clusterIP` is not specified
        spec.clusterIPs: Invalid value: []string{"10.0.0.9", "10.0.0.8"}: may specify no more than one IP for each IP family
        spec.clusterIPs[0]: Invalid value: "10.0.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`
        "#);
}

#[test]
fn empty_pools_say_so_and_failures_give_back() {
    let mut server = Server::new(&json!({"serviceCIDRs": ["10.0.0.0/30"], "nodePortRange": "30000-30001"}));
    let mut create = |name: &str, kind: &str, bad: bool| {
        let port = if bad { 0 } else { 80 };
        let doc = json!({"metadata": {"name": name, "namespace": "d"}, "spec": {"type": kind, "ports": [{"port": port}]}});
        server.create(doc).map(drop).map_err(|status| status.message)
    };
    for _ in 0..5 {
        assert!(create("bad", "NodePort", true).is_err_and(|why| why.contains("spec.ports[0].port")));
    }
    assert_eq!(create("a", "NodePort", false), Ok(()));
    assert_eq!(create("b", "ClusterIP", false), Ok(()));
    let full = "Internal error occurred: failed to allocate a serviceIP: range is full";
    assert_eq!(create("c", "ClusterIP", false), Err(full.into()));
    server.delete(&("d".into(), "b".into()));
    let two = json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]);
    let greedy = json!({"metadata": {"name": "c", "namespace": "d"}, "spec": {"type": "NodePort", "ports": two}});
    let full = "Internal error occurred: failed to allocate a nodePort: range is full";
    assert_eq!(server.create(greedy).map(drop).map_err(|status| status.message), Err(full.into()));
}
