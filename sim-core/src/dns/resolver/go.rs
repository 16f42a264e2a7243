//! Go's walk: whatever goes wrong with one candidate, the next one is tried; the error told is that of the last but the bare name.
//!
//! A and AAAA are asked for beside each other, each with all attempts at all servers; a name that does not exist, or has no such
//! record, is not asked for again. So a silent server costs `attempts` times the timeout for every candidate of the search list.
//! Left out: `single-request` and `rotate`, names above 254 bytes.
//! The real thing: `goLookupIPCNAMEOrder`, `tryOneName` and `nameList` of `src/net/dnsclient_unix.go`.

use super::{Asked, Asker, Hit, LookupError, Rcode, Reply, ResolvConf, dots};
use crate::engine::time::Instant;

pub(super) fn search(asker: &mut Asker<'_>, conf: &ResolvConf, name: &str, kinds: &[&'static str]) -> Result<Hit, LookupError> {
    let mut last = None;
    for (candidate, is_bare) in candidates(conf, name) {
        match query(asker, conf, &candidate, kinds) {
            Ok(hit) => return Ok(hit),
            Err(stopped @ LookupError::Stopped(_)) => return Err(stopped),
            Err(error) if last.is_none() || !is_bare => last = Some(error),
            Err(_) => {}
        }
    }
    Err(last.unwrap_or(LookupError::NotFound))
}

/// The names to try, and which of them is the one that was asked for.
fn candidates(conf: &ResolvConf, name: &str) -> Vec<(String, bool)> {
    if let Some(absolute) = name.strip_suffix('.') {
        return vec![(absolute.to_owned(), true)];
    }
    let domains = conf.search.iter().filter(|domain| !domain.is_empty());
    let mut names: Vec<(String, bool)> = domains.map(|domain| (format!("{name}.{domain}"), false)).collect();
    let at = if dots(name) < conf.ndots { names.len() } else { 0 };
    names.insert(at, (name.to_owned(), true));
    names
}

/// One type of record on its way.
struct Race {
    kind: &'static str,
    /// Attempts made, at any server.
    made: usize,
    /// When it goes on, or when it ended.
    due: Instant,
    end: Option<Result<Reply, LookupError>>,
}

/// One candidate, for all types at once.
fn query(asker: &mut Asker<'_>, conf: &ResolvConf, name: &str, kinds: &[&'static str]) -> Result<Hit, LookupError> {
    if !super::legal(name) || conf.servers.is_empty() {
        return Err(LookupError::NotFound);
    }
    let now = asker.wire.now();
    let mut races: Vec<Race> = kinds.iter().map(|kind| Race { kind, made: 0, due: now, end: None }).collect();
    let mut beside = false;
    while let Some(race) = races.iter_mut().filter(|race| race.end.is_none()).min_by_key(|race| race.due) {
        asker.wait(race.due.since(asker.wire.now()))?;
        race.attempt(asker, conf, name, beside);
        beside = true;
    }
    let ended = races.iter().map(|race| race.due).max().unwrap_or(now);
    asker.wait(ended.since(asker.wire.now()))?;
    let (replies, errors): (Vec<_>, Vec<_>) = races.into_iter().filter_map(|race| race.end).partition(Result::is_ok);
    let replies: Vec<Reply> = replies.into_iter().flatten().collect();
    match errors.into_iter().filter_map(Result::err).next_back() {
        Some(error) if replies.is_empty() => Err(error),
        _ => Ok(Hit::of(name, &replies)),
    }
}

impl Race {
    /// Asks the next server in turn. After the last attempt the last error stands.
    fn attempt(&mut self, asker: &mut Asker<'_>, conf: &ResolvConf, name: &str, beside: bool) {
        let server = conf.servers[self.made % conf.servers.len()];
        let (asked, after) = asker.ask(name, self.kind, server, beside);
        self.made += 1;
        let is_last = self.made >= conf.servers.len() * usize::try_from(conf.attempts.max(1)).unwrap_or(1);
        self.due += match &asked {
            Asked::Silence => conf.timeout,
            Asked::Reply { .. } | Asked::Refused { .. } => after.min(conf.timeout),
        };
        self.end = match asked {
            Asked::Reply { reply, .. } => match reply.rcode {
                Rcode::NxDomain => Some(Err(LookupError::NotFound)),
                Rcode::NoError if reply.answers.is_empty() => Some(Err(LookupError::NotFound)),
                Rcode::NoError => Some(Ok(reply)),
                _ => is_last.then_some(Err(LookupError::TryAgain)),
            },
            Asked::Refused { .. } | Asked::Silence => is_last.then_some(Err(LookupError::TryAgain)),
        };
    }
}
