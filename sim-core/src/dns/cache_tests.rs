use super::*;
use crate::engine::time::Duration;

fn reply(rcode: Rcode, ttl: u32) -> Reply {
    let record = Record { name: "a.test.".into(), kind: "A", ttl, data: "1.2.3.4".into() };
    Reply { answers: vec![record], forwarded: true, ..Reply::failure(rcode) }
}

fn denial(rcode: Rcode, ttl: u32) -> Reply {
    let soa = Record { name: "test.".into(), kind: "SOA", ttl, data: "ns. h. 1 2 3 4 5".into() };
    Reply { answers: vec![], authority: vec![soa], ..reply(rcode, ttl) }
}

fn options(ttl: u32) -> CacheOptions {
    let keeping = || Keeping { capacity: 9984, ttl_max: ttl, ttl_min: 5, except: vec![] };
    CacheOptions { zones: vec![".".into()], success: keeping(), denial: keeping(), servfail: 5, keep_ttl: false }
}

fn at(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

/// (reply, age, TTL served or none)
#[test]
fn ttls_are_capped_and_count_down() {
    let ok = |ttl| reply(Rcode::NoError, ttl);
    for (reply, age, served) in [
        (ok(300), 0, Some(30)),
        (ok(300), 29, Some(1)),
        (ok(300), 30, None),
        (ok(1), 4, Some(1)),
        (ok(1), 5, None),
        (denial(Rcode::NxDomain, 10), 9, Some(1)),
        (denial(Rcode::NoError, 10), 9, Some(1)),
        (denial(Rcode::NxDomain, 10), 10, None),
        // A failure is kept for five seconds whatever it carries.
        (denial(Rcode::ServFail, 300), 4, Some(1)),
        (denial(Rcode::ServFail, 300), 5, None),
    ] {
        let mut cache = Cache::default();
        cache.put(&options(30), &Question::new("A.test", "A"), &mut reply.clone(), at(10));
        let got = cache.get(&options(30), &Question::new("a.test.", "A"), at(10 + age));
        let ttl = got.as_ref().and_then(|r| r.records().next()).map(|r| r.ttl);
        assert_eq!(ttl, served, "{reply:?} after {age}");
        assert!(got.is_none_or(|r| r.authoritative && r.cached));
    }
}

#[test]
fn what_may_not_be_kept_is_not() {
    let question = Question::new("a.test", "A");
    let cut = Reply { truncated: true, ..reply(Rcode::NoError, 60) };
    let endless = Reply { authority: vec![], ..denial(Rcode::NxDomain, 60) };
    let mut chain = reply(Rcode::NoError, 60);
    chain.answers[0].kind = "CNAME";
    for mut reply in [cut, endless, chain, reply(Rcode::Refused, 60)] {
        let mut cache = Cache::default();
        cache.put(&options(30), &question, &mut reply, at(0));
        assert_eq!(cache.get(&options(30), &question, at(0)), None, "{reply:?}");
    }
    let mut excepted = options(30);
    excepted.success.except = vec!["test.".into()];
    let mut cache = Cache::default();
    cache.put(&excepted, &question, &mut reply(Rcode::NoError, 60), at(0));
    cache.put(&excepted, &Question::new("b.test", "A"), &mut denial(Rcode::NxDomain, 60), at(0));
    assert_eq!((cache.answers.replies.len(), cache.denials.replies.len()), (0, 1));
}

#[test]
fn a_kept_failure_does_not_hide_an_answer() {
    let question = Question::new("a.test", "A");
    let mut cache = Cache::default();
    cache.put(&options(30), &question, &mut reply(Rcode::NoError, 60), at(0));
    cache.put(&options(30), &question, &mut denial(Rcode::ServFail, 60), at(1));
    assert_eq!(cache.get(&options(30), &question, at(2)).map(|r| r.rcode), Some(Rcode::NoError));
}

/// Of names without end each store keeps at most 256 shards of 39.
#[test]
fn the_cache_has_a_bound() {
    let mut cache = Cache::default();
    for n in 0..30_000_u64 {
        let question = Question::new(format!("n{n}.test"), "A");
        cache.put(&options(30), &question, &mut reply(Rcode::NoError, 60), at(n / 1_000));
        cache.put(&options(30), &Question::new(format!("n{n}.test"), "AAAA"), &mut denial(Rcode::NxDomain, 60), at(n / 1_000));
    }
    assert_eq!(cache.len(), 2 * 256 * 39);
}
