//! Answers survive the wire.

use proptest::prelude::*;
use sim_core::dns::message::{Question, Rcode, Reply};
use sim_core::dns::size::{question_bytes, reply_bytes};
use sim_core::objects::pod_spec::Protocol;

use super::*;

const INPUT: &str = include_str!("cluster.yaml");

fn player() -> Player {
    let common = Common::default();
    let loaded = super::super::input::load_text("cluster", INPUT, &common).expect("it loads");
    let mut player = Player::new(loaded, &super::super::input::play_options(&common, None)).expect("it starts");
    pass(&mut player, WARM, 1);
    player
}

/// What a client hears over the wire, message by message.
fn heard(player: &mut Player, question: &Question, protocol: Protocol) -> Vec<Reply> {
    let bytes = message::ask(7, question).expect("a question");
    // Escapes are counted as they are spelled: never too little.
    assert!(bytes.len() == question_bytes(question) || question.name.contains('\\') && bytes.len() < question_bytes(question));
    let asked = message::decode(&bytes).expect("understood");
    let reply = player.sim_mut().ask_cluster_dns(protocol, &asked.question).expect("answered");
    let messages = asked.encode(&reply);
    let most = usize::from(question.udp_size.unwrap_or(512).max(512));
    for message in &messages {
        assert!(protocol == Protocol::Tcp || message.len() <= most, "{} bytes for {question:?}", message.len());
        assert!(
            message.len() <= reply_bytes(&reply, question),
            "counted {} wrote {}",
            reply_bytes(&reply, question),
            message.len()
        );
    }
    let read: Vec<Reply> = messages.iter().map(|m| message::read(m).expect("read back")).collect();
    let whole: Vec<_> = read.iter().flat_map(|r| r.answers.clone()).collect();
    assert_eq!((whole, &read[0].authority, &read[0].additional), (reply.answers, &reply.authority, &reply.additional));
    assert_eq!((read[0].rcode, read[0].authoritative, read[0].truncated), (reply.rcode, reply.authoritative, reply.truncated));
    read
}

#[test]
fn kinds_of_answers() {
    let mut player = player();
    for (name, kind, rcode, answers) in [
        ("web.default.svc.cluster.local.", "A", Rcode::NoError, 1),
        ("WEB.default.svc.cluster.local.", "AAAA", Rcode::NoError, 0),
        ("_http._tcp.web.default.svc.cluster.local.", "SRV", Rcode::NoError, 1),
        ("20.0.96.10.in-addr.arpa.", "PTR", Rcode::NoError, 1),
        ("db.default.svc.cluster.local.", "CNAME", Rcode::NoError, 1),
        ("dns-version.cluster.local.", "TXT", Rcode::NoError, 1),
        ("cluster.local.", "SOA", Rcode::NoError, 1),
        ("cluster.local.", "NS", Rcode::NoError, 1),
        ("nope.default.svc.cluster.local.", "A", Rcode::NxDomain, 0),
        ("example.com.", "A", Rcode::NxDomain, 0),
        ("cluster.local.", "AXFR", Rcode::Refused, 0),
        (".", "NS", Rcode::NxDomain, 0),
        ("--1.default.pod.cluster.local.", "AAAA", Rcode::NoError, 1),
        ("a\\.b\\\\\\000.svc.cluster.local.", "A", Rcode::NxDomain, 0),
    ] {
        let reply = heard(&mut player, &Question::new(name, kind), Protocol::Udp).remove(0);
        assert_eq!((reply.rcode, reply.answers.len()), (rcode, answers), "{name} {kind}");
    }
    let many = Question::new("many.default.svc.cluster.local.", "A");
    let cut = heard(&mut player, &many, Protocol::Udp).remove(0);
    assert!(cut.truncated && cut.answers.len() < 60);
    let larger = heard(&mut player, &Question { udp_size: Some(1232), ..many.clone() }, Protocol::Udp).remove(0);
    assert!(!larger.truncated && larger.answers.len() == 60);
    assert_eq!(heard(&mut player, &many, Protocol::Tcp)[0].answers.len(), 60);
}

#[test]
fn what_is_no_question_is_refused_or_ignored() {
    let question = message::ask(0x0102, &Question::new("web.default.svc.cluster.local.", "A")).expect("a question");
    let changed = |at: usize, to: u8| {
        let mut bytes = question.clone();
        bytes[at] = to;
        message::decode(&bytes).map(|_| 0).unwrap_or_else(|refusal| refusal.map_or(255, |bytes| bytes[3] & 0xf))
    };
    // An answer; an update; no question; another class; a question that ends early.
    assert_eq!([changed(2, 0x80), changed(2, 0x28), changed(5, 0)], [255, 4, 1]);
    assert_eq!(changed(question.len() - 1, 3), 5);
    let early = message::decode(&question[..20]).expect_err("cut").expect("told");
    assert_eq!((early[0], early[1], early[3] & 0xf), (1, 2, 1));
    assert!(message::decode(b"short").expect_err("no header").is_none());
}

#[test]
fn random_names_and_bytes_find_an_end() {
    let mut player = player();
    let asked = fuzz(&mut player, 1_000);
    assert!(asked > 300, "{asked} of 1000 were questions");
}

proptest! {
    /// Whatever is asked, what is answered can be written and read again.
    #[test]
    fn answers_survive_the_wire(
        labels in proptest::collection::vec("[a-z0-9_-]{1,20}|svc|pod|default|web|many|db|ns|dns|\\*", 0..6),
        zone in "cluster\\.local\\.|in-addr\\.arpa\\.|example\\.com\\.|",
        kind in "A|AAAA|SRV|PTR|CNAME|NS|SOA|TXT|MX|ANY|HINFO|CAA",
        udp_size in proptest::option::of(0_u16..5_000),
        tcp: bool,
    ) {
        thread_local!(static PLAYER: std::cell::RefCell<Player> = std::cell::RefCell::new(player()));
        let name: String = labels.iter().map(|l| format!("{l}.")).collect::<String>() + &zone;
        let name = if name.is_empty() { ".".to_owned() } else { name };
        let question = Question { udp_size, ..Question::new(name, kind) };
        let protocol = if tcp { Protocol::Tcp } else { Protocol::Udp };
        PLAYER.with_borrow_mut(|player| heard(player, &question, protocol));
    }
}
