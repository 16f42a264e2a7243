//! What a real kubectl 1.32 printed about the same objects: `tests/cases/print.yaml` and `describe.yaml`. The objects go
//! through the real API server, so that what it stores and answers takes part.

use serde_json::Value;

use super::world::FakeHost;
use crate::api::table::document::{list, number, text, texts};
use crate::yaml::{Profile, read};

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/../tests/cases/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut documents = read(&text, Profile::Kube).unwrap();
    documents.remove(0).value.as_array().unwrap().clone()
}

fn host(case: &Value) -> FakeHost {
    FakeHost::served(list(case, "objects"), text(case, "now"))
}

fn command(case: &Value) -> &str {
    text(case, "command")
}

#[test]
fn tables() {
    let mut wrong = Vec::new();
    for case in cases("print.yaml") {
        let outcome = host(&case).run(command(&case));
        let same = outcome.stdout.trim_end_matches('\n') == text(&case, "expect").trim_end_matches('\n')
            && (case.get("expect_stderr").is_none() || outcome.stderr.trim() == text(&case, "expect_stderr").trim())
            && i64::from(outcome.exit) == number(&case, "exit_code");
        if !same {
            wrong.push(format!("{}: {outcome:?}\n  want {:?}", text(&case, "name"), text(&case, "expect")));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn pages() {
    let mut wrong = Vec::new();
    for case in cases("describe.yaml") {
        let outcome = host(&case).run(command(&case));
        let have: Vec<&str> = outcome.stdout.lines().map(str::trim_end).collect();
        let mut rest = have.iter();
        let wanted = texts(&case, "expect_lines");
        let missing = wanted.iter().find(|line| !rest.any(|have| *have == line.trim_end()));
        if missing.is_some() || have.len() > wanted.len() + 3 {
            wrong.push(format!("{}: missing {missing:?} in\n{}{}", text(&case, "name"), outcome.stdout, outcome.stderr));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
