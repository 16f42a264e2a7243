//! The rewrite plugin: a question becomes another on its way in, and the reply is turned back on its way out.
//!
//! In a real cluster it gives Services names of other domains. We model rules on names with their answer rules. Left out: rules
//! on types, classes, TTLs, CNAMEs, response codes and EDNS options, which are passed over.
//! The real thing: CoreDNS `plugin/rewrite`.

use regex_lite::Regex;

use super::config::{canonical, fqdn};
use super::message::{Question, Record, Reply};

/// Longest pattern (upstream's limit).
const PATTERN_MAX: usize = 10_000;

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Later rules are looked at too.
    goes_on: bool,
    /// What it does to names; `None` = a rule that is passed over.
    name: Option<NameRule>,
}

#[derive(Clone, Debug)]
struct NameRule {
    matcher: Matcher,
    to: String,
    /// Answers get the name that was asked.
    auto: bool,
    answers: Vec<AnswerRule>,
}

#[derive(Clone, Debug)]
enum Matcher {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Substring(String),
    Regex(Regex),
}

/// What happens to records of the reply.
#[derive(Clone, Debug)]
struct AnswerRule {
    /// The value is changed instead of the owner.
    value: bool,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Pattern(Regex, String),
    /// A name, and names below it.
    Domain(String, String),
    Suffix(String, String),
}

/// How to turn a reply back.
#[derive(Clone, Debug, Default)]
pub struct Reverter(Vec<AnswerRule>);

impl Rule {
    /// Reads the words of a rule.
    pub fn read(words: &[&str]) -> Result<Rule, String> {
        let Some(first) = words.first() else { return Err("no rule type specified for rewrite".to_owned()) };
        let mode = first.to_ascii_lowercase();
        let (goes_on, rest) = match &*mode {
            "continue" | "stop" => (mode == "continue", &words[1..]),
            _ => (false, words),
        };
        let Some(kind) = rest.first() else { return Err(format!("{mode} rule must begin with a rule type")) };
        let name = match &*kind.to_ascii_lowercase() {
            "name" => Some(NameRule::read(&rest[1..])?),
            "answer" => return Err("response rewrites must begin with a name rule".to_owned()),
            kind @ ("class" | "type") if rest.len() != 3 => return Err(format!("{kind} rules must have exactly two arguments")),
            "class" | "type" | "edns0" | "ttl" | "cname" | "rcode" => None,
            _ => return Err(format!("invalid rule type {first:?}")),
        };
        Ok(Rule { goes_on, name })
    }
}

impl NameRule {
    fn read(words: &[&str]) -> Result<NameRule, String> {
        let (kind, from, to) = match words {
            [] | [_] => return Err("too few arguments for a name rule".to_owned()),
            [from, to] => ("exact".to_owned(), *from, *to),
            [kind, from, to, ..] => (kind.to_ascii_lowercase(), *from, *to),
        };
        let (auto, mut answers) = answer_rules(&kind, words.get(3..).unwrap_or_default())?;
        let normal = canonical(to);
        let matcher = match &*kind {
            "exact" => Matcher::Exact(canonical(from)),
            "prefix" => Matcher::Prefix(canonical(from)),
            "suffix" => Matcher::Suffix(canonical(from)),
            "substring" => Matcher::Substring(canonical(from)),
            "regex" => Matcher::Regex(pattern(from, to)?),
            _ => {
                let all = "exact, prefix, suffix, substring, and regex";
                return Err(format!("name rule supports only {all} name matching, received: {kind}"));
            }
        };
        if let (true, Matcher::Suffix(from)) = (auto, &matcher) {
            let back = |value| AnswerRule { value, change: Change::Suffix(normal.clone(), from.clone()) };
            answers.splice(0..0, [back(false), back(true)]);
        }
        let auto = match matcher {
            Matcher::Exact(_) => true,
            Matcher::Suffix(_) => false,
            _ => auto,
        };
        Ok(NameRule { matcher, to: normal, auto, answers })
    }

    /// The name that takes the place of `name` (in lower case); `None` = the rule has nothing to do with it.
    fn apply(&self, name: &str) -> Option<String> {
        match &self.matcher {
            Matcher::Exact(from) => (name == from).then(|| self.to.clone()),
            Matcher::Prefix(from) => name.strip_prefix(&**from).map(|rest| format!("{}{rest}", self.to)),
            Matcher::Suffix(from) => name.strip_suffix(&**from).map(|rest| format!("{rest}{}", self.to)),
            Matcher::Substring(from) => name.contains(&**from).then(|| name.replace(&**from, &self.to)),
            Matcher::Regex(pattern) => filled(pattern, &self.to, name),
        }
    }
}

/// `answer auto`, `answer name FROM TO`, `answer value FROM TO`, any number of them.
fn answer_rules(kind: &str, words: &[&str]) -> Result<(bool, Vec<AnswerRule>), String> {
    let (mut auto, mut rules) = (false, Vec::new());
    if words.is_empty() {
        return Ok((auto, rules));
    }
    if words.len() < 2 {
        return Err(format!("invalid arguments for {kind} rule"));
    }
    let mut rest = words;
    while let [first, behind @ ..] = rest {
        if *first != "answer" {
            return Err(format!("exceeded the number of arguments for a non-answer rule argument for {kind} rule"));
        }
        rest = match behind {
            [] => return Err(format!("type missing for answer rule for {kind} rule")),
            ["auto", behind @ ..] => {
                auto = true;
                behind
            }
            [part @ ("name" | "value"), from, to, behind @ ..] => {
                let pattern = pattern(from, to).map_err(|why| format!("{part} answer rule for {kind} rule: {why}"))?;
                rules.push(AnswerRule { value: *part == "value", change: Change::Pattern(pattern, canonical(to)) });
                behind
            }
            [part @ ("name" | "value"), ..] => {
                return Err(format!("{part} answer rule for {kind} rule: 2 arguments required"));
            }
            [other, ..] => return Err(format!("invalid type {other:?} for answer rule for {kind} rule")),
        };
    }
    Ok((auto, rules))
}

fn pattern(from: &str, to: &str) -> Result<Regex, String> {
    if from.len() > PATTERN_MAX {
        return Err(format!("regex pattern too long: {} > {PATTERN_MAX}", from.len()));
    }
    let pattern = Regex::new(from).map_err(|_| format!("invalid regex matching pattern: {from}"))?;
    let groups = pattern.captures_len() - 1;
    if (groups + 1..100).any(|n| to.contains(&format!("{{{n}}}"))) {
        let text = "uses more subexpressions than its corresponding matching regex pattern";
        return Err(format!("the rewrite regex pattern ({to}) {text} ({from})"));
    }
    Ok(pattern)
}

/// The template with `{0}`, `{1}`, ... filled in from the match.
fn filled(pattern: &Regex, template: &str, name: &str) -> Option<String> {
    let groups = pattern.captures(name)?;
    let mut text = template.to_owned();
    for (at, group) in groups.iter().enumerate() {
        text = text.replace(&format!("{{{at}}}"), group.map_or("", |g| g.as_str()));
    }
    Some(text)
}

/// The question that the rules make of one, with the way back. A name that cannot be sent is the error.
pub fn rewritten(rules: &[Rule], question: &Question) -> Result<(Question, Reverter), String> {
    let mut current = question.clone();
    let mut reverter = Reverter::default();
    for rule in rules {
        let Some(name_rule) = &rule.name else { continue };
        let Some(name) = name_rule.apply(&canonical(&current.name)) else { continue };
        if name != "." && !super::resolver::legal(&name) {
            return Err(format!("invalid name after rewrite: {name}"));
        }
        if name_rule.auto {
            let asked = fqdn(&question.name);
            let back = |value| AnswerRule { value, change: Change::Domain(name.clone(), asked.clone()) };
            reverter.0.extend([back(false), back(true)]);
        }
        reverter.0.extend(name_rule.answers.iter().cloned());
        current.name = name;
        if !rule.goes_on {
            break;
        }
    }
    Ok((current, reverter))
}

impl Reverter {
    /// Turns the records of a reply back.
    pub fn revert(&self, reply: &mut Reply) {
        for section in reply.sections() {
            for record in section {
                self.0.iter().for_each(|rule| rule.revert(record));
            }
        }
    }
}

impl AnswerRule {
    fn revert(&self, record: &mut Record) {
        if !self.value {
            record.name = self.change.apply(&record.name);
            return;
        }
        // The value of a record is the name it leads to: its last word.
        if matches!(record.kind, "CNAME" | "PTR" | "NS" | "SRV" | "MX") {
            let (before, target) = record.data.rsplit_once(' ').map_or(("", &*record.data), |(b, t)| (b, t));
            let target = self.change.apply(target);
            record.data = if before.is_empty() { target } else { format!("{before} {target}") };
        }
    }
}

impl Change {
    fn apply(&self, name: &str) -> String {
        let changed = match self {
            Change::Pattern(pattern, template) => filled(pattern, template, name),
            Change::Suffix(from, to) => name.strip_suffix(&**from).map(|rest| format!("{rest}{to}")),
            Change::Domain(from, to) => {
                let rest = name.strip_suffix(&**from).filter(|rest| rest.is_empty() || rest.ends_with('.'));
                rest.map(|rest| format!("{rest}{to}"))
            }
        };
        changed.unwrap_or_else(|| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<Rule, String> {
        Rule::read(&text.split(' ').collect::<Vec<_>>())
    }

    /// (rules, name asked, name sent on, then owner and target of a CNAME record in the reply as they leave)
    #[test]
    fn names_go_in_changed_and_come_back() {
        for (rules, asked, sent, owner, target) in [
            (
                &["name a.example web.default.svc.cluster.local"][..],
                "A.example.",
                "web.default.svc.cluster.local.",
                "A.example.",
                "x.A.example.",
            ),
            (
                &["name suffix .example .svc.cluster.local answer auto"],
                "web.default.example.",
                "web.default.svc.cluster.local.",
                "web.default.example.",
                "x.web.default.example.",
            ),
            (
                &["name suffix .example .svc.cluster.local"],
                "web.default.example.",
                "web.default.svc.cluster.local.",
                "web.default.svc.cluster.local.",
                "x.web.default.svc.cluster.local.",
            ),
            (
                &[
                    "stop name regex (.*)\\.my\\.org {1}.default.svc.cluster.local answer name (.*)\\.default\\.svc\\.cluster\\.local {1}.my.org",
                ],
                "web.my.org.",
                "web.default.svc.cluster.local.",
                "web.my.org.",
                "x.web.default.svc.cluster.local.",
            ),
            (&["continue name prefix a. b.", "name exact b.x c.x"], "q.x.", "q.x.", "q.x.", "x.q.x."),
        ] {
            let rules: Vec<Rule> = rules.iter().map(|r| rule(r).unwrap()).collect();
            let question = Question::new(asked.to_owned(), "A");
            let (question, reverter) = rewritten(&rules, &question).unwrap();
            assert_eq!(question.name, sent);
            let record = Record { name: sent.to_owned(), kind: "CNAME", ttl: 5, data: format!("x.{sent}") };
            let mut reply = Reply { answers: vec![record], ..Reply::of(super::super::message::Rcode::NoError) };
            reverter.revert(&mut reply);
            assert_eq!((&*reply.answers[0].name, &*reply.answers[0].data), (owner, target), "{asked}");
        }
    }

    #[test]
    fn wrong_rules_are_refused_in_coredns_words() {
        for (text, why) in [
            ("name a", "too few arguments for a name rule"),
            ("nam a b", "invalid rule type \"nam\""),
            (
                "name fuzzy a b",
                "name rule supports only exact, prefix, suffix, substring, and regex name matching, received: fuzzy",
            ),
            ("name regex (a b", "invalid regex matching pattern: (a"),
            ("continue", "continue rule must begin with a rule type"),
            ("type A", "type rules must have exactly two arguments"),
            (
                "name regex a {1}",
                "the rewrite regex pattern ({1}) uses more subexpressions than its corresponding matching regex pattern (a)",
            ),
        ] {
            assert_eq!(rule(text).unwrap_err(), why);
        }
        assert!(rule("ttl example.org 60").is_ok());
    }
}
