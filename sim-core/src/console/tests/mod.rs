//! Tests of the shell, the session and the ordinary programs against a small world without a cluster.
//!
//! `posix.txt` holds scripts with what dash and GNU's tools print for them; `sandbox.txt` what is particular to the sandbox.

mod laws;
mod session;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::json;

use super::catalogue::Catalogue;
use super::files::HostFiles;
use super::host::{ContainerView, FileError, Host, Outcome, Place, Stopped, World, timed};
use super::session::Session;
use crate::api::request::{Answer, Request, Response};
use crate::api::status::Status;
use crate::engine::time::{Duration, Instant};
use crate::lab::tasks::Tasks;
use crate::objects::time::Timestamp;

/// A world with one node, one container and a clock with a budget.
pub(super) struct FakeWorld {
    elapsed: Instant,
    budget: Duration,
    pub(super) running: bool,
}

impl FakeWorld {
    pub(super) fn new() -> Self {
        FakeWorld { elapsed: Instant::START, budget: Duration::from_secs(100_000), running: true }
    }
}

impl World for FakeWorld {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00Z").unwrap().plus(self.elapsed.since(Instant::START))
    }
    fn elapsed(&self) -> Instant {
        self.elapsed
    }
    fn request(&mut self, request: Request) -> Answer {
        match (request.resource.as_str(), request.name.as_str()) {
            ("nodes", "node-1") => Response::Object(json!({"metadata": {"name": "node-1"}})).into(),
            _ => Status::not_found("", &request.resource, &request.name).into(),
        }
    }
    fn revision(&self) -> u64 {
        0
    }
    fn advance(&mut self, by: Duration) -> Result<(), Stopped> {
        if (self.elapsed + by).since(Instant::START) > self.budget {
            return Err(Stopped::limit("stopped: out of simulated time"));
        }
        self.elapsed += by;
        Ok(())
    }
    fn advance_until(&mut self, limit: Duration, done: &mut dyn FnMut(&mut dyn World) -> bool) -> Result<bool, Stopped> {
        if done(self) {
            return Ok(true);
        }
        self.advance(limit).map(|()| false)
    }
    fn container(&mut self, _: &str, pod: &str, _: &str) -> Result<ContainerView, String> {
        if !self.running || !["web", "bare"].contains(&pod) {
            return Err("container not found".to_string());
        }
        Ok(ContainerView {
            image: if pod == "web" { "nginx" } else { "registry.k8s.io/pause:3.10" }.to_string(),
            hostname: pod.to_string(),
            env: BTreeMap::from([("WEB_SERVICE_HOST".to_string(), "10.96.0.20".to_string())]),
            files: BTreeMap::from([("/etc/resolv.conf".to_string(), "nameserver 10.96.0.10\n".to_string())]),
        })
    }
    fn logs(&mut self, _: &str, _: &str, _: &str, _: bool) -> Result<Vec<(Timestamp, String)>, String> {
        Ok(Vec::new())
    }
}

/// Two files of the user's own machine.
struct OnDisk;

impl HostFiles for OnDisk {
    fn read(&self, path: &str) -> Option<Result<String, FileError>> {
        match path {
            "web.yaml" => Some(Ok("kind: Pod\n".to_string())),
            "deploy/big.yaml" => Some(Err(FileError("kubewalk: larger than 16 MiB".to_string()))),
            _ => None,
        }
    }
    fn list(&self, path: &str) -> Option<Vec<String>> {
        match path {
            "." => Some(vec!["deploy/".to_string(), "web.yaml".to_string()]),
            "deploy" => Some(vec!["big.yaml".to_string()]),
            _ => None,
        }
    }
}

/// Stands in for `kubectl exec POD -- COMMAND` and `kubectl run -it --rm`.
async fn exec(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let place = Place::Pod { namespace: "default".to_string(), pod: argv[1].clone(), container: "c".to_string() };
    if argv.len() > 2 {
        return host.run_in(&place, &argv[2..], stdin).await;
    }
    host.enter(place, Some(["echo", "pod", "deleted"].map(str::to_string).to_vec()));
    Outcome::default()
}

/// A session in a world of its own.
pub(super) fn session() -> Session {
    session_in(&Rc::new(RefCell::new(FakeWorld::new())))
}

pub(super) fn session_in(world: &Rc<RefCell<FakeWorld>>) -> Session {
    let catalogue = Catalogue::default().with(&[("exec", timed!(exec))]);
    Session::new(Tasks::new(world.clone()), catalogue, Some(Arc::new(OnDisk)))
}

/// A case of the text files: `=== title`, the script, then `--- stdout`, `--- stderr`, `--- exit N`. `\c` at the end of the
/// output says that it has no last newline.
fn cases(text: &str) -> Vec<(&str, &str, Outcome)> {
    let mut cases = Vec::new();
    for block in text.split("=== ").skip(1) {
        let (title, rest) = block.split_once('\n').unwrap();
        let mut parts = rest.split("--- ");
        let script = parts.next().unwrap();
        let mut want = Outcome::default();
        for part in parts {
            let (kind, body) = part.split_once('\n').unwrap_or((part, ""));
            let text = body.strip_suffix("\\c\n").map(|t| t.trim_end_matches('\n').to_string()).unwrap_or(body.to_string());
            match kind.split_once(' ') {
                Some(("exit", status)) => want.exit = status.parse().unwrap(),
                _ if kind == "stdout" => want.stdout = text,
                _ => want.stderr = text,
            }
        }
        cases.push((title, script, want));
    }
    cases
}

fn check_file(text: &str) {
    // A blank line parts the cases of a file.
    let text = text.replace("\n\n=== ", "\n=== ");
    let mut wrong = String::new();
    for (title, script, want) in cases(&text) {
        let got = session().run(script.trim_end_matches('\n'));
        if got != want {
            wrong.push_str(&format!("=== {title}\n{script}want {want:#?}\ngot {got:#?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn scripts_print_what_dash_and_gnu_print() {
    check_file(include_str!("posix.txt"));
}

#[test]
fn the_sandbox_says_what_is_its_own() {
    check_file(include_str!("sandbox.txt"));
}
