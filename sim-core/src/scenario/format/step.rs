//! `spec.steps`: one verb each, perhaps a time, perhaps expectations.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image::Protocol;
use crate::cluster::traffic::plan::Sender;
use crate::engine::time::Duration;
use crate::network::client::Target;
use crate::scenario::condition::Condition;
use crate::scenario::notation::{DocRef, ObjectRef, Pattern, Rate, Share, Source, Written};

/// One step. It has exactly one verb; `expect` is a verb only where there is no other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// Verb: a text for the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// Verb: applies manifests, as `kubectl apply -f` would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply: Option<Apply>,
    /// Verb: a console line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Verb: waits until this holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Written<Condition>>,
    /// Verb: lets this time pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Written<Duration>>,
    /// Verb: breaks something, as the console's `fail TARGET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<String>,
    /// Verb: mends it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heal: Option<String>,
    /// Verb: starts a load that runs beside the next steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// Verb: explains one new connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// What must hold after the verb; alone, a verb itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
    /// With `until` and a lone `expect`: how long it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Written<Duration>>,
    /// The step begins so long after the step before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Written<Duration>>,
    /// The step begins so long after the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Written<Duration>>,
}

/// The verb of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action<'a> {
    /// Shows a text.
    Say(&'a str),
    /// Applies manifests.
    Apply(&'a Apply),
    /// Runs a console line.
    Run(&'a str),
    /// Waits until a condition holds.
    Until(&'a Condition),
    /// Lets time pass.
    Wait(Duration),
    /// Breaks something.
    Fail(&'a str),
    /// Mends it.
    Heal(&'a str),
    /// Starts a load.
    Traffic(&'a Traffic),
    /// Explains a connection.
    Trace(&'a Trace),
    /// Checks something by itself.
    Expect(&'a Expectation),
}

impl Action<'_> {
    /// The key of the verb.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Say(_) => "say",
            Action::Apply(_) => "apply",
            Action::Run(_) => "run",
            Action::Until(_) => "until",
            Action::Wait(_) => "wait",
            Action::Fail(_) => "fail",
            Action::Heal(_) => "heal",
            Action::Traffic(_) => "traffic",
            Action::Trace(_) => "trace",
            Action::Expect(_) => "expect",
        }
    }
}

/// Every verb, in the order of the documentation.
pub const VERBS: [&str; 10] = ["say", "apply", "run", "until", "wait", "fail", "heal", "traffic", "trace", "expect"];

impl Step {
    /// All verbs that are written, `expect` last. A loaded scenario has one, or one and then `expect`.
    pub fn actions(&self) -> Vec<Action<'_>> {
        let all = [
            self.say.as_deref().map(Action::Say),
            self.apply.as_ref().map(Action::Apply),
            self.run.as_deref().map(Action::Run),
            self.until.as_deref().map(Action::Until),
            self.wait.as_deref().copied().map(Action::Wait),
            self.fail.as_deref().map(Action::Fail),
            self.heal.as_deref().map(Action::Heal),
            self.traffic.as_ref().map(Action::Traffic),
            self.trace.as_ref().map(Action::Trace),
            self.expect.as_ref().map(Action::Expect),
        ];
        all.into_iter().flatten().collect()
    }

    /// The verb of a step of a loaded scenario.
    pub fn action(&self) -> Action<'_> {
        self.actions().first().copied().unwrap_or(Action::Say(""))
    }
}

/// What is applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Apply {
    /// Manifests written out in the step.
    Inline(String),
    /// Manifests from elsewhere.
    From(ApplyFrom),
}

/// Where applied manifests stand; exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApplyFrom {
    /// A further document of this file: `service/web`, or `service/web@2` for the second of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<Written<DocRef>>,
    /// A file beside this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A load. It has a `rate`, or `clients` that wait for their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// Its name in expectations.
    pub name: String,
    /// Who sends: `external`, `pod/NS/NAME`, `node/NAME`, `deployment/NS/NAME`, or `pods/NS/SELECTOR` as in `pods/default/app=shop`. Of
    /// several pods each sends in turn.
    pub from: Written<Sender>,
    /// Where to: a URL, or NAME:PORT.
    pub to: Written<Target>,
    /// How often a new request starts, whether or not earlier ones are answered: 50/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Written<Rate>>,
    /// With `rate`: whether requests are evenly spaced (default), or come at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<Arrivals>,
    /// Instead of `rate`: so many clients, each of which starts its next request when the last has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<u32>,
    /// With `clients`: how long each waits before its next request. Default 1s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Written<Duration>>,
    /// Keeps connections for further requests. Default false: a new connection each, as curl makes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_alive: bool,
    /// For how long; without it until the end.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Written<Duration>>,
    /// How long each request may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Written<Duration>>,
}

/// When the requests of a `rate` start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// As far apart as can be.
    Even,
    /// At random, one moment as likely as another.
    Poisson,
}

impl Arrivals {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Arrivals::Even => "even",
            Arrivals::Poisson => "poisson",
        }
    }
}

/// One new connection to explain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trace {
    /// Who connects: `pod/NS/NAME`, `node/NAME`, `external` or an address.
    pub from: Written<Source>,
    /// Where to: IP:PORT, NAME:PORT, svc/NS/NAME:PORT or a URL.
    #[schemars(extend("format" = "trace-target"))]
    pub to: String,
    /// Transport protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// The node at which an address in `from` enters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_node: Option<String>,
}

/// What must hold; all of it together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Expectation {
    /// Exit status of the step's command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 255))]
    pub exit: Option<i32>,
    /// Its standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<TextCheck>,
    /// Its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<TextCheck>,
    /// What kube-proxy decides in a trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// How the traced connection ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<TraceOutcome>,
    /// An object to look at: KIND/NAME or KIND/NAMESPACE/NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Written<ObjectRef>>,
    /// A JSONPath into the object: `{.spec.type}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "json-path"))]
    pub path: Option<String>,
    /// The value at `path` is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<Plain>,
    /// The value at `path` contains this (all of a list).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<OneOrMany<String>>,
    /// The value at `path` matches this regular expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<OneOrMany<Written<Pattern>>>,
    /// The value at `path` contains this nowhere (nothing of a list).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent: Option<OneOrMany<String>>,
    /// A load to look at, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<String>,
    /// The share of its requests that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Written<Share>>,
    /// Counting the requests of this last time; default all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<Written<Duration>>,
}

/// What a text must be like; all of it together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextCheck {
    /// Exactly this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// This somewhere (all of a list).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<OneOrMany<String>>,
    /// This regular expression somewhere (all of a list); `^` and `$` match at lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<OneOrMany<Written<Pattern>>>,
    /// This nowhere (nothing of a list).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent: Option<OneOrMany<String>>,
}

/// One value or a list of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// All of them.
    pub fn all(&self) -> &[T] {
        match self {
            OneOrMany::One(value) => std::slice::from_ref(value),
            OneOrMany::Many(values) => values,
        }
    }
}

/// A text, a number or a boolean, compared as kubectl's jsonpath prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plain(pub serde_json::Value);

impl Plain {
    /// The value as jsonpath prints it.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            serde_json::Value::String(text) => text.into(),
            other => other.to_string().into(),
        }
    }
}

impl JsonSchema for Plain {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Plain".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "number", "boolean"]})
    }
}

/// What kube-proxy does with a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Decision {
    Dnat,
    Reject,
    Drop,
    Pass,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum TraceOutcome {
    Delivered,
    Refused,
    TimedOut,
    Unreachable,
    Reset,
    Unresolved,
    Unknown,
}
