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
