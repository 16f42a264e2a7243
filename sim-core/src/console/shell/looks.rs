//! Whether a script only looks: what it runs changes nothing in the cluster.
//!
//! In a real cluster the question does not arise. Here it decides whether a line that is typed in the past begins another history
//! at its own start: whoever only looks sees what happened. What cannot be told from the text counts as acting.

use super::ast::{AndOr, Command, Compound, Piece, Pipeline, Redirect, Rule, Script, Simple, Target, Word};

/// Programs that change nothing, whatever their arguments.
const LOOK: [&str; 59] = [
    ":",
    "[",
    "advance",
    "assumptions",
    "awk",
    "branch",
    "branches",
    "break",
    "cat",
    "cd",
    "compare",
    "continue",
    "cut",
    "date",
    "digest",
    "echo",
    "export",
    "expr",
    "false",
    "fork",
    "grep",
    "hash",
    "head",
    "help",
    "hostname",
    "id",
    "jobs",
    "jq",
    "ls",
    "pending",
    "policies",
    "printenv",
    "printf",
    "pwd",
    "reach",
    "read",
    "resolve",
    "rewind",
    "rules",
    "sed",
    "seek",
    "seq",
    "set",
    "settled",
    "sleep",
    "sort",
    "step",
    "switch",
    "tail",
    "test",
    "timeline",
    "timers",
    "tr",
    "trace",
    "true",
    "uniq",
    "wc",
    "why",
    "wires",
];
/// Verbs of kubectl that change nothing.
const LOOKING_VERBS: [&str; 10] =
    ["api-resources", "api-versions", "cluster-info", "config", "describe", "events", "get", "logs", "top", "version"];

/// Whether the words of a program call change nothing.
pub fn words_look(words: &[&str]) -> bool {
    match words {
        [] => true,
        ["kubectl" | "k", verb, ..] => LOOKING_VERBS.contains(verb),
        ["traffic", verb, ..] => *verb == "show",
        [name, ..] => LOOK.contains(name),
    }
}

/// Whether nothing in a script changes anything.
pub fn looks(script: &Script) -> bool {
    script.items.iter().all(|list: &AndOr| {
        let mut pipelines = std::iter::once(&list.first).chain(list.rest.iter().map(|(_, pipeline)| pipeline));
        pipelines.all(|pipeline: &Pipeline| pipeline.commands.iter().all(command))
    })
}

fn command(command: &Command) -> bool {
    match command {
        Command::Simple(simple) => self::simple(simple),
        Command::Compound(compound, redirects) => self::compound(compound) && redirects.iter().all(redirect),
        Command::Function(_, body) => self::command(body),
    }
}

fn compound(compound: &Compound) -> bool {
    match compound {
        Compound::Group(script) | Compound::Subshell(script) => looks(script),
        Compound::If(arms, otherwise) => {
            arms.iter().all(|(condition, body)| looks(condition) && looks(body)) && otherwise.as_ref().is_none_or(looks)
        }
        Compound::Loop { condition, body, .. } => looks(condition) && looks(body),
        Compound::For { words, body, .. } => words.iter().flatten().all(word) && looks(body),
        Compound::Case(subject, arms) => {
            word(subject) && arms.iter().all(|(patterns, body)| patterns.iter().all(word) && looks(body))
        }
    }
}

fn simple(simple: &Simple) -> bool {
    let texts: Vec<&str> = simple.words.iter().map(|word| literal(word).unwrap_or("?")).collect();
    words_look(&texts)
        && simple.words.iter().all(word)
        && simple.assignments.iter().all(|(_, value)| word(value))
        && simple.redirects.iter().all(redirect)
}

fn redirect(redirect: &Redirect) -> bool {
    match &redirect.target {
        Target::Read(word) | Target::Write(word) | Target::Append(word) => self::word(word),
        Target::Here(body) => body.get().is_none_or(word),
        Target::Same(_) | Target::Closed => true,
    }
}

/// The text of a word that is only text.
fn literal(word: &Word) -> Option<&str> {
    match &word.pieces[..] {
        [Piece::Text { text, .. }] => Some(text),
        _ => None,
    }
}

/// Whether what is put into a word changes nothing.
fn word(word: &Word) -> bool {
    word.pieces.iter().all(|piece| match piece {
        Piece::Text { .. } => true,
        Piece::Substitution { script, .. } => looks(script),
        Piece::Arithmetic { expression, .. } => self::word(expression),
        Piece::Parameter { rule, .. } => match rule {
            Rule::Default { word, .. }
            | Rule::Alternative { word, .. }
            | Rule::Assign { word, .. }
            | Rule::Required { word, .. } => self::word(word),
            Rule::CutPrefix { pattern, .. } | Rule::CutSuffix { pattern, .. } => self::word(pattern),
            Rule::Value | Rule::Length => true,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Parsed, parse};
    use super::*;

    #[test]
    fn what_only_looks_is_known_by_its_words() {
        for (text, want) in [
            ("kubectl get pods | grep web; advance 10s", true),
            ("for i in 1 2; do trace external 1.2.3.4:80; sleep 1; done", true),
            ("X=$(kubectl get pods -o name) && echo ${X:-$(date)}", true),
            ("traffic show", true),
            ("traffic stop", false),
            ("kubectl delete pod web", false),
            ("echo $(kubectl scale deployment web --replicas=0)", false),
            ("if true; then curl http://web; fi", false),
            ("$X", false),
            ("kubectl $VERB pods", false),
            ("kubectl -n shop get pods", false),
            ("echo ${X:=$(fail dns)}", false),
        ] {
            let Parsed::Complete(script) = parse(text, true) else { panic!("{text}") };
            assert_eq!(looks(&script), want, "{text}");
        }
    }
}
