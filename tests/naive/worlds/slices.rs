//! EndpointSlices: what a controller would write, and what people write.

use std::net::IpAddr;

use serde_json::{Value, json};
use sim_core::engine::random::Stream;

use super::{Families, NODES, ZONES, of, percent};

/// How the endpoints of a Service are doing, all in all.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Fine,
    Mixed,
    NoneReady,
    Leaving,
    LocalLeaving,
}

/// Which endpoints have hints.
#[derive(Clone, Copy, Debug)]
enum Hints {
    None,
    Zones,
    Nodes,
    Both,
    Some,
}

pub(super) fn slices(draw: &mut Stream, families: Families, services: &[Value], node: &[IpAddr]) -> Vec<Value> {
    let mut slices = Vec::new();
    for service in services {
        let mood = of(
            draw,
            &[
                Mood::Fine,
                Mood::Fine,
                Mood::Fine,
                Mood::Fine,
                Mood::Mixed,
                Mood::Mixed,
                Mood::Mixed,
                Mood::NoneReady,
                Mood::Leaving,
                Mood::LocalLeaving,
            ],
        );
        let hints = of(draw, &[Hints::None, Hints::None, Hints::Zones, Hints::Nodes, Hints::Both, Hints::Some]);
        // Where its pods are: anywhere, or on some nodes only.
        let places = match draw.below(5) {
            0 => vec![0],
            1 | 2 => vec![1, 2],
            _ => vec![0, 1, 2],
        };
        for v6 in families.list() {
            let mut before: Vec<Value> = Vec::new();
            for n in 0..of(draw, &[0, 1, 1, 1, 1, 1, 2, 2]) {
                let mut endpoints: Vec<Value> =
                    (0..of(draw, &[0, 1, 2, 2, 3, 3, 4, 5])).map(|_| endpoint(draw, v6, &places, (mood, hints), node)).collect();
                // Which of two equals counts is left open.
                endpoints.retain(|one| {
                    let new = before.iter().all(|other| other["addresses"][0] != one["addresses"][0]);
                    before.extend(new.then(|| one.clone()));
                    new
                });
                if percent(draw, 10) {
                    endpoints.extend(before.first().map(again));
                }
                slices.push(slice(draw, service, (n, v6), endpoints));
            }
        }
    }
    slices
}

/// The same endpoint once more, from a slice that knows more, or less.
fn again(endpoint: &Value) -> Value {
    let mut twin = endpoint.clone();
    let terminating = twin["conditions"]["terminating"] == json!(true);
    twin["conditions"] = json!({"ready": terminating, "serving": true, "terminating": !terminating});
    twin
}

fn slice(draw: &mut Stream, service: &Value, (n, v6): (u64, bool), endpoints: Vec<Value>) -> Value {
    let name = service["metadata"]["name"].as_str().unwrap_or_default();
    let mut ports: Vec<Value> = Vec::new();
    for port in service["spec"]["ports"].as_array().into_iter().flatten() {
        let mut one = json!({"name": port["name"].as_str().unwrap_or_default(), "protocol": port["protocol"],
            "port": of(draw, &[8080, 8080, 9376, 53])});
        match draw.below(40) {
            0 => one["name"] = json!("renamed"),
            1 => one["name"] = Value::Null,
            2 => one["port"] = Value::Null,
            3 => one["protocol"] = json!("UDP"),
            _ => {}
        }
        ports.push(one);
    }
    let mut labels = json!({"kubernetes.io/service-name": name});
    match draw.below(60) {
        0 => labels["kubernetes.io/service-name"] = json!("somebody-else"),
        1 => labels["service.kubernetes.io/headless"] = json!(""),
        _ => {}
    }
    let family = match (v6, draw.below(50)) {
        (_, 0) => "FQDN",
        (true, _) => "IPv6",
        _ => "IPv4",
    };
    let family_name = if v6 { "v6" } else { "v4" };
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
        "metadata": {"name": format!("{name}-{family_name}-{n}"), "namespace": service["metadata"]["namespace"], "labels": labels},
        "ports": ports, "endpoints": endpoints})
}

fn endpoint(draw: &mut Stream, v6: bool, places: &[u64], (mood, hints): (Mood, Hints), node: &[IpAddr]) -> Value {
    let place = of(draw, places);
    let host = 2 + draw.below(5);
    let mut address = if v6 { format!("fd00:10:244:{place}::{host}") } else { format!("10.244.{place}.{host}") };
    let node_name = NODES[usize::try_from(place).unwrap_or(0)];
    let mut endpoint = json!({"conditions": conditions(draw, mood, place == 0), "nodeName": node_name, "zone": of(draw, &ZONES)});
    match draw.below(20) {
        // A pod on the node's own network.
        0 if place == 0 => {
            let own = node.iter().find(|ip| ip.is_ipv6() == v6);
            address = own.map_or(address, ToString::to_string);
        }
        // A machine outside the cluster.
        1 => {
            address = if v6 { format!("2001:db8:99::{host}") } else { format!("172.16.0.{host}") };
            endpoint["nodeName"] = Value::Null;
        }
        _ => {}
    }
    endpoint["addresses"] = json!([address]);
    if percent(draw, 5) {
        endpoint["addresses"] = json!([address, if v6 { "fd00:10:244::99" } else { "10.244.0.99" }]);
    }
    let (zones, nodes) = match hints {
        Hints::None => (false, false),
        Hints::Zones => (true, false),
        Hints::Nodes => (false, true),
        Hints::Both => (true, true),
        Hints::Some => (percent(draw, 70), percent(draw, 70)),
    };
    let list = |names: Vec<&str>| names.into_iter().map(|name| json!({"name": name})).collect::<Value>();
    let mut some = |all: &[&'static str]| (0..1 + draw.below(2)).map(|_| of(draw, all)).collect::<Vec<&str>>();
    if zones {
        endpoint["hints"]["forZones"] = list(some(&ZONES));
    }
    if nodes {
        endpoint["hints"]["forNodes"] = list(some(&NODES));
    }
    endpoint
}

fn conditions(draw: &mut Stream, mood: Mood, here: bool) -> Value {
    let ready = |draw: &mut Stream| {
        of(draw, &[json!({}), json!({"ready": true}), json!({"ready": true, "serving": true, "terminating": false})].each_ref())
            .clone()
    };
    let not_ready = json!({"ready": false, "serving": false, "terminating": false});
    let serving = json!({"ready": false, "serving": true, "terminating": false});
    let leaving = json!({"ready": false, "serving": true, "terminating": true});
    let gone = json!({"ready": false, "serving": false, "terminating": true});
    let published = json!({"ready": true, "serving": true, "terminating": true});
    let sloppy = json!({"ready": false, "terminating": true});
    match mood {
        Mood::Fine => ready(draw),
        Mood::LocalLeaving if !here => ready(draw),
        Mood::Mixed => match draw.below(8) {
            0..3 => ready(draw),
            3 => not_ready,
            4 => leaving,
            5 => gone,
            6 => published,
            _ => serving,
        },
        Mood::NoneReady => of(draw, &[&not_ready, &gone, &serving]).clone(),
        Mood::Leaving | Mood::LocalLeaving => of(draw, &[&leaving, &leaving, &gone, &sloppy, &not_ready]).clone(),
    }
}
