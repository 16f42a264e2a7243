//! `traffic start`, `traffic stop`, `traffic show`: load beside everything else.

use std::sync::Arc;

use super::super::host::{Host, Outcome, World};
use super::words::Words;
use super::{simulation, told, usage};
use crate::ask::find;
use crate::cluster::traffic::Load;
use crate::cluster::traffic::plan::Sender;
use crate::lab::command::{Command, Output, Refusal, act};
use crate::lab::simulation::Simulation;
use crate::objects::Name;
use crate::objects::nearest::alike;
use crate::render::words::some;
use crate::render::{self, unanswerable};
use crate::scenario::format::{Arrivals, Traffic};
use crate::scenario::notation::{Notation, Written};
use crate::scenario::traffic::{self, Spelling};

pub(super) const USAGE: &str = "traffic start NAME --from SENDER --to URL PACE [--for 2m] [--timeout 2s] [--keep-alive]\n  \
    traffic stop [NAME]\n  \
    traffic show [NAME] [-o json]\n  \
    SENDER: external, pod/NAMESPACE/NAME, node/NAME, deployment/NAMESPACE/NAME,\n    \
      or pods/NAMESPACE/SELECTOR\n  \
    PACE: --rate 50/s [--arrivals even|poisson], or --clients 10 [--pause 1s]";
const FLAGS: [&str; 9] = ["from", "to", "rate", "arrivals", "clients", "pause", "for", "timeout", "keep-alive"];

/// `traffic`.
pub fn traffic(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    told(asked(host, argv))
}

fn wrong(why: impl Into<String>) -> Outcome {
    usage("traffic", &why.into(), USAGE)
}

fn asked(host: &mut dyn Host, argv: &[String]) -> Result<String, Outcome> {
    let verb = argv.get(1).map_or("", String::as_str);
    let rest = argv.get(1..).unwrap_or_default();
    match verb {
        "start" => {
            // The one flag that needs no value.
            let lone = |word: &String| if word == "--keep-alive" { "--keep-alive=true".to_string() } else { word.clone() };
            let words = Words::read(&rest.iter().map(lone).collect::<Vec<_>>(), &FLAGS).and_then(Words::once).map_err(wrong)?;
            let load = written(&words).map_err(wrong)?;
            start(&mut *simulation(host, "traffic")?, &load)
        }
        "stop" => {
            let words = Words::read(rest, &[]).map_err(wrong)?;
            let mut sim = simulation(host, "traffic")?;
            stop(&mut sim, words.plain.first().map(String::as_str))
        }
        "show" => {
            let words = Words::read(rest, &[]).map_err(wrong)?;
            let sim = simulation(host, "traffic")?;
            show(&sim, words.plain.first().map(String::as_str), words.json)
        }
        "" => Err(wrong("one of start, stop and show is needed")),
        other => Err(wrong(format!("`{other}` is not something to do with traffic; there are start, stop and show"))),
    }
}

/// The load that the arguments of `start` describe.
fn written(words: &Words) -> Result<Traffic, String> {
    let [name] = &words.plain[..] else {
        return Err(format!("one name of a load is needed, and {} were given", words.plain.len()));
    };
    let needed = |flag: &str| words.value(flag).ok_or_else(|| format!("--{flag} is needed"));
    let keep_alive = match words.value("keep-alive") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(format!("--keep-alive: `{other}` is neither true nor false")),
    };
    let arrivals = match words.value("arrivals") {
        None => None,
        Some("even") => Some(Arrivals::Even),
        Some("poisson") => Some(Arrivals::Poisson),
        Some(other) => return Err(format!("--arrivals: `{other}` is neither even nor poisson")),
    };
    let clients =
        words.value("clients").map(|text| text.parse::<u32>().map_err(|_| format!("--clients: `{text}` is not a number")));
    let load = Traffic {
        name: name.clone(),
        from: parsed("from", needed("from")?)?,
        to: parsed("to", needed("to")?)?,
        rate: words.value("rate").map(|text| parsed("rate", text)).transpose()?,
        arrivals,
        clients: clients.transpose()?,
        pause: words.value("pause").map(|text| parsed("pause", text)).transpose()?,
        keep_alive,
        duration: words.value("for").map(|text| parsed("for", text)).transpose()?,
        timeout: words.value("timeout").map(|text| parsed("timeout", text)).transpose()?,
    };
    match traffic::judge(&load, Spelling::Flag) {
        Some(("name", message, help)) => Err(format!("{message}; {help}")),
        Some((flag, message, help)) => Err(format!("--{flag}: {message}; {help}")),
        None => Ok(load),
    }
}

fn parsed<T: Notation>(flag: &str, text: &str) -> Result<Written<T>, String> {
    Written::parse(text).map_err(|mistake| format!("--{flag}: {}; {}", mistake.message, mistake.help))
}

/// Starts a load; what is said of it, or why it cannot be.
pub fn start(sim: &mut Simulation, load: &Traffic) -> Result<String, Outcome> {
    let plan = traffic::plan(load);
    there_is(sim, &plan.from).map_err(wrong)?;
    let said = format!("{}\n", render::traffic::plan(&plan));
    carried_out(&act(sim, Command::StartLoad(Arc::new(plan)))).map(|_| said)
}

fn carried_out(output: &Output) -> Result<String, Outcome> {
    render::lab::text(output).map_err(|why| match output {
        Output::Refused(Refusal::LogFull) => Outcome::err(1, format!("kubewalk: traffic: {why}")),
        _ => wrong(why),
    })
}

/// Refuses a load that nobody sends, with what there is instead.
fn there_is(sim: &Simulation, from: &Sender) -> Result<(), String> {
    let head = sim.cluster().store.head();
    match from {
        Sender::One(source) => find::source(sim.cluster(), source).map_err(|why| unanswerable::text(&why)),
        Sender::Deployment(namespace, name) if head.deployments.get(namespace, name).is_none() => {
            let all: Vec<Name> = head.deployments.in_namespace(namespace).map(|d| d.meta.name.clone()).collect();
            let way_out = match (all.iter().find(|other| alike(other, name)), all.is_empty()) {
                (Some(near), _) => format!("did you mean deployment/{namespace}/{near}?"),
                (None, false) => format!("namespace {namespace} has {}", some(&all)),
                (None, true) => format!("namespace {namespace} has none"),
            };
            Err(format!("Deployment {namespace}/{name} does not exist; {way_out}"))
        }
        Sender::Deployment(..) => Ok(()),
        Sender::Pods(namespace, selector, text) => {
            let any = head.pods.in_namespace(namespace).any(|pod| selector.matches(|key| pod.meta.labels.get(key)));
            let advice = format!("`kubectl get pods -n {namespace} --show-labels` shows theirs");
            if any { Ok(()) } else { Err(format!("no pod of namespace {namespace} has the labels {text}; {advice}")) }
        }
    }
}

fn stop(sim: &mut Simulation, name: Option<&str>) -> Result<String, Outcome> {
    if let Some(name) = name {
        known(sim, name)?;
    }
    carried_out(&act(sim, Command::StopLoads(name.map(Name::from))))
}

fn show(sim: &Simulation, name: Option<&str>, json: bool) -> Result<String, Outcome> {
    let (now, start) = (sim.elapsed(), sim.cluster().config.start);
    let loads: Vec<&Load> = match name {
        Some(name) => vec![known(sim, name)?],
        None => sim.cluster().loads.iter().collect(),
    };
    Ok(match (json, &loads[..], name) {
        (true, [load], Some(_)) => format!("{}\n", render::traffic::json(load, now, start)),
        (true, ..) => {
            format!("{}\n", serde_json::Value::from_iter(loads.iter().map(|load| render::traffic::json(load, now, start))))
        }
        (false, [], _) => {
            "there is no load yet: `traffic start NAME --from external --to URL --rate 50/s` begins one\n".to_string()
        }
        (false, [load], _) => render::traffic::text(load, now, start),
        (false, ..) => render::traffic::table(&loads, now),
    })
}

/// A load by name, or the refusal with what there is.
fn known<'s>(sim: &'s Simulation, name: &str) -> Result<&'s Load, Outcome> {
    sim.cluster().loads.get(name).ok_or_else(|| wrong(unknown(sim, name)))
}

/// That there is no such load, with those that there are.
pub fn unknown(sim: &Simulation, name: &str) -> String {
    let all: Vec<Name> = sim.cluster().loads.iter().map(|load| load.plan.name.clone()).collect();
    let way_out = match (all.iter().find(|other| alike(other, name)), all.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, false) => format!("there are {}", some(&all)),
        (None, true) => "none was started: `traffic start` begins one".to_string(),
    };
    format!("there is no load `{name}`; {way_out}")
}
