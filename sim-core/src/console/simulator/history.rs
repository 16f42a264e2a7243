//! Looking at time: `timeline`, `timers`, `digest`, and what had to be assumed: `assumptions`.

use super::super::host::{Host, Outcome};
use super::words::Words;
use super::{alone, simulation, told, usage};
use crate::api::kinds;
use crate::ask::story::{self, About, COMPONENTS};
use crate::ask::timers as pending;
use crate::engine::time::{Duration, Instant};
use crate::objects::KindName;
use crate::objects::nearest::nearest;
use crate::objects::time::Timestamp;
use crate::render;

pub(super) const TIMELINE: &str =
    "timeline [N] [--about KIND/NAMESPACE/NAME] [--component NAME] [--since TIME] [--all] [-o json]";
pub(super) const TIMERS: &str = "timers [N] [--about KIND/NAMESPACE/NAME] [-o json]";

/// How many lines `timeline` and `timers` show unless told otherwise.
const LINES: usize = 20;

/// A question about time, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What happened?
    Timeline {
        /// The question, but for the time since when.
        asked: story::Question,
        /// Since when.
        since: Option<Since>,
        /// Whether JSON is wanted.
        json: bool,
    },
    /// What will happen?
    Timers {
        /// The question.
        asked: pending::Question,
        /// Whether JSON is wanted.
        json: bool,
    },
}

/// A time as it can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// After the start.
    Start(Duration),
    /// On the cluster's clock.
    Clock(Timestamp),
}

/// Reads `timeline` or `timers` (`pending`) with its arguments.
pub fn parse(argv: &[String]) -> Result<Question, String> {
    let is_timeline = argv.first().is_some_and(|name| name == "timeline");
    let mut rest: Vec<String> = argv.to_vec();
    let all = is_timeline && rest.iter().any(|word| word == "--all");
    rest.retain(|word| word != "--all" || !is_timeline);
    let flags: &[&str] = if is_timeline { &["about", "component", "since"] } else { &["about"] };
    let words = Words::read(&rest, flags)?.once()?;
    let most = match &words.plain[..] {
        [] => LINES,
        [text] => text.parse().map_err(|_| format!("`{text}` is not a number of lines"))?,
        [_, word, ..] => return Err(format!("`{word}` is too much: one number is enough")),
    };
    let about = words.value("about").map(about).transpose()?;
    if !is_timeline {
        return Ok(Question::Timers { asked: pending::Question { about, most }, json: words.json });
    }
    let component = words.value("component").map(component).transpose()?;
    let since = words.value("since").map(since).transpose()?;
    let asked = story::Question { about, component, since: None, most, all };
    Ok(Question::Timeline { asked, since, json: words.json })
}

/// The object that is meant; it may be gone.
fn about(word: &str) -> Result<About, String> {
    let parts: Vec<&str> = word.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, namespace, name] => (kind, Some(namespace), name),
        [kind, name] => (kind, None, name),
        _ => return Err(format!("`{word}` names no object; write KIND/NAMESPACE/NAME")),
    };
    let row = kinds::find(kind).ok_or_else(|| {
        let known = nearest(kind, kinds::KINDS.iter().map(|k| k.singular)).map(|k| format!("did you mean {k}?"));
        format!("`{kind}` is no kind; {}", known.unwrap_or("`kubectl api-resources` lists them".to_string()))
    })?;
    if !row.namespaced && namespace.is_some() {
        return Err(format!("a {} is in no namespace; write {kind}/{name}", row.kind));
    }
    let namespace = if row.namespaced { namespace.unwrap_or("default") } else { "" };
    Ok(About {
        kind: KindName { group: row.group.into(), kind: row.kind.into() },
        namespace: namespace.into(),
        name: name.into(),
    })
}

fn component(word: &str) -> Result<String, String> {
    let known = COMPONENTS.iter().any(|name| name.starts_with(word));
    known.then(|| word.to_string()).ok_or_else(|| format!("`{word}` is no component; there are {}", COMPONENTS.join(", ")))
}

fn since(text: &str) -> Result<Since, String> {
    let after_start = Duration::parse(text).map(Since::Start);
    let read = after_start.or_else(|| Timestamp::parse(text).map(Since::Clock));
    read.ok_or_else(|| format!("`{text}` is not a time: a duration since the start, as in 2m10s, or a date"))
}

/// `timeline`: what happened.
pub fn timeline(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    answered(host, argv, "timeline", TIMELINE)
}

/// `timers`: what is pending, next first.
pub fn timers(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    answered(host, argv, "timers", TIMERS)
}

fn answered(host: &mut dyn Host, argv: &[String], name: &str, form: &str) -> Outcome {
    let question = match parse(argv) {
        Ok(question) => question,
        Err(wrong) => return usage(name, &wrong, form),
    };
    told(simulation(host, name).map(|sim| {
        let (cluster, now) = (sim.cluster(), sim.engine().now());
        let start = cluster.config.start;
        match question {
            Question::Timeline { mut asked, since, json } => {
                asked.since = since.map(|since| match since {
                    Since::Start(after) => Instant::START + after,
                    Since::Clock(time) => {
                        Instant::START + Duration::from_nanos(u64::try_from(time.nanos_since(start)).unwrap_or(0))
                    }
                });
                let found = story::timeline(cluster, &asked);
                if json { format!("{}\n", render::story::json(&found, start)) } else { render::story::text(&found, start) }
            }
            Question::Timers { asked, json } => {
                let found = pending::timers(sim.engine(), &asked);
                if json { format!("{}\n", render::timers::json(&found, now, start)) } else { render::timers::text(&found, now) }
            }
        }
    }))
}

/// `digest`: both digests. Equal digests, equal histories.
pub fn digest(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    told(alone("digest", argv).and_then(|()| simulation(host, "digest")).map(|sim| format!("{}\n", sim.digests())))
}

/// `assumptions`: what the simulator had to guess, one line each.
pub fn assumptions(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let sim = alone("assumptions", argv).and_then(|()| simulation(host, "assumptions"));
    told(sim.map(|sim| render::assumption::sentences(&sim.assumptions()).iter().map(|a| format!("{a}\n")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Question, String> {
        parse(&line.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn questions_are_read() {
        let about =
            About { kind: KindName { group: "".into(), kind: "Service".into() }, namespace: "shop".into(), name: "web".into() };
        let asked =
            story::Question { about: Some(about.clone()), component: Some("kubelet".into()), since: None, most: 5, all: true };
        let since = Some(Since::Start(Duration::from_secs(90)));
        assert_eq!(
            read("timeline --about svc/shop/web --component kubelet --since 1m30s --all 5 -o json"),
            Ok(Question::Timeline { asked, since, json: true })
        );
        let asked = pending::Question { about: Some(about), most: LINES };
        assert_eq!(read("pending --about service/shop/web"), Ok(Question::Timers { asked, json: false }));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_way_out() {
        for (line, refusal) in [
            ("timeline x", "`x` is not a number of lines"),
            ("timeline --about web", "`web` names no object; write KIND/NAMESPACE/NAME"),
            ("timeline --about servic/web", "`servic` is no kind; did you mean service?"),
            ("timeline --about node/default/a", "a Node is in no namespace; write node/a"),
            ("timeline --since soon", "`soon` is not a time: a duration since the start, as in 2m10s, or a date"),
            ("timers --all", "`--all` is not a flag of it; there are --about, -o json"),
        ] {
            assert_eq!(read(line), Err(refusal.to_string()), "{line}");
        }
        assert!(read("timeline --component cook").is_err_and(|why| why.starts_with("`cook` is no component; there are you, ")));
    }
}
