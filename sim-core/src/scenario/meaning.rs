//! What the schema cannot say: one verb a step, parts that belong to their verb, names that lead somewhere. The description of the
//! world is judged by [`super::settings`].

use std::collections::BTreeSet;

use super::diagnostic::{code, suggestion};
use super::finding::Finding;
use super::format::{Action, Apply, Expectation, Scenario, Step, VERBS};
use super::manifests::Index;
use super::notation::Source;
use super::{settings, traffic};
use crate::console::simulator::parse_fault;
use crate::engine::time::Duration;
use crate::yaml::Path;

/// Everything in a well-formed scenario that means nothing. `documents` are the further documents of its file.
pub fn judge(scenario: &Scenario, documents: &Index) -> Vec<Finding> {
    let mut findings = settings::judge(scenario);
    let steps = Path::root().field("spec").field("steps");
    let mut loads: BTreeSet<&str> = BTreeSet::new();
    let mut console_loads = false;
    for (index, step) in scenario.spec.steps.iter().enumerate() {
        let judge = StepJudge { step, at: steps.index(index), documents, loads: &loads, console_loads };
        judge.judge(&mut findings);
        loads.extend(step.traffic.as_ref().map(|t| t.name.as_str()));
        console_loads |= step.run.as_ref().is_some_and(|line| line.contains("traffic start"));
    }
    findings
}

struct StepJudge<'a> {
    step: &'a Step,
    at: Path,
    documents: &'a Index,
    /// Loads that earlier steps start.
    loads: &'a BTreeSet<&'a str>,
    /// An earlier console line starts loads, too.
    console_loads: bool,
}

impl StepJudge<'_> {
    fn judge(&self, findings: &mut Vec<Finding>) {
        findings.extend(self.verbs());
        findings.extend(self.times());
        findings.extend(self.applied());
        findings.extend(self.texts());
        findings.extend(self.targets());
        findings.extend(self.traced());
        findings.extend(self.load());
        if let Some(expectation) = &self.step.expect {
            findings.extend(self.expectation(expectation));
        }
    }

    fn wrong(&self, key: &str, message: impl Into<String>, help: impl Into<String>) -> Option<Finding> {
        Some(Finding::key(code::STEP, self.at.field(key), message, help))
    }

    fn verbs(&self) -> Option<Finding> {
        let actions = self.step.actions();
        let verbs: Vec<&str> = actions.iter().map(Action::name).filter(|name| *name != "expect").collect();
        match verbs[..] {
            [] if actions.is_empty() => {
                let message = "this step does nothing";
                Some(Finding::value(code::STEP, self.at.clone(), message, format!("give it one verb: {}", VERBS.join(", "))))
            }
            [first, second, ..] => {
                let message = format!("this step has two verbs, `{first}` and `{second}`");
                self.wrong(second, message, format!("make two steps of it: begin a new one with `- {second}:`"))
            }
            _ => None,
        }
    }

    fn times(&self) -> Option<Finding> {
        let step = self.step;
        if step.within.is_some() && step.until.is_none() && step.expect.is_none() && !step.actions().is_empty() {
            let help = "`within` belongs to `until` and `expect`; to let time pass use `wait`, to begin later use `after`";
            return self.wrong("within", "this step waits for nothing", help);
        }
        if step.at.is_some() && step.after.is_some() {
            return self.wrong(
                "after",
                "a step has one time, `at` or `after`",
                "`at` counts from the start, `after` from the step before: keep one",
            );
        }
        None
    }

    fn applied(&self) -> Option<Finding> {
        let Some(Apply::From(from)) = &self.step.apply else { return None };
        match (&from.doc, &from.file) {
            (Some(_), Some(_)) => {
                self.wrong("apply", "`doc` and `file` together", "apply one of them, and the other in a step of its own")
            }
            (None, None) => self.wrong(
                "apply",
                "nothing to apply",
                "write {doc: service/web}, {file: web.yaml}, or the manifest itself after `apply: |`",
            ),
            (None, Some(_)) => None,
            (Some(doc), None) => {
                if self.documents.find(doc).is_some() {
                    return None;
                }
                let known = self.documents.references();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let help = match known[..] {
                    [] => "this file has one document; put the manifest after a line `---`".to_string(),
                    _ => suggestion(&doc.text().to_lowercase(), &known),
                };
                let path = self.at.field("apply").field("doc");
                Some(Finding::value(code::NO_DOCUMENT, path, format!("this file has no document `{doc}`"), help))
            }
        }
    }

    fn targets(&self) -> Option<Finding> {
        let (key, target) = match (&self.step.fail, &self.step.heal) {
            (Some(target), _) => ("fail", target),
            (None, Some(target)) => ("heal", target),
            (None, None) => return None,
        };
        let words: Vec<String> = [key].into_iter().chain(target.split_whitespace()).map(str::to_string).collect();
        // What the shell puts in for a variable is not known before.
        let wrong = parse_fault(&words).err().filter(|_| !target.contains('$'))?;
        let help = "write node/NAME, pod/NAMESPACE/NAME, dns, proxy/NODE, link/A/B or apiserver";
        Some(Finding::value(code::BAD_VALUE, self.at.field(key), wrong, help))
    }

    fn texts(&self) -> Option<Finding> {
        let blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        let empty =
            |key: &str, message: &str, help: &str| Some(Finding::value(code::BAD_VALUE, self.at.field(key), message, help));
        if blank(&self.step.run) {
            return empty("run", "there is nothing to run", "write a console line, as in `run: kubectl get pods`");
        }
        if blank(&self.step.say) {
            return empty("say", "there is nothing to say", "write a text for the reader, or remove the step");
        }
        None
    }

    /// An address enters somewhere; everybody else is somewhere.
    fn traced(&self) -> Option<Finding> {
        let trace = self.step.trace.as_ref()?;
        let at = self.at.field("trace");
        match (&*trace.from, &trace.at_node) {
            (Source::Address(ip), None) => {
                let help = "add `atNode:` and the name of a node";
                Some(Finding::value(code::STEP, at.field("from"), format!("{ip} alone does not say where it enters"), help))
            }
            (Source::Node(_) | Source::Pod { .. } | Source::External, Some(_)) => {
                let message = format!("`atNode` says where an address enters, and {} says so itself", trace.from);
                Some(Finding::key(code::STEP, at.field("atNode"), message, "remove it, or write an address after `from:`"))
            }
            _ => None,
        }
    }

    fn load(&self) -> Option<Finding> {
        let (field, message, help) = traffic::judge(self.step.traffic.as_ref()?, traffic::Spelling::Field)?;
        Some(Finding::value(code::BAD_VALUE, self.at.field("traffic").field(field), message, help))
    }

    fn expectation(&self, expectation: &Expectation) -> Option<Finding> {
        let at = self.at.field("expect");
        let step = self.step;
        let used: Vec<&str> = parts(expectation).into_iter().filter(|(_, used)| *used).map(|(name, _)| name).collect();
        let has = |names: &[&'static str]| used.iter().copied().find(|name| names.contains(name));
        let wrong = |key: &str, message: String, help: &str| Some(Finding::key(code::STEP, at.field(key), message, help));
        if used.is_empty() {
            return Some(Finding::value(
                code::STEP,
                at,
                "nothing is expected here",
                "name what must hold: exit, stdout, stderr, object, traffic, ...",
            ));
        }
        if let Some(key) = has(&["exit", "stdout", "stderr"])
            && step.run.is_none()
            && step.apply.is_none()
            && step.trace.is_none()
        {
            return wrong(
                key,
                format!("`{key}` is that of a command, and this step has none"),
                "put it into the step with `run` or `apply`",
            );
        }
        if let Some(key) = has(&["decision", "outcome"])
            && step.trace.is_none()
        {
            return wrong(
                key,
                format!("`{key}` is that of a trace, and this step has none"),
                "put it into the step with `trace`",
            );
        }
        if let Some(key) = has(&["path", "equals", "contains", "matches", "absent"])
            && expectation.object.is_none()
        {
            return wrong(
                key,
                format!("`{key}` of what?"),
                "add `object: KIND/NAME`; for a command's output write stdout: {contains: ...}",
            );
        }
        if let Some(key) = has(&["success", "over"])
            && expectation.traffic.is_none()
        {
            return wrong(key, format!("`{key}` of which load?"), "add `traffic:` and the name of the load");
        }
        if expectation.over.as_deref() == Some(&Duration::ZERO) {
            return wrong(
                "over",
                "in no time nothing ends".to_string(),
                "write a time such as 1m, or leave `over` out: then all requests count",
            );
        }
        self.load_name(expectation, at)
    }

    fn load_name(&self, expectation: &Expectation, at: Path) -> Option<Finding> {
        let name = expectation.traffic.as_deref()?;
        if self.console_loads || self.loads.contains(name) {
            return None;
        }
        let known: Vec<&str> = self.loads.iter().copied().collect();
        let help = if known.is_empty() {
            "start it in an earlier step with `traffic: {name: ...}`".into()
        } else {
            suggestion(name, &known)
        };
        Some(Finding::value(code::BAD_VALUE, at.field("traffic"), format!("no earlier step starts a load called `{name}`"), help))
    }
}

/// The parts of an expectation, and which are written.
fn parts(e: &Expectation) -> [(&'static str, bool); 13] {
    [
        ("exit", e.exit.is_some()),
        ("stdout", e.stdout.is_some()),
        ("stderr", e.stderr.is_some()),
        ("decision", e.decision.is_some()),
        ("outcome", e.outcome.is_some()),
        ("object", e.object.is_some()),
        ("path", e.path.is_some()),
        ("equals", e.equals.is_some()),
        ("contains", e.contains.is_some()),
        ("matches", e.matches.is_some()),
        ("absent", e.absent.is_some()),
        ("traffic", e.traffic.is_some()),
        ("success", e.success.is_some() || e.over.is_some()),
    ]
}
