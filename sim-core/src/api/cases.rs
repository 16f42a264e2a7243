//! The cases of `tests/cases/controllers.yaml` that the API server, and recorders before it, are about: `generate-name` and
//! `event-aggregation`. (`ip-band` and `service-transition` are run beside the pools and beside Services.)

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::allocate::Allocators;
use super::component::{Clock, Note, Write};
use super::recorder::COMBINED;
use super::server::ApiServer;
use crate::engine::random::{Draws, Seed};
use crate::engine::time::{Duration, Instant};
use crate::objects::cases::{Row, check, rows};
use crate::objects::event::Reference;
use crate::objects::time::Timestamp;
use crate::store::Store;

fn clock(seconds: u64) -> Clock {
    let start = Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
    Clock { now: Instant::START + Duration::from_secs(seconds), start, draws: Draws::new(Seed(3)) }
}

fn server() -> ApiServer {
    ApiServer::new(Allocators::new(&["10.96.0.0/12".to_string()], (30000, 32767)).unwrap())
}

#[test]
fn generated_names_are_safe_and_short() {
    check(&rows("generate-name"), 2, |row| {
        let mut server = server();
        let names: Vec<String> =
            (0..200).map(|_| server.generated_name(row.text("generateName"), clock(0)).to_string()).collect();
        let prefix = row.expect["prefix"].as_str().unwrap();
        assert!(names.iter().all(|name| name.starts_with(prefix)), "{}", row.name);
        let suffixes: Vec<&str> = names.iter().map(|name| &name[prefix.len()..]).collect();
        let mut letters: Vec<char> = suffixes.concat().chars().collect();
        letters.sort_by_key(|c| (c.is_ascii_digit(), *c));
        letters.dedup();
        let longest = suffixes.iter().map(|s| s.len()).max();
        assert!(names.iter().all(|name| name.len() <= 63));
        json!({"prefix": prefix, "suffixLength": longest, "alphabet": letters.into_iter().collect::<String>(), "maxLength": 63})
    });
}

/// One component that speaks about one object.
struct Speaker {
    server: ApiServer,
    store: Store,
}

impl Speaker {
    fn new() -> Speaker {
        Speaker { server: server(), store: Store::default() }
    }

    /// Says something; whether it was stored.
    fn says(&mut self, message: &str, seconds: u64) -> bool {
        let about = Reference {
            kind: "Pod".into(),
            namespace: "default".into(),
            name: "p".into(),
            uid: "u".into(),
            ..Reference::default()
        };
        let (reason, host) = ("Failed", "n1".into());
        let note = Note { about, warning: true, reason, message: message.to_string(), source: "kubelet", host };
        let before = self.store.revision();
        self.server.write(&mut self.store, Write::Note(note), clock(seconds)).unwrap();
        self.store.revision() > before
    }

    /// Counts by message.
    fn told(&self) -> BTreeMap<String, i64> {
        self.store.head().events.iter().map(|e| (e.message.to_string(), e.count)).collect()
    }
}

fn recorded(row: &Row) -> Value {
    let mut speaker = Speaker::new();
    let number = |key: &str| row.given[key].as_u64();
    if let Some(times) = number("sameMessage") {
        (0..times).for_each(|n| assert!(speaker.says("again", n)));
        let told = speaker.told();
        return json!({"events": told.len(), "count": told["again"]});
    }
    if let Some(times) = number("eventsAtOnce") {
        let accepted = (0..times).filter(|n| speaker.says(&format!("message {n}"), 0)).count();
        let next = (1..).find(|second| speaker.says("one more", *second));
        return json!({"accepted": accepted, "nextTokenAfterSeconds": next});
    }
    let (count, window) = (number("distinctMessages").unwrap(), number("windowSeconds").unwrap());
    (0..count).for_each(|n| assert!(speaker.says(&format!("message {n}"), n * window / count)));
    let told = speaker.told();
    let (combined, individual): (Vec<_>, Vec<_>) = told.iter().partition(|(message, _)| message.starts_with(COMBINED));
    json!({"individual": individual.len(), "combined": combined.len(), "combinedCount": combined[0].1, "combinedPrefix": COMBINED})
}

#[test]
fn similar_events_become_one() {
    check(&rows("event-aggregation"), 3, recorded);
}
