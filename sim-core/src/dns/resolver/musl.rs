//! musl's walk: only NXDOMAIN moves on along the search list; an empty answer or a failure ends it.
//!
//! A and AAAA go to all servers at once and the first usable reply to each wins. SERVFAIL is not usable: the question is sent
//! again at once, twice per type, and then waited out. ICMP errors are not noticed. The questions are sent again after an equal
//! share of the timeout per attempt. The real thing: `src/network/lookup_name.c`, `src/network/res_msend.c`.

use super::{Asked, Asker, Duration, Hit, LookupError, Rcode, Reply, ResolvConf, dots};

pub(super) fn search(asker: &mut Asker<'_>, conf: &ResolvConf, name: &str, kinds: &[&'static str]) -> Result<Hit, LookupError> {
    let absolute = name.strip_suffix('.');
    let as_is = absolute.unwrap_or(name);
    if absolute.is_none() && dots(name) < conf.ndots {
        for domain in &conf.search {
            let candidate = if domain.is_empty() { name.to_owned() } else { format!("{name}.{domain}") };
            if let Some(hit) = query(asker, conf, &candidate, kinds)? {
                return Ok(hit);
            }
        }
    }
    query(asker, conf, as_is, kinds)?.ok_or(LookupError::NotFound)
}

/// One candidate; `None` = there is no such name.
fn query(asker: &mut Asker<'_>, conf: &ResolvConf, name: &str, kinds: &[&'static str]) -> Result<Option<Hit>, LookupError> {
    if !super::legal(name) {
        return Ok(None);
    }
    let mut replies: Vec<Option<Reply>> = vec![None; kinds.len()];
    let mut again = 2 * kinds.len();
    let interval = Duration::from_nanos(conf.timeout.as_nanos() / u64::from(conf.attempts.max(1)));
    for _ in 0..conf.attempts {
        let mut slowest = Duration::ZERO;
        let mut beside = false;
        for (kind, slot) in kinds.iter().zip(&mut replies).filter(|(_, slot)| slot.is_none()) {
            let usable = first_usable(asker, conf, (name, kind, beside), &mut again);
            beside = true;
            if let Some((reply, after)) = usable {
                *slot = Some(reply);
                slowest = slowest.max(after);
            }
        }
        if replies.iter().all(Option::is_some) {
            asker.wait(slowest.min(interval))?;
            break;
        }
        asker.wait(interval)?;
    }
    let Some(replies) = replies.into_iter().collect::<Option<Vec<Reply>>>() else { return Err(LookupError::TryAgain) };
    if replies.iter().any(|r| r.rcode == Rcode::NxDomain) {
        return Ok(None);
    }
    let hit = Hit::of(name, &replies);
    if replies.iter().all(|r| r.answers.is_empty()) { Err(LookupError::NoAddress) } else { Ok(Some(hit)) }
}

/// One question to all servers: the usable reply that is there first, the earlier server on a tie.
fn first_usable(
    asker: &mut Asker<'_>,
    conf: &ResolvConf,
    (name, kind, beside): (&str, &'static str, bool),
    again: &mut usize,
) -> Option<(Reply, Duration)> {
    let mut best: Option<(Reply, Duration)> = None;
    for server in &conf.servers {
        while let (Asked::Reply { reply, .. }, after) = asker.ask(name, kind, *server, beside) {
            match reply.rcode {
                Rcode::NoError | Rcode::NxDomain => {
                    if best.as_ref().is_none_or(|(_, sooner)| after < *sooner) {
                        best = Some((reply, after));
                    }
                    break;
                }
                Rcode::ServFail if *again > 0 => *again -= 1,
                _ => break,
            }
        }
    }
    best
}
