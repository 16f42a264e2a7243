//! `kubectl logs`: what containers have printed.

use serde_json::Value;

use crate::api::status::Status;
use crate::api::table::document::name;
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::pods;
use crate::console::kubectl::resource::Resource;
use crate::console::kubectl::targets::Query;
use crate::console::kubectl::watch::QUIET;
use crate::engine::time::Duration;
use crate::objects::time::Timestamp;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    value("container").short('c'),
    value("selector").short('l'),
    value("tail"),
    value("since"),
    value("since-time"),
    value("limit-bytes"),
    value("max-log-requests"),
    value("pod-running-timeout"),
    switch("follow").short('f'),
    switch("previous").short('p'),
    switch("timestamps"),
    switch("prefix"),
    switch("all-containers"),
    switch("all-pods"),
    switch("ignore-errors"),
    switch("insecure-skip-tls-verify-backend"),
];

/// Lines that `-l` shows of each pod unless told otherwise.
const TAIL_OF_MANY: i64 = 10;
/// How often `-f` looks for new lines.
const POLL: Duration = Duration::from_secs(1);

/// One stream of lines.
struct Stream {
    namespace: String,
    pod: String,
    container: String,
    shown: usize,
}

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let chosen = choose(client, args).await?;
    let since = args.get("since").and_then(Duration::parse).map(|since| {
        let now = client.now();
        Timestamp::from_unix_nanos(now.unix_nanos().saturating_sub_unsigned(since.as_nanos()))
    });
    let default_tail = if args.has("selector") { TAIL_OF_MANY } else { -1 };
    let tail = args.number("tail")?.unwrap_or(default_tail);
    let mut streams = Vec::new();
    for (pod, containers) in chosen {
        let (namespace, name) = pods::place(&pod);
        for container in containers {
            let mut stream = Stream { namespace: namespace.clone(), pod: name.clone(), container, shown: 0 };
            let lines = stream.read(client, args.on("previous")).await?;
            stream.shown = lines.len();
            let skip = usize::try_from(tail).map_or(0, |tail| lines.len().saturating_sub(tail));
            let recent = lines.into_iter().skip(skip).filter(|(at, _)| since.is_none_or(|since| *at >= since));
            stream.print(client, args, recent).await;
            streams.push(stream);
        }
    }
    if args.on("follow") && !args.on("previous") {
        follow(client, args, &mut streams).await?;
    }
    Ok(())
}

/// Prints new lines as they come, until there have been none for a while or the containers are gone.
async fn follow(client: &mut Client<'_>, args: &Args, streams: &mut [Stream]) -> Result<(), Failure> {
    let mut quiet = Duration::ZERO;
    while quiet < QUIET {
        client.sleep(POLL).await?;
        quiet = quiet + POLL;
        for stream in streams.iter_mut() {
            let Ok(lines) = stream.read(client, false).await else { continue };
            // After a restart the new instance begins from nothing.
            let known = if lines.len() < stream.shown { 0 } else { stream.shown };
            if lines.len() > known {
                quiet = Duration::ZERO;
            }
            stream.shown = lines.len();
            stream.print(client, args, lines.into_iter().skip(known)).await;
        }
    }
    Ok(())
}

impl Stream {
    async fn read(&self, client: &mut Client<'_>, previous: bool) -> Result<Vec<(Timestamp, String)>, Failure> {
        let lines = client.world().logs(&self.namespace, &self.pod, &self.container, previous);
        lines.map_err(|why| Status::bad_request(why).into())
    }

    async fn print(&self, client: &mut Client<'_>, args: &Args, lines: impl Iterator<Item = (Timestamp, String)>) {
        for (at, line) in lines {
            let mut text = String::new();
            if args.on("prefix") {
                text.push_str(&format!("[pod/{}/{}] ", self.pod, self.container));
            }
            if args.on("timestamps") {
                let whole = at.rfc3339();
                let nanos = at.unix_nanos().rem_euclid(1_000_000_000);
                text.push_str(&format!("{}.{nanos:09}Z ", whole.trim_end_matches('Z')));
            }
            client.say(text + &line);
        }
    }
}

/// The pods and containers asked for.
async fn choose(client: &mut Client<'_>, args: &Args) -> Result<Vec<(Value, Vec<String>)>, Failure> {
    let all_pods = match (args.words.first(), args.get("selector")) {
        (None, Some(labels)) => {
            let filter = Filter { labels: labels.into(), ..Filter::default() };
            let space = client.namespace.clone();
            let pods = client.list(&Resource::named("pods"), &space, &filter).await?;
            if pods.is_empty() {
                client.warn(format!("No resources found in {space} namespace."));
            }
            pods
        }
        (Some(_), Some(_)) => {
            return Err(Failure::Usage { why: "only a selector (-l) or a POD name is allowed".into(), command: "logs".into() });
        }
        (None, None) => {
            return Err(Failure::Usage {
                why: "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for \
                      the logs command"
                    .into(),
                command: "logs".into(),
            });
        }
        (Some(named), None) => vec![one(client, args, named).await?],
    };
    let wanted = args.get("container").or(args.words.get(1).map(String::as_str));
    let mut chosen = Vec::new();
    for pod in all_pods {
        let names: Vec<String> = pods::container_names(&pod).into_iter().map(|(name, _)| name.to_string()).collect();
        let containers = if args.on("all-containers") {
            names
        } else {
            let container = pods::container(client, &pod, wanted, false).await;
            if !names.contains(&container) {
                return Err(Failure::Error(format!("container {container} is not valid for pod {}", name(&pod))));
            }
            vec![container]
        };
        chosen.push((pod, containers));
    }
    Ok(chosen)
}

async fn one(client: &mut Client<'_>, args: &Args, named: &str) -> Result<Value, Failure> {
    let words = if named.contains('/') { vec![named.to_string()] } else { vec!["pods".into(), named.into()] };
    let found = Query { words, ..Query::default() }.find(client).await?;
    if let Some(Failure::Refused(status)) = found.failures.first() {
        let space = &client.namespace;
        return Err(Failure::Error(format!(
            "error: error from server ({}): {} in namespace {space:?}",
            status.reason, status.message
        )));
    }
    let Some(target) = found.targets().into_iter().next() else { return Err(Failure::Exit(1)) };
    let pods = pods::of(client, &target).await?;
    let Some(first) = pods.first().cloned() else {
        return Err(Failure::Error(format!("no pods found for {}", target.label())));
    };
    if pods.len() > 1 && !args.on("all-pods") {
        client.warn(format!("Found {} pods, using pod/{}", pods.len(), name(&first)));
    }
    Ok(first)
}
