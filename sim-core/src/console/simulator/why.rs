//! `why KIND/NAMESPACE/NAME`: why an object is as it is.

use super::super::host::{Host, Outcome};
use super::words::Words;
use super::{simulation, told, usage};
use crate::api::kinds::{self, Kind};
use crate::cloud::Provider;
use crate::controllers::Which;
use crate::explain::because::some;
use crate::explain::hints::alike;
use crate::explain::why::{Ground, why as explain};
use crate::lab::simulation::Simulation;
use crate::objects::{KindName, Name, Object};
use crate::render;

pub(super) const USAGE: &str =
    "why KIND/NAMESPACE/NAME [-o json]\n  for example: why pod/default/web, why svc/web (namespace default), why node/node-1";

/// `why`.
pub fn why(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    told(asked(host, argv))
}

fn asked(host: &mut dyn Host, argv: &[String]) -> Result<String, Outcome> {
    let wrong = |why: String| usage("why", &why, USAGE);
    let words = Words::read(argv, &[]).map_err(wrong)?;
    let [word] = &words.plain[..] else {
        return Err(wrong(format!("one object is needed, and {} were given", words.plain.len())));
    };
    let mut sim = simulation(host, "why")?;
    let sim = &mut *sim;
    let object = find(sim, word).map_err(wrong)?;
    let cluster = sim.cluster();
    let refusals = match &object {
        Object::Pod(pod) if pod.node.is_none() => cluster.scheduler.refusals(pod),
        _ => Vec::new(),
    };
    let ground = Ground {
        view: cluster.store.head(),
        origins: sim.origins(),
        refusals: &refusals,
        troubles: &|node| cluster.troubles(node),
        has_kubelet: &|node| cluster.config.kubelet && cluster.kubelets.has_node(node),
        enforced: &|node| cluster.policies.enforced(node).map(|(view, _)| view.clone()),
        watches_nodes: cluster.runs(Which::NodeLifecycle),
        api_up: cluster.faults.api_up(),
        has_cloud: cluster.config.cloud.provider != Provider::None,
    };
    let found = explain(ground, &object);
    Ok(if words.json { format!("{}\n", render::why::json(&found)) } else { render::why::text(&found) })
}

/// The object that is meant.
fn find(sim: &Simulation, word: &str) -> Result<Object, String> {
    let parts: Vec<&str> = word.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, namespace, name] => (kind, namespace, name),
        [kind, name] => (kind, "default", name),
        _ => return Err(format!("`{word}` names no object; write KIND/NAMESPACE/NAME")),
    };
    let Some(row) = kinds::find(kind) else {
        let known = kinds::KINDS.iter().find(|k| alike(k.singular, kind)).map(|k| format!("did you mean {}?", k.singular));
        return Err(format!("`{kind}` is no kind; {}", known.unwrap_or("`kubectl api-resources` lists them".to_string())));
    };
    if !row.namespaced && parts.len() == 3 {
        return Err(format!("a {} is in no namespace; write {kind}/{name}", row.kind));
    }
    let namespace = if row.namespaced { namespace } else { "" };
    let head = sim.cluster().store.head();
    match head.find(&kind_name(row), namespace, name) {
        Some((_, object)) => Ok(object),
        None => Err(absent(sim, row, namespace, name)),
    }
}

fn kind_name(row: &Kind) -> KindName {
    KindName { group: row.group.into(), kind: row.kind.into() }
}

/// The refusal of an object that does not exist, with what there is instead.
fn absent(sim: &Simulation, row: &Kind, namespace: &str, name: &str) -> String {
    let all = sim.cluster().store.head().list(&kind_name(row), "");
    let names = |here: bool| {
        let same = all.iter().filter(move |o| (*o.meta().namespace == *namespace) == here);
        same.map(|o| o.meta()).collect::<Vec<_>>()
    };
    let elsewhere =
        names(false).into_iter().find(|m| &*m.name == name).map(|m| format!("{}/{}/{name}", row.singular, m.namespace));
    let here: Vec<Name> = names(true).into_iter().map(|m| m.name.clone()).collect();
    let near: Vec<Name> = here.iter().filter(|n| n.starts_with(name) || alike(n, name)).cloned().collect();
    let place = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    let way_out = match (elsewhere, near.is_empty(), here.is_empty()) {
        (Some(there), ..) => format!("did you mean {there}?"),
        (None, false, _) => format!("did you mean {}?", some(&near)),
        (None, true, false) => format!("there are {}", some(&here)),
        (None, true, true) => format!("there is no {} at all here", row.kind),
    };
    format!("{} {place}{name} does not exist; {way_out}", row.kind)
}
