//! Why a command failed, and how kubectl says so.
//!
//! The real thing: `checkErr` and its neighbours in `k8s.io/kubectl/pkg/cmd/util/helpers.go`.

use super::{client, session};
use crate::api::status::Status;
use crate::console::host::Stopped;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The server refused.
    Refused(Status),
    /// kubectl itself complains; shown after `error: `.
    Error(String),
    /// A complaint that is shown as it is.
    Text(String),
    /// Wrong use of a command: shown after `error: `, with the pointer to its help that kubectl adds.
    Usage {
        /// What is wrong.
        why: String,
        /// The command, for example `create deployment`.
        command: String,
    },
    /// Several failures of one command.
    Several(Vec<Failure>),
    /// Everything has been said already; only the exit status is left.
    Exit(i32),
    /// The simulation stopped before the command was done; the session says why.
    Stopped(Stopped),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        match status.reason {
            Status::STOPPED => Failure::Stopped(Stopped { interrupted: status.code == 130, why: status.message }),
            _ => Failure::Refused(status),
        }
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        Failure::Stopped(stopped)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Failure::Error(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Failure::Error(text.into())
    }
}

impl Failure {
    /// Whether the server said that there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Failure::Refused(status) if status.reason == "NotFound")
    }

    /// One failure of several, or none.
    pub fn gather(mut failures: Vec<Failure>) -> Result<(), Failure> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Failure::Several(failures)),
        }
    }

    /// A failure about one manifest: the server's message is told with the place it is about.
    pub fn in_file(self, verb: &str, source: &str) -> Failure {
        match self {
            // The schema by which a manifest is looked through first cannot be had.
            Failure::Refused(status) if status.reason == Status::UNREACHABLE && verb != "deleting" => {
                let (server, refused) = (session::SERVER, client::refused());
                let about = format!("error validating {source:?}: error validating data: failed to download openapi");
                let advice = "if you choose to ignore these errors, turn validation off with --validate=false";
                Failure::Error(format!("{about}: Get \"{server}/openapi/v2?timeout=32s\": {refused}; {advice}"))
            }
            Failure::Refused(mut status) if !source.is_empty() => {
                status.message = format!("error when {verb} {source:?}: {}", status.message);
                Failure::Refused(status)
            }
            Failure::Error(text) if !source.is_empty() => Failure::Error(format!("error when {verb} {source:?}: {text}")),
            other => other,
        }
    }

    /// What is printed on standard error (with its newline), and the exit status.
    pub fn report(&self) -> (String, i32) {
        let line = |text: String| (if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }, 1);
        match self {
            Failure::Refused(status) if status.reason == "Invalid" => line(invalid(status)),
            Failure::Refused(status) => line(from_server(status)),
            Failure::Error(text) if text.starts_with("error: ") => line(text.clone()),
            Failure::Error(text) => line(format!("error: {text}")),
            Failure::Text(text) => line(text.clone()),
            Failure::Usage { why, command } => line(format!("error: {why}\nSee 'kubectl {command} -h' for help and examples")),
            Failure::Several(all) => {
                let code = all.iter().find_map(|one| if let Failure::Exit(code) = one { Some(*code) } else { None });
                let said = all.iter().filter(|one| !matches!(one, Failure::Exit(_)));
                (said.map(|one| one.message() + "\n").collect(), code.unwrap_or(1))
            }
            Failure::Exit(code) => (String::new(), *code),
            Failure::Stopped(stopped) => (String::new(), stopped.exit()),
        }
    }

    /// The failure in one line, as it stands in a list of failures.
    pub fn message(&self) -> String {
        match self {
            Failure::Refused(status) => from_server(status),
            Failure::Error(text) | Failure::Text(text) => text.clone(),
            Failure::Stopped(stopped) => stopped.why.clone(),
            Failure::Usage { why, .. } => why.clone(),
            Failure::Several(all) => all.iter().map(Failure::message).collect::<Vec<_>>().join("\n"),
            Failure::Exit(code) => format!("exit status {code}"),
        }
    }
}

fn from_server(status: &Status) -> String {
    match status.reason {
        Status::UNREACHABLE => {
            format!("The connection to the server {} was refused - did you specify the right host or port?", client::address())
        }
        "" => format!("Error from server: {}", status.message),
        reason => format!("Error from server ({reason}): {}", status.message),
    }
}

/// Built from the causes, each said once; the message is only used when nothing else is known.
fn invalid(status: &Status) -> String {
    let mut text = "The request is invalid".to_string();
    if !status.kind.is_empty() || !status.name.is_empty() {
        text = format!("The {} {:?} is invalid", status.kind, status.name);
    } else if status.causes.is_empty() {
        text = format!("{text}: {}", status.message);
    }
    let mut causes: Vec<String> = Vec::new();
    for cause in &status.causes {
        let cause = format!("{}: {}", cause.field, cause.message);
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    match causes.as_slice() {
        [] => text,
        [only] => format!("{text}: {only}"),
        all => format!("{text}: \n{}", all.iter().map(|cause| format!("* {cause}\n")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::status::Cause;

    #[test]
    fn refusals_read_like_kubectls() {
        let required = Cause::required("spec.ports", "");
        let wrong = Cause::invalid("spec.type", &json!("x"), "no");
        for (failure, text) in [
            (Status::not_found("pods", "", "x").into(), "Error from server (NotFound): pods \"x\" not found\n"),
            (Failure::Error("boom".into()), "error: boom\n"),
            (
                Status::invalid("Service", "", "x", vec![required.clone(), required.clone()]).into(),
                "The Service \"x\" is invalid: spec.ports: Required value\n",
            ),
            (
                Status::invalid("Service", "", "x", vec![required, wrong]).into(),
                "The Service \"x\" is invalid: \n* spec.ports: Required value\n* spec.type: Invalid value: \"x\": no\n",
            ),
            (
                Failure::from(Status::already_exists("pods", "", "x")).in_file("creating", "f.yaml"),
                "Error from server (AlreadyExists): error when creating \"f.yaml\": pods \"x\" already exists\n",
            ),
        ] {
            assert_eq!(failure.report().0, text);
        }
    }
}
