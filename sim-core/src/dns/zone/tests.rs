use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::dns::config::{PodsMode, UpstreamAnswer};
use crate::engine::time::Instant;
use crate::objects::Object;
use crate::store::Store;

const SERIAL: u32 = 1_499_347_823;

fn cases() -> Vec<Value> {
    serde_yaml::from_str(include_str!("../../../../tests/cases/dns.yaml")).unwrap()
}

fn store(case: &Value) -> Store {
    let mut store = Store::default();
    for object in case["objects"].as_array().into_iter().flatten() {
        store.insert(Object::parse(object), Instant::START);
    }
    store
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn records(list: &Value) -> Vec<Record> {
    let record = |r: &Value| Record {
        name: r["name"].as_str().unwrap().to_owned(),
        kind: ["A", "AAAA", "CNAME", "SRV", "PTR", "NS", "TXT", "SOA"].into_iter().find(|k| r["type"] == *k).unwrap(),
        ttl: r["ttl"].as_u64().unwrap() as u32,
        data: r["rdata"].as_str().unwrap().to_owned(),
    };
    list.as_array().into_iter().flatten().map(record).collect()
}

fn config(case: &Value) -> ServerConfig {
    let options = &case["config"];
    let flag = |key: &str, default: bool| options[key].as_bool().unwrap_or(default);
    let zones = if case["zones"].is_array() { texts(&case["zones"]) } else { vec![case["zone"].as_str().unwrap().to_owned()] };
    let upstream = options["upstream"].as_array().into_iter().flatten().map(|u| UpstreamAnswer {
        name: u["qname"].as_str().unwrap().to_owned(),
        kind: u["qtype"].as_str().unwrap().to_owned(),
        answers: records(&u["answers"]),
        truncated: u["truncated"].as_bool().unwrap_or(false),
    });
    ServerConfig {
        zones,
        pods: PodsMode::parse(case["podsMode"].as_str().unwrap_or("disabled")).unwrap(),
        ttl: options["ttl"].as_u64().unwrap_or(5) as u32,
        namespaces: texts(&options["namespaces"]),
        ignore_empty_service: flag("ignoreEmptyService", false),
        endpoint_pod_names: flag("endpointPodNames", false),
        no_endpoints: flag("noendpoints", false),
        synced: flag("synced", true),
        local_ips: texts(&options["localIPs"]).iter().map(|ip| ip.parse().unwrap()).collect(),
        fall_through: texts(&options["fallthrough"]),
        upstream: upstream.collect(),
        ..ServerConfig::default()
    }
}

fn sorted(records: &[Record]) -> Vec<String> {
    let line = |r: &Record| {
        let data = r.data.replace(&format!(" {SERIAL} "), " * ");
        format!("{} {} {} {}", r.name, r.kind, r.ttl, data)
    };
    let mut lines: Vec<String> = records.iter().map(line).collect();
    lines.sort();
    lines
}

/// What differs between a reply and what CoreDNS answers.
fn differences(reply: &Reply, want: &Value) -> Vec<String> {
    if want["rcode"] == "FORWARDED" {
        return if reply.forwarded { vec![] } else { vec!["not forwarded".to_owned()] };
    }
    let mut wrong = Vec::new();
    if reply.rcode.text() != want["rcode"] {
        wrong.push(format!("{} for {}", reply.rcode.text(), want["rcode"]));
    }
    for (part, got) in [("answers", &reply.answers), ("additional", &reply.additional)] {
        let (got, want) = (sorted(got), sorted(&records(&want[part])));
        if got != want {
            wrong.push(format!("{part} {got:?} for {want:?}"));
        }
    }
    if let Some(with_soa) = want["authority_soa"].as_bool()
        && with_soa != reply.authority.iter().any(|r| r.kind == "SOA")
    {
        wrong.push(format!("SOA in authority should be {with_soa}"));
    }
    if let (Some(owner), Some(soa)) = (want["soa_owner"].as_str(), reply.authority.first())
        && soa.name != owner
    {
        wrong.push(format!("SOA of {} for {owner}", soa.name));
    }
    if reply.truncated != want["tc"].as_bool().unwrap_or(false) {
        wrong.push(format!("truncated {}", reply.truncated));
    }
    if reply.answers.iter().skip(1).any(|r| r.kind == "CNAME") && reply.answers[0].kind != "CNAME" {
        wrong.push("a CNAME after what it leads to".to_owned());
    }
    wrong
}

/// Every reply is the one that CoreDNS's own tests expect, or that was read off its source.
#[test]
fn replies_are_those_of_coredns() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    for case in cases().iter().filter(|c| c["optional"] != true) {
        let (store, config) = (store(case), config(case));
        for query in case["queries"].as_array().into_iter().flatten() {
            let question =
                Question::new(query["qname"].as_str().unwrap().to_owned(), query["qtype"].as_str().unwrap().to_owned());
            let reply = answer(store.head(), &config, &question, SERIAL);
            asked += 1;
            for difference in differences(&reply, &query["expect"]) {
                wrong.push(format!("{} {} {}: {difference}", case["name"], question.name, question.kind));
            }
        }
    }
    assert!(asked > 70, "cases were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names are taken apart as CoreDNS does it.
#[test]
fn names_are_taken_apart() {
    let mut checked = 0;
    for (case, expected) in
        cases().iter().flat_map(|c| c["parse"].as_array().cloned().unwrap_or_default().into_iter().map(|p| (c.clone(), p)))
    {
        let name = expected["qname"].as_str().unwrap().to_lowercase();
        let zone = format!(".{}.", case["zone"].as_str().unwrap());
        let base = name.strip_suffix(&zone).unwrap_or_default();
        let parts = name::parse(base);
        checked += 1;
        if expected["invalid"] == true {
            assert_eq!(parts, None, "{name}");
            continue;
        }
        let parts = parts.unwrap();
        let got = [parts.namespace, parts.service, parts.endpoint, parts.port, parts.protocol];
        let want = ["namespace", "service", "endpoint", "port", "protocol"].map(|key| expected[key].as_str().unwrap());
        assert_eq!(got, want, "{name}");
    }
    assert!(checked > 10, "cases were read");
}

proptest! {
    /// Whatever is asked, the reply is well formed: a denial carries the SOA, an answer belongs to the name that was asked.
    #[test]
    fn any_name_gets_a_well_formed_reply(
        labels in proptest::collection::vec("[a-zA-Z0-9_-]{1,12}|svc|pod|testns|hdls1|external|ns|dns", 0..7),
        zone in "cluster\\.local\\.?|CLUSTER\\.local\\.|example\\.com",
        kind in "A|AAAA|SRV|PTR|CNAME|NS|SOA|TXT|MX|ANY",
    ) {
        let case = &cases()[0];
        let (store, config) = (store(case), config(case));
        let name = labels.iter().map(|l| format!("{l}.")).collect::<String>() + &zone;
        let reply = answer(store.head(), &config, &Question::new(name.clone(), kind), SERIAL);
        prop_assert_eq!(reply.forwarded, !within("cluster.local", &name));
        prop_assert_eq!(reply.answers.is_empty() && !reply.forwarded, reply.authority.len() == 1);
        prop_assert!(reply.answers.first().is_none_or(|r| r.name == fqdn(&name)));
    }

    /// An address and the name it is looked up under lead to each other.
    #[test]
    fn reverse_names_lead_back(ip in any::<IpAddr>()) {
        prop_assert_eq!(reverse_address(&reverse_name(ip)), Some(ip));
    }
}
