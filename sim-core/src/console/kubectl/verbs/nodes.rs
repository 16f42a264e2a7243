//! `kubectl cordon`, `uncordon`, `drain`, `taint`: what an operator does to nodes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::request::{PatchKind, Verb};
use crate::api::table::document::{flag, has, list, name, namespace, pairs, text};
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::describe::controller;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::resource::Resource;
use crate::console::kubectl::targets::{Query, Target};
use crate::console::kubectl::waiting;
use crate::engine::time::Duration;

/// Flags of `cordon`, `uncordon` and `drain`.
pub const FLAGS: &[Flag] = &[
    switch("force"),
    switch("ignore-daemonsets"),
    switch("delete-emptydir-data"),
    switch("disable-eviction"),
    value("grace-period"),
    value("timeout"),
    value("pod-selector"),
    value("skip-wait-for-delete-timeout"),
    value("chunk-size"),
];
/// Flags of `taint`.
pub const TAINT: &[Flag] = &[switch("overwrite")];

/// A pod whose eviction a budget forbids is tried again after this.
const RETRY: Duration = Duration::from_secs(5);

async fn nodes(client: &mut Client<'_>, args: &Args, verb: &str) -> Result<Vec<Target>, Failure> {
    if args.words.is_empty() && !args.has("selector") {
        let why = format!("USAGE: {verb} NODE [flags]");
        return Err(Failure::Usage { why, command: verb.into() });
    }
    let mut words = vec!["nodes".to_string()];
    words.extend(args.words.iter().map(|word| word.trim_start_matches("node/").trim_start_matches("nodes/").to_string()));
    let found = Query { words, ..Query::of(args) }.find(client).await?;
    Failure::gather(found.failures.clone())?;
    Ok(found.targets())
}

/// `kubectl cordon`.
pub async fn cordon(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-cordon").await?;
    for node in nodes(client, args, "cordon").await? {
        set_unschedulable(client, &change, &node, true).await?;
    }
    Ok(())
}

/// `kubectl uncordon`.
pub async fn uncordon(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-cordon").await?;
    for node in nodes(client, args, "uncordon").await? {
        set_unschedulable(client, &change, &node, false).await?;
    }
    Ok(())
}

async fn set_unschedulable(client: &mut Client<'_>, change: &Change, node: &Target, wanted: bool) -> Result<(), Failure> {
    let verb = if wanted { "cordoned" } else { "uncordoned" };
    if flag(&node.object, "spec.unschedulable") == wanted {
        return change.tell(client, node, &node.object, &format!("already {verb}")).await;
    }
    if change.dry_run != DryRun::Client {
        let patch = json!({"spec": {"unschedulable": if wanted { json!(true) } else { Value::Null }}});
        let place = ("", node.name.as_str());
        client.write(Verb::Patch(PatchKind::Strategic), &node.resource, place, patch, change.options()).await?;
    }
    change.tell(client, node, &node.object, verb).await
}

/// `kubectl drain`.
pub async fn drain(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let change = Change::of(client, args, "kubectl-drain").await?;
    let limit = waiting::timeout(args.get("timeout"), waiting::FOREVER)?;
    let limit = if limit == Duration::ZERO { waiting::FOREVER } else { limit };
    for node in nodes(client, args, "drain").await? {
        set_unschedulable(client, &change, &node, true).await?;
        let filter = Filter { fields: format!("spec.nodeName={}", node.name), labels: args.or("pod-selector", "").into() };
        let pods = client.list(&Resource::named("pods"), "", &filter).await?;
        let chosen = choose(client, args, &node, pods).await?;
        for pod in chosen {
            evict(client, args, &change, &pod, limit).await?;
        }
        change.tell(client, &node, &node.object, "drained").await?;
    }
    Ok(())
}

/// Why a pod may not be evicted without a word of the user.
const DAEMON: [&str; 3] =
    ["ignore-daemonsets", "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", "ignoring DaemonSet-managed Pods"];
const DATA: [&str; 3] = [
    "delete-emptydir-data",
    "Pods with local storage (use --delete-emptydir-data to override)",
    "deleting Pods with local storage",
];
/// Upstream's text begins with words that stand in front of it anyway.
const ORPHAN: [&str; 3] = [
    "force",
    "cannot delete Pods that declare no controller (use --force to override)",
    "deleting Pods that declare no controller",
];

/// What stands against the eviction of a pod, if anything does; the last reason counts, unless one before is not allowed.
fn objection(pod: &Value, allowed: impl Fn(&str) -> bool) -> Option<[&'static str; 3]> {
    let finished = matches!(text(pod, "status.phase"), "Succeeded" | "Failed");
    let owner = controller(pod).map(|owner| text(owner, "kind"));
    if owner == Some("DaemonSet") && !finished {
        return Some(DAEMON);
    }
    let mut found = None;
    if !finished && list(pod, "spec.volumes").iter().any(|volume| has(volume, "emptyDir")) {
        found = Some(DATA);
        if !allowed(DATA[0]) {
            return found;
        }
    }
    if !finished && owner.is_none() { Some(ORPHAN) } else { found }
}

/// The pods to evict. Pods that would be lost, and those that come back at once, must be agreed to.
async fn choose(client: &mut Client<'_>, args: &Args, node: &Target, pods: Vec<Value>) -> Result<Vec<Value>, Failure> {
    let mut chosen = Vec::new();
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut noted: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for pod in pods {
        if pairs(&pod, "metadata.annotations").contains_key("kubernetes.io/config.mirror") {
            continue;
        }
        let label = format!("{}/{}", namespace(&pod), name(&pod));
        match objection(&pod, |flag| args.on(flag)) {
            Some([flag, why, _]) if !args.on(flag) => refused.entry(why).or_default().push(label),
            Some([_, _, note]) => {
                noted.entry(note).or_default().push(label);
                if note != DAEMON[2] {
                    chosen.push(pod);
                }
            }
            None => chosen.push(pod),
        }
    }
    let told = |(what, pods): (&&str, &Vec<String>)| format!("{what}: {}", pods.join(", "));
    if !refused.is_empty() {
        let errors: Vec<String> = refused.iter().map(|entry| format!("cannot delete {}", told(entry))).collect();
        let list = if let [only] = errors.as_slice() { only.clone() } else { format!("[{}]", errors.join(", ")) };
        client.warn(format!("error: unable to drain node {:?} due to error: {list}, continuing command...", node.name));
        client.warn(format!("There are pending nodes to be drained:\n {}", node.name));
        return Err(Failure::Text(errors.join("\n")));
    }
    if !noted.is_empty() {
        client.warn(format!("Warning: {}", noted.iter().map(told).collect::<Vec<_>>().join("; ")));
    }
    Ok(chosen)
}

async fn evict(client: &mut Client<'_>, args: &Args, change: &Change, pod: &Value, limit: Duration) -> Result<(), Failure> {
    let (space, pod_name) = (namespace(pod).to_string(), name(pod).to_string());
    let resource = Resource::named("pods");
    let target =
        Target { resource, namespace: space.clone(), name: pod_name.clone(), object: pod.clone(), source: String::new() };
    if change.dry_run == DryRun::Client {
        return change.tell(client, &target, pod, "evicted").await;
    }
    client.warn(format!("evicting pod {space}/{pod_name}"));
    let started = client.world().elapsed();
    loop {
        let mut request = Client::request(Verb::Create, &target.resource, &space, &pod_name);
        request.subresource = "eviction".into();
        let metadata = json!({"name": pod_name, "namespace": space});
        request.body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata});
        request.options = change.options();
        request.options.grace_period = args.number("grace-period")?.filter(|seconds| *seconds >= 0);
        match client.send(request).await {
            Ok(_) => break,
            Err(status) if status.reason == "NotFound" => break,
            Err(status) if status.code == 429 => {
                let why = &status.message;
                client.warn(format!("error when evicting pods/{pod_name:?} -n {space:?} (will retry after 5s): {why}"));
                if client.world().elapsed().since(started) >= limit {
                    return Err(Failure::Error(format!(
                        "error when evicting pods/{pod_name:?} -n {space:?}: global timeout reached: {limit}"
                    )));
                }
                client.sleep(RETRY).await?;
            }
            Err(status) => {
                let why = &status.message;
                return Err(Failure::Error(format!("error when evicting pods/{pod_name:?} -n {space:?}: {why}")));
            }
        }
    }
    if change.dry_run == DryRun::No {
        waiting::gone(client, &target, text(pod, "metadata.uid"), limit).await?;
    }
    change.tell(client, &target, pod, "evicted").await
}

/// `kubectl taint`.
pub async fn taint(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let is_taint = |word: &String| word.contains(':') || word.contains('=') || word.ends_with('-');
    let first = args.words.iter().position(is_taint).unwrap_or(args.words.len());
    let (objects, words) = args.words.split_at(first);
    if objects.is_empty() && !args.has("selector") {
        return Err("one or more resources must be specified as <resource> <name>".into());
    }
    if words.is_empty() {
        return Err("at least one taint update is required".into());
    }
    let changes: Vec<Taint> = words.iter().map(|word| Taint::read(word)).collect::<Result<_, _>>()?;
    let change = Change::of(client, args, "kubectl-taint").await?;
    let found = Query { words: objects.to_vec(), ..Query::of(args) }.find(client).await?;
    Failure::gather(found.failures.clone())?;
    for node in found.targets() {
        let mut taints = list(&node.object, "spec.taints").to_vec();
        for taint in &changes {
            taint.apply(&node.name, &mut taints, args.on("overwrite"))?;
        }
        let removing = changes.iter().all(|taint| taint.remove);
        if change.dry_run != DryRun::Client {
            // The list is replaced whole: a strategic patch would merge it by key.
            let patch = json!({"spec": {"taints": taints}});
            client.write(Verb::Patch(PatchKind::Merge), &node.resource, ("", &node.name), patch, change.options()).await?;
        }
        change.tell(client, &node, &node.object, if removing { "untainted" } else { "tainted" }).await?;
    }
    Ok(())
}

struct Taint {
    key: String,
    value: String,
    effect: String,
    remove: bool,
}

impl Taint {
    fn read(word: &str) -> Result<Taint, Failure> {
        let (body, remove) = word.strip_suffix('-').map_or((word, false), |body| (body, true));
        let (pair, effect) = body.split_once(':').unwrap_or((body, ""));
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !remove && effect.is_empty() {
            return Err(Failure::Error(format!("invalid taint spec: {word}, must be in form <key>=<value>:<effect>")));
        }
        if !matches!(effect, "" | "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
            return Err(Failure::Error(format!("invalid taint effect: {effect}, unsupported taint effect")));
        }
        Ok(Taint { key: key.into(), value: value.into(), effect: effect.into(), remove })
    }

    fn apply(&self, node: &str, taints: &mut Vec<Value>, overwrite: bool) -> Result<(), Failure> {
        let same =
            |taint: &Value| text(taint, "key") == self.key && (self.effect.is_empty() || text(taint, "effect") == self.effect);
        let there = taints.iter().any(same);
        if self.remove {
            if !there {
                let suffix = if self.effect.is_empty() { String::new() } else { format!(":{}", self.effect) };
                return Err(Failure::Error(format!("taint \"{}{suffix}\" not found", self.key)));
            }
            taints.retain(|taint| !same(taint));
            return Ok(());
        }
        if there && !overwrite {
            return Err(Failure::Error(format!(
                "node {node} already has {} taint(s) with same effect(s) and --overwrite is false",
                self.key
            )));
        }
        taints.retain(|taint| !same(taint));
        let mut taint = json!({"key": self.key, "effect": self.effect});
        if !self.value.is_empty() {
            taint["value"] = self.value.clone().into();
        }
        taints.push(taint);
        Ok(())
    }
}
