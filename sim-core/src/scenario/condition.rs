//! What a step may wait for: `deployment/web available`, `pod/default/curl gone`, `converged`.
//!
//! In a real cluster this is `kubectl wait` and `kubectl rollout status`. The words are parsed here; whoever runs a step asks
//! the cluster.

use std::fmt;

use super::notation::{Mistake, Notation};
use crate::objects::nearest::nearest;

/// `KIND/[NS/]NAME ready|available|exists|gone`, or `converged`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Queues are empty but for periodic timers, and every proxy has programmed every ready endpoint.
    Converged,
    /// Something about one object.
    Object {
        /// Kind as written: `deployment`, `deploy`, `Service`.
        kind: String,
        /// Namespace; `None` is the default one, or none for kinds that have none.
        namespace: Option<String>,
        /// Name.
        name: String,
        /// What must hold of it.
        state: State,
    },
}

/// What must hold of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its condition Ready is true; for a workload, all replicas are ready.
    Ready,
    /// Its condition Available is true.
    Available,
    /// It is stored.
    Exists,
    /// It is not stored.
    Gone,
}

const STATES: [(&str, State); 4] =
    [("ready", State::Ready), ("available", State::Available), ("exists", State::Exists), ("gone", State::Gone)];

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }
}

const HELP: &str =
    "write KIND/NAME or KIND/NAMESPACE/NAME and one of ready, available, exists, gone (deployment/web available), or `converged`";

impl Notation for Condition {
    const FORMAT: &'static str = "condition";

    fn parse(text: &str) -> Result<Self, Mistake> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (reference, word) = match words[..] {
            ["converged"] => return Ok(Condition::Converged),
            [reference, word] => (reference, word),
            [reference] if reference.contains('/') => {
                return Err(Mistake::new(format!("`{reference}` what? The state to wait for is missing"), HELP));
            }
            _ => return Err(Mistake::new(format!("`{text}` is not a condition"), HELP)),
        };
        let parts: Vec<&str> = reference.split('/').collect();
        let (kind, namespace, name) = match parts[..] {
            [kind, name] => (kind, None, name),
            [kind, namespace, name] => (kind, Some(namespace), name),
            _ => return Err(Mistake::new(format!("`{reference}` does not name an object"), HELP)),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err(Mistake::new(format!("`{reference}` does not name an object"), HELP));
        }
        let Some((_, state)) = STATES.iter().find(|(known, _)| *known == word) else {
            let meant =
                nearest(word, STATES.map(|(known, _)| known)).map(|w| format!("did you mean `{w}`? ")).unwrap_or_default();
            return Err(Mistake::new(format!("`{word}` is not a state to wait for"), format!("{meant}{HELP}")));
        };
        Ok(Condition::Object { kind: kind.into(), namespace: namespace.map(Into::into), name: name.into(), state: *state })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Converged => f.write_str("converged"),
            Condition::Object { kind, namespace, name, state } => {
                let namespace = namespace.as_ref().map(|n| format!("{n}/")).unwrap_or_default();
                write!(f, "{kind}/{namespace}{name} {}", state.word())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_print_and_parse_back() {
        for text in ["converged", "deployment/my-nginx available", "pod/prod/a ready", "service/web exists", "node/n1 gone"] {
            assert_eq!(Condition::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_a_hint() {
        let help = |text: &str| Condition::parse(text).expect_err(text).help;
        assert!(help("deployment/web availble").starts_with("did you mean `available`?"));
        for text in ["", "ready", "deployment/web", "a/b/c/d ready", "/x ready", "pod/ ready", "pod/x ready now"] {
            assert_eq!(help(text), HELP, "{text:?}");
        }
    }
}
