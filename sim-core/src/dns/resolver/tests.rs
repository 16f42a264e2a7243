use proptest::prelude::*;

use super::*;
use crate::dns::testing::{Mood, Names};
use crate::engine::time::Instant;

fn run(wire: &mut Names, name: &str) -> Lookup {
    lookup(wire, &Source::Outside, name, Family::Any)
}

/// The names asked, each once, with the number of questions; then what was found.
fn told(library: Library, name: &str) -> String {
    let found = run(&mut Names::new(library), name);
    let mut names: Vec<&str> = found.queries.iter().map(|q| &*q.name).collect();
    names.dedup();
    let result = match found.error {
        Some(error) => match library {
            Library::Glibc => error.glibc().to_owned(),
            Library::Musl => error.musl().to_owned(),
            Library::Go => format!("{error:?}"),
        },
        None => found.addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" "),
    };
    format!("{} in {}: {result}", names.join(" "), found.queries.len())
}

/// (name, what glibc does, what musl does; `None` = the same)
#[test]
fn each_library_walks_its_own_way() {
    let rows: [(&str, &str, Option<&str>); 13] = [
        ("my-nginx", "my-nginx.default.svc.cluster.local in 2: 10.0.162.149", None),
        (
            "my-nginx.default",
            "my-nginx.default.default.svc.cluster.local my-nginx.default.svc.cluster.local in 4: 10.0.162.149",
            None,
        ),
        (
            "my-nginx.default.svc",
            "my-nginx.default.svc.default.svc.cluster.local my-nginx.default.svc.svc.cluster.local \
             my-nginx.default.svc.cluster.local in 6: 10.0.162.149",
            None,
        ),
        (
            "my-nginx.default.svc.cluster.local",
            "my-nginx.default.svc.cluster.local.default.svc.cluster.local my-nginx.default.svc.cluster.local.svc.cluster.local \
             my-nginx.default.svc.cluster.local.cluster.local my-nginx.default.svc.cluster.local in 8: 10.0.162.149",
            None,
        ),
        (
            "example.com",
            "example.com.default.svc.cluster.local example.com.svc.cluster.local example.com.cluster.local example.com \
             in 8: 203.0.113.7",
            None,
        ),
        ("my-nginx.default.svc.cluster.local.", "my-nginx.default.svc.cluster.local in 2: 10.0.162.149", None),
        (
            "a.b.c.d.e.f",
            "a.b.c.d.e.f a.b.c.d.e.f.default.svc.cluster.local a.b.c.d.e.f.svc.cluster.local a.b.c.d.e.f.cluster.local in 8: \
             Name or service not known",
            Some("a.b.c.d.e.f in 2: Name does not resolve"),
        ),
        (
            "nope",
            "nope.default.svc.cluster.local nope.svc.cluster.local nope.cluster.local nope in 8: Name or service not known",
            Some("nope.default.svc.cluster.local nope.svc.cluster.local nope.cluster.local nope in 8: Name does not resolve"),
        ),
        // The name of a namespace exists without records: glibc goes on, musl stops.
        (
            "default",
            "default.default.svc.cluster.local default.svc.cluster.local default.cluster.local default in 8: \
             No address associated with hostname",
            Some("default.default.svc.cluster.local default.svc.cluster.local in 4: Name has no usable address"),
        ),
        ("db-0.db", "db-0.db.default.svc.cluster.local in 2: 10.244.1.7", None),
        ("ext", "ext.default.svc.cluster.local in 2: 203.0.113.7", None),
        ("curl", " in 0: 10.244.1.9", None),
        ("10.0.0.1", " in 0: 10.0.0.1", None),
    ];
    for (name, glibc, musl) in rows {
        assert_eq!(told(Library::Glibc, name), glibc, "glibc {name}");
        assert_eq!(told(Library::Musl, name), musl.unwrap_or(glibc), "musl {name}");
    }
}

/// What Go asks where glibc and musl stop or go another way.
#[test]
fn go_tries_every_candidate() {
    let rows = [
        ("my-nginx", "my-nginx.default.svc.cluster.local in 2: 10.0.162.149"),
        // Enough dots: the name itself first, and then the search list after all.
        (
            "a.b.c.d.e.f",
            "a.b.c.d.e.f a.b.c.d.e.f.default.svc.cluster.local a.b.c.d.e.f.svc.cluster.local a.b.c.d.e.f.cluster.local in 8: \
             NotFound",
        ),
        // A name without records is no name to Go.
        ("default", "default.default.svc.cluster.local default.svc.cluster.local default.cluster.local default in 8: NotFound"),
        ("my-nginx.default.svc.cluster.local.", "my-nginx.default.svc.cluster.local in 2: 10.0.162.149"),
    ];
    for (name, want) in rows {
        assert_eq!(told(Library::Go, name), want, "{name}");
    }
}

/// (mood, library, seconds it takes, questions, error)
#[test]
fn trouble_takes_its_time() {
    let rows = [
        // One search name, twice 5 s; then the name as it is, the same.
        (Mood::Silent, Library::Glibc, 20, 8),
        (Mood::Silent, Library::Musl, 5, 4),
        // Four names, each type twice 5 s.
        (Mood::Silent, Library::Go, 40, 16),
        // All servers refused: the end, after two rounds.
        (Mood::Refusing, Library::Glibc, 0, 4),
        (Mood::Refusing, Library::Musl, 5, 4),
        (Mood::Refusing, Library::Go, 0, 16),
        // Each of four names asked twice.
        (Mood::Failing, Library::Glibc, 0, 16),
        (Mood::Failing, Library::Go, 0, 16),
        // Both types, four repetitions at once, then both again.
        (Mood::Failing, Library::Musl, 5, 8),
    ];
    for (mood, library, seconds, questions) in rows {
        let mut wire = Names { mood, ..Names::new(library) };
        let found = run(&mut wire, "my-nginx");
        let took = wire.now().since(Instant::START).as_secs();
        assert_eq!((found.queries.len(), took), (questions, seconds), "{mood:?}, {library:?}");
        assert_eq!(found.error, Some(LookupError::TryAgain));
    }
}

#[test]
fn the_name_at_the_end_of_the_chain_is_told() {
    let found = run(&mut Names::new(Library::Glibc), "ext");
    assert_eq!(found.canonical, "example.com");
}

#[test]
fn a_family_the_name_lacks_is_no_address() {
    let found = lookup(&mut Names::new(Library::Musl), &Source::Outside, "my-nginx", Family::V6);
    assert_eq!(found.error, Some(LookupError::NoAddress));
    let found = lookup(&mut Names::new(Library::Musl), &Source::Outside, "10.0.0.1", Family::V6);
    assert_eq!(found.error, Some(LookupError::NoAddress));
}

#[test]
fn servers_behind_the_first_are_waited_for_by_glibcs_rule() {
    let conf = ResolvConf::parse("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n");
    assert_eq!(conf.servers.len(), 3);
    let waits: Vec<u64> = (0..3).map(|index| glibc::patience(&conf, index).as_secs()).collect();
    assert_eq!(waits, [5, 3, 6]);
}

proptest! {
    /// Whatever the name and the file, a walk ends, within its bound of questions, with addresses or an error.
    #[test]
    fn every_walk_ends(name in "[a-z.]{0,40}|\\PC{0,300}", search in "[a-z. ]{0,60}", ndots in 0_u32..20, library in 0..3_usize) {
        let mut wire = Names::new([Library::Glibc, Library::Musl, Library::Go][library]);
        wire.resolver.resolv_conf = format!("search {search}\nnameserver 10.96.0.10\noptions ndots:{ndots}\n");
        let found = run(&mut wire, &name);
        prop_assert_eq!(found.addresses.is_empty(), found.error.is_some());
        prop_assert!(found.queries.len() <= 2 * (search.split_whitespace().count() + 1));
    }
}
