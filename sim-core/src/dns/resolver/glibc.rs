//! glibc's walk: every failure but a timeout moves on to the next name of the list, and the name as it is comes last.
//!
//! A and AAAA go out together on one socket and both are awaited. A server that fails (SERVFAIL, REFUSED) or is silent gives
//! way to the next, `attempts` times around. The real thing: `resolv/res_query.c` (`res_search`), `resolv/res_send.c`.

use std::net::SocketAddr;

use super::{Asked, Asker, Duration, Hit, LookupError, Rcode, Reply, ResolvConf, dots};

/// Why one candidate gave no answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Miss {
    NotFound,
    NoData,
    ServFail,
    /// Nobody listens at any server.
    Refused,
    TimedOut,
}

pub(super) fn search(asker: &mut Asker<'_>, conf: &ResolvConf, name: &str, kinds: &[&'static str]) -> Result<Hit, LookupError> {
    let absolute = name.strip_suffix('.');
    let as_is = absolute.unwrap_or(name);
    let mut first_miss = None;
    if absolute.is_some() || dots(name) >= conf.ndots {
        match query(asker, conf, as_is, kinds)? {
            Ok(hit) => return Ok(hit),
            Err(miss) if absolute.is_some() => return Err(miss.error()),
            Err(miss) => first_miss = Some(miss),
        }
    }
    let mut last = Miss::NotFound;
    let (mut no_data, mut serv_fail, mut root) = (false, false, false);
    for domain in &conf.search {
        root |= domain.is_empty();
        let candidate = if domain.is_empty() { name.to_owned() } else { format!("{name}.{domain}") };
        last = match query(asker, conf, &candidate, kinds)? {
            Ok(hit) => return Ok(hit),
            Err(miss) => miss,
        };
        match last {
            Miss::NotFound => {}
            Miss::NoData => no_data = true,
            Miss::ServFail => serv_fail = true,
            Miss::Refused => return Err(LookupError::TryAgain),
            Miss::TimedOut => break,
        }
    }
    if first_miss.is_none() && !root {
        last = match query(asker, conf, as_is, kinds)? {
            Ok(hit) => return Ok(hit),
            Err(miss) => miss,
        };
    }
    Err(match (first_miss, no_data, serv_fail) {
        (Some(miss), ..) => miss.error(),
        (None, true, _) => LookupError::NoAddress,
        (None, false, true) => LookupError::TryAgain,
        (None, false, false) => last.error(),
    })
}

/// One candidate: all types at all servers until one replies with substance.
fn query(asker: &mut Asker<'_>, conf: &ResolvConf, name: &str, kinds: &[&'static str]) -> Result<Result<Hit, Miss>, LookupError> {
    if !super::legal(name) {
        return Ok(Err(Miss::NotFound));
    }
    let (mut heard, mut serv_fail) = (false, false);
    let first = if conf.rotate { asker.turns % conf.servers.len() } else { 0 };
    asker.turns += 1;
    for _ in 0..conf.attempts {
        for index in 0..conf.servers.len() {
            let server = conf.servers[(first + index) % conf.servers.len()];
            let replies = match all_kinds(asker, conf, (name, kinds), server, index)? {
                Some(replies) => replies,
                None => {
                    heard = true;
                    continue;
                }
            };
            heard |= !replies.is_empty();
            let usable = |rcode: Rcode| matches!(rcode, Rcode::NoError | Rcode::NxDomain | Rcode::FormErr);
            if !replies.is_empty() && replies.iter().any(|r| usable(r.rcode)) {
                return Ok(judge(name, &replies));
            }
            serv_fail |= replies.iter().any(|r| r.rcode == Rcode::ServFail);
        }
    }
    Ok(Err(match (heard, serv_fail) {
        (false, _) => Miss::Refused,
        (true, true) => Miss::ServFail,
        (true, false) => Miss::TimedOut,
    }))
}

/// The replies of one server, none if it refuses; `None` = the time ran out. If just one of a pair got no answer, the server is
/// asked again, for one type after the other, as glibc does for servers that cannot do two at once.
fn all_kinds(
    asker: &mut Asker<'_>,
    conf: &ResolvConf,
    (name, kinds): (&str, &[&'static str]),
    server: SocketAddr,
    index: usize,
) -> Result<Option<Vec<Reply>>, LookupError> {
    loop {
        let single = asker.single || conf.single_request;
        let mut asked: Vec<(Asked, Duration)> = Vec::new();
        for kind in kinds {
            let one = asker.ask(name, kind, server, !single && !asked.is_empty());
            if single && !matches!(one.0, Asked::Silence) {
                asker.wait(one.1)?;
            }
            asked.push(one);
        }
        let silent = asked.iter().filter(|(a, _)| matches!(a, Asked::Silence)).count();
        if silent == 0 {
            if !single {
                asker.wait(asked.iter().map(|(_, after)| *after).max().unwrap_or_default())?;
            }
            let reply = |(a, _)| if let Asked::Reply { reply, .. } = a { Some(reply) } else { None };
            return Ok(Some(asked.into_iter().filter_map(reply).collect()));
        }
        asker.wait(patience(conf, index))?;
        if single || silent == asked.len() {
            return Ok(None);
        }
        asker.single = true;
    }
}

fn judge(name: &str, replies: &[Reply]) -> Result<Hit, Miss> {
    if replies.iter().any(|r| r.rcode == Rcode::NoError && !r.answers.is_empty()) {
        return Ok(Hit::of(name, replies));
    }
    Err(match replies.iter().map(|r| r.rcode).find(|rcode| *rcode != Rcode::NoError) {
        None => Miss::NoData,
        Some(Rcode::NxDomain) => Miss::NotFound,
        Some(_) => Miss::ServFail,
    })
}

/// How long the server at `index` is waited for: the time doubles with each server and is shared out among them.
pub(super) fn patience(conf: &ResolvConf, index: usize) -> Duration {
    if index == 0 {
        return conf.timeout;
    }
    let seconds = (conf.timeout.as_secs() << index.min(8)) / conf.servers.len() as u64;
    Duration::from_secs(seconds.max(1))
}

impl Miss {
    fn error(self) -> LookupError {
        match self {
            Miss::NotFound => LookupError::NotFound,
            Miss::NoData => LookupError::NoAddress,
            Miss::ServFail | Miss::Refused | Miss::TimedOut => LookupError::TryAgain,
        }
    }
}
