//! The verbs, one file each, and the table that names them.

mod absent;
mod apply;
mod cluster_info;
mod config;
mod create;
mod delete;
mod edit;
mod events;
mod exec;
mod expose;
mod generators;
mod label;
mod logs;
mod nodes;
mod patch;
mod replace;
mod rollout;
mod run;
mod scale;
mod set;
mod wait;

pub use apply::remembering;

use super::client::Client;
use super::failure::Failure;
use super::flags::{self, Args, FILES, Flag, Flags, PRINT, SELECT, WRITE};
use super::{describe, get};
use crate::console::host::Doing;
use crate::objects::nearest::{Swap, distance};

/// One command of kubectl.
pub struct Verb {
    /// Its name; more words for a subcommand.
    pub name: &'static str,
    /// Its own flags.
    pub flags: Flags,
    /// What it does.
    pub run: Run,
}

/// Runs a command.
pub type Run = for<'c> fn(&'c mut Client<'_>, &'c Args) -> Doing<'c, Result<(), Failure>>;

/// A row of the table, for an `async fn`.
macro_rules! verb {
    ($name:literal, $flags:expr, $run:path) => {
        Verb { name: $name, flags: $flags, run: |client, args| Box::pin($run(client, args)) }
    };
}

/// All commands.
pub static VERBS: &[Verb] = &[
    verb!("annotate", &[label::FLAGS, PRINT, FILES, SELECT, WRITE], label::annotate),
    verb!("api-resources", &[cluster_info::RESOURCES, PRINT], cluster_info::api_resources),
    verb!("api-versions", &[], cluster_info::api_versions),
    verb!("apply", &[apply::FLAGS, PRINT, FILES, WRITE], apply::run),
    verb!("attach", &[absent::FLAGS], absent::attach),
    verb!("auth can-i", &[absent::FLAGS, SELECT], absent::can_i),
    verb!("autoscale", &[absent::FLAGS, PRINT, FILES, WRITE], absent::autoscale),
    verb!("cluster-info", &[], cluster_info::run),
    verb!("cluster-info dump", &[cluster_info::DUMP, PRINT, SELECT], cluster_info::dump),
    verb!("config current-context", &[config::FLAGS], config::current_context),
    verb!("config get-contexts", &[config::FLAGS], config::get_contexts),
    verb!("config set-context", &[config::FLAGS], config::set_context),
    verb!("config use-context", &[config::FLAGS], config::use_context),
    verb!("config view", &[config::FLAGS, PRINT], config::view),
    verb!("cordon", &[nodes::FLAGS, PRINT, SELECT, WRITE], nodes::cordon),
    verb!("cp", &[absent::FLAGS], absent::cp),
    verb!("create", &[create::FLAGS, PRINT, FILES, WRITE], create::run),
    verb!("create configmap", &[generators::DATA, PRINT, WRITE], generators::config_map),
    verb!("create deployment", &[generators::DEPLOYMENT, PRINT, WRITE], generators::deployment),
    verb!("create job", &[generators::JOB, PRINT, WRITE], generators::job),
    verb!("create namespace", &[PRINT, WRITE], generators::namespace),
    verb!("create secret generic", &[generators::DATA, PRINT, WRITE], generators::secret),
    verb!("create service clusterip", &[generators::SERVICE, PRINT, WRITE], generators::cluster_ip),
    verb!("create service externalname", &[generators::SERVICE, PRINT, WRITE], generators::external_name),
    verb!("create service loadbalancer", &[generators::SERVICE, PRINT, WRITE], generators::load_balancer),
    verb!("create service nodeport", &[generators::SERVICE, PRINT, WRITE], generators::node_port),
    verb!("create serviceaccount", &[PRINT, WRITE], generators::service_account),
    verb!("debug", &[absent::FLAGS], absent::debug),
    verb!("delete", &[delete::FLAGS, FILES, SELECT], delete::run),
    verb!("describe", &[describe::FLAGS, FILES, SELECT], describe::run),
    verb!("diff", &[absent::FLAGS, FILES, WRITE], absent::diff),
    verb!("drain", &[nodes::FLAGS, PRINT, SELECT, WRITE], nodes::drain),
    verb!("edit", &[edit::FLAGS, PRINT, FILES, WRITE], edit::run),
    verb!("events", &[events::FLAGS, PRINT, SELECT], events::run),
    verb!("exec", &[exec::FLAGS], exec::run),
    verb!("explain", &[absent::FLAGS], absent::explain),
    verb!("expose", &[expose::FLAGS, PRINT, FILES, WRITE], expose::run),
    verb!("get", &[get::FLAGS, PRINT, FILES, SELECT], get::run),
    verb!("label", &[label::FLAGS, PRINT, FILES, SELECT, WRITE], label::label),
    verb!("logs", &[logs::FLAGS], logs::run),
    verb!("patch", &[patch::FLAGS, PRINT, FILES, WRITE], patch::run),
    verb!("port-forward", &[absent::FLAGS], absent::port_forward),
    verb!("proxy", &[absent::FLAGS], absent::proxy),
    verb!("replace", &[replace::FLAGS, PRINT, FILES, WRITE], replace::run),
    verb!("rollout history", &[rollout::FLAGS, PRINT, FILES, SELECT], rollout::history),
    verb!("rollout pause", &[rollout::FLAGS, PRINT, FILES, SELECT, WRITE], rollout::pause),
    verb!("rollout restart", &[rollout::FLAGS, PRINT, FILES, SELECT, WRITE], rollout::restart),
    verb!("rollout resume", &[rollout::FLAGS, PRINT, FILES, SELECT, WRITE], rollout::resume),
    verb!("rollout status", &[rollout::FLAGS, FILES, SELECT], rollout::status),
    verb!("rollout undo", &[rollout::FLAGS, PRINT, FILES, SELECT, WRITE], rollout::undo),
    verb!("run", &[run::FLAGS, PRINT, WRITE], run::run),
    verb!("scale", &[scale::FLAGS, PRINT, FILES, SELECT, WRITE], scale::run),
    verb!("set env", &[set::FLAGS, PRINT, FILES, SELECT, WRITE], set::env),
    verb!("set image", &[set::FLAGS, PRINT, FILES, SELECT, WRITE], set::image),
    verb!("set resources", &[set::FLAGS, PRINT, FILES, SELECT, WRITE], set::resources),
    verb!("set selector", &[set::FLAGS, PRINT, FILES, WRITE], set::selector),
    verb!("taint", &[nodes::TAINT, PRINT, SELECT, WRITE], nodes::taint),
    verb!("top node", &[absent::FLAGS, SELECT], absent::top),
    verb!("top pod", &[absent::FLAGS, SELECT], absent::top),
    verb!("uncordon", &[nodes::FLAGS, PRINT, SELECT, WRITE], nodes::uncordon),
    verb!("version", &[cluster_info::VERSION, PRINT], cluster_info::version),
    verb!("wait", &[wait::FLAGS, PRINT, FILES, SELECT], wait::run),
];

/// Finds the command that the words begin with (global flags may stand before it) and the words that are left.
pub fn find(words: &[String]) -> Result<(&'static Verb, Vec<String>), Failure> {
    let Some(first) = flags::first_word(words) else {
        return Err(Failure::Text(overview()));
    };
    let mut rest = words.to_vec();
    let mut name = rest.remove(first);
    let mut at = first;
    let mut found = known(&name);
    // Subcommands: as many further words as name a command.
    while let Some(next) = flags::first_word(rest.get(at..).unwrap_or(&[])).map(|next| next + at) {
        let longer = format!("{name} {}", alias(&name, &rest[next]));
        if !is_prefix(&longer) {
            break;
        }
        rest.remove(next);
        (name, at) = (longer, next);
        found = known(&name);
    }
    match found {
        Some(verb) => Ok((verb, rest)),
        None if is_prefix(&name) => Err(Failure::Text(subcommands(&name))),
        None => Err(unknown(&name)),
    }
}

fn known(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// Whether a command is called so, or begins so.
fn is_prefix(name: &str) -> bool {
    VERBS.iter().any(|verb| verb.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
}

/// The full form of a subcommand's short name.
fn alias<'a>(name: &str, sub: &'a str) -> &'a str {
    match (name, sub) {
        ("create", "deploy") => "deployment",
        ("create", "ns") => "namespace",
        ("create", "cm") => "configmap",
        ("create", "svc") => "service",
        ("create", "sa") => "serviceaccount",
        ("top", "nodes" | "no") => "node",
        ("top", "pods" | "po") => "pod",
        (_, sub) => sub,
    }
}

fn unknown(name: &str) -> Failure {
    let lower = name.to_lowercase();
    let near = |known: &str| distance(&lower, &known.to_lowercase(), Swap::TwoEdits) <= 2;
    let similar: Vec<&str> = top_level().into_iter().filter(|known| near(known) || known.starts_with(name)).collect();
    let mut text = format!("error: unknown command {name:?} for \"kubectl\"\n");
    if !similar.is_empty() {
        text.push_str("\nDid you mean this?\n");
        similar.iter().for_each(|known| text.push_str(&format!("\t{known}\n")));
    }
    Failure::Text(text)
}

fn top_level() -> Vec<&'static str> {
    let mut names: Vec<&str> = VERBS.iter().filter_map(|verb| verb.name.split(' ').next()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn overview() -> String {
    format!(
        "kubectl controls the Kubernetes cluster manager.\n\nModelled here:\n{}\n",
        top_level().iter().map(|name| format!("  {name}\n")).collect::<String>()
    )
}

fn subcommands(name: &str) -> String {
    let prefix = format!("{name} ");
    let subs = VERBS.iter().filter_map(|verb| verb.name.strip_prefix(&prefix)).map(|sub| format!("  {sub}\n"));
    format!("Available Commands:\n{}\nUsage:\n  kubectl {name} SUBCOMMAND [options]\n", subs.collect::<String>())
}

/// What `--help` shows: not upstream's pages, but which flags are understood here.
pub fn help(verb: &Verb) -> String {
    let shown = |flag: &Flag| match flag.short {
        Some(short) => format!("  -{short}, --{}\n", flag.name),
        None => format!("      --{}\n", flag.name),
    };
    let flags: String = verb.flags.iter().flat_map(|group| group.iter()).map(shown).collect();
    format!("The simulator's kubectl understands these flags of `kubectl {}`:\n{flags}", verb.name)
}
