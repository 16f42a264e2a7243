//! Scores: where would it be best? Integers from 0 to 100 per plugin, weighted and summed.
//!
//! LeastAllocated (weight 1), BalancedAllocation (1), TaintToleration (3) and topology spread (2) with the system's default
//! constraints: soft, three apart per host and five per zone, for pods of a Service or a replica set.
//! The real thing: `pkg/scheduler/framework/plugins/{noderesources,tainttoleration,podtopologyspread}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use super::Used;
use crate::objects::Name;
use crate::objects::node::{HOSTNAME, Node, ZONE};
use crate::objects::pod::Pod;
use crate::store::{ObjectId, View};

/// What a container without request counts as, in scores only.
const NOTHING: (i64, i64) = (100, 200 << 20);

/// One rule of spreading, with the pods it counts in each domain.
#[derive(Clone, Debug)]
struct Rule {
    key: Name,
    max_skew: i64,
    hard: bool,
    counts: BTreeMap<Name, i64>,
    minimum: i64,
    counts_itself: i64,
}

/// How the pod's like are spread now.
#[derive(Clone, Debug, Default)]
pub struct Spreading(Vec<Rule>);

impl Spreading {
    /// Counts the pod's like: by its own constraints, or by the system's defaults where it has none.
    pub fn of(pod: &Pod, view: &View, placed: &OrdMap<ObjectId, Name>) -> Spreading {
        let own = !pod.spec.spread.is_empty();
        let uid = pod.meta.controller().map(|o| o.uid.clone());
        if !own && uid.is_none() {
            return Spreading::default();
        }
        let defaults = [(HOSTNAME, 3), (ZONE, 5)];
        let mut rules: Vec<Rule> = if own {
            pod.spec
                .spread
                .iter()
                .map(|s| Rule::new(&s.key, s.max_skew, s.hard, i64::from(s.selector.matches(&pod.meta.labels))))
                .collect()
        } else {
            defaults.iter().map(|(key, skew)| Rule::new(key, *skew, false, 1)).collect()
        };
        for (index, rule) in rules.iter_mut().enumerate() {
            let alike = |other: &Pod| if own { pod.spec.spread[index].selector.matches(&other.meta.labels) } else { true };
            let siblings: Vec<(ObjectId, &Arc<Pod>)> = match &uid {
                Some(uid) if !own => view.pods_owned(uid).collect(),
                _ => view.pods.entries().filter(|(_, p)| p.meta.namespace == pod.meta.namespace).collect(),
            };
            let mut domains: BTreeMap<Name, i64> = BTreeMap::new();
            for (id, other) in siblings.into_iter().filter(|(_, p)| !p.meta.deleting() && alike(p)) {
                let domain = placed.get(&id).and_then(|n| view.nodes.get("", n)).and_then(|n| domain_of(n, &rule.key));
                if let Some(domain) = domain {
                    *domains.entry(domain).or_default() += 1;
                }
                let _ = other;
            }
            if rule.hard {
                let all = view.nodes.iter().filter_map(|n| domain_of(n, &rule.key));
                rule.minimum = all.map(|d| domains.get(&d).copied().unwrap_or(0)).min().unwrap_or(0);
            }
            rule.counts = domains;
        }
        Spreading(rules)
    }

    /// Whether hard constraints allow the node.
    pub fn check(&self, node: &Node) -> Result<(), &'static str> {
        for rule in self.0.iter().filter(|r| r.hard) {
            let Some(domain) = domain_of(node, &rule.key) else {
                return Err("node(s) didn't match pod topology spread constraints (missing required label)");
            };
            let count = rule.counts.get(&domain).copied().unwrap_or(0);
            if count + rule.counts_itself - rule.minimum > rule.max_skew {
                return Err("node(s) didn't match pod topology spread constraints");
            }
        }
        Ok(())
    }

    /// How crowded the node's domains are: thousandths of (count x ln(domains + 2) + skew - 1), summed.
    fn crowd(&self, node: &Node, domains: &[i64]) -> i64 {
        let soft = self.0.iter().filter(|r| !r.hard).zip(domains);
        soft.map(|(rule, domains)| {
            let count = domain_of(node, &rule.key).and_then(|d| rule.counts.get(&d)).copied().unwrap_or(0);
            count * log_milli(domains + 2) + (rule.max_skew - 1) * 1000
        })
        .sum()
    }
}

impl Rule {
    fn new(key: &str, max_skew: i64, hard: bool, counts_itself: i64) -> Rule {
        Rule { key: key.into(), max_skew, hard, counts: BTreeMap::new(), minimum: 0, counts_itself }
    }
}

fn domain_of(node: &Node, key: &str) -> Option<Name> {
    node.meta.labels.0.get(key).cloned()
}

/// The natural logarithm of `n` in thousandths, by counting halvings and interpolating: exact enough to order nodes.
fn log_milli(n: i64) -> i64 {
    let n = n.max(1);
    let whole = i64::from(n.ilog2());
    let below = 1i64 << whole;
    (whole * 1000 + (n - below) * 1000 / below) * 693 / 1000
}

/// The total of each node.
pub fn all(pod: &Pod, nodes: &[(&Arc<Node>, Used)], spread: &Spreading) -> Vec<i64> {
    let taints: Vec<i64> = nodes.iter().map(|(n, _)| disliked(pod, n)).collect();
    let worst = taints.iter().max().copied().unwrap_or(0);
    let domains: Vec<i64> = spread.0.iter().filter(|r| !r.hard).map(|rule| distinct(nodes, &rule.key)).collect();
    let crowds: Vec<i64> = nodes.iter().map(|(n, _)| spread.crowd(n, &domains)).collect();
    let (least, most) = (crowds.iter().min().copied().unwrap_or(0), crowds.iter().max().copied().unwrap_or(0));
    let total = |((node, used), (taint, crowd)): (&(&Arc<Node>, Used), (&i64, &i64))| {
        let room = allocation(pod, node, *used);
        let tolerance = if worst == 0 { 100 } else { 100 - 100 * taint / worst };
        let apart = if most == 0 { 100 } else { 100 * (most + least - crowd) / most };
        room + 3 * tolerance + if spread.0.is_empty() { 0 } else { 2 * apart }
    };
    nodes.iter().zip(taints.iter().zip(&crowds)).map(total).collect()
}

fn distinct(nodes: &[(&Arc<Node>, Used)], key: &str) -> i64 {
    let domains: std::collections::BTreeSet<Name> = nodes.iter().filter_map(|(n, _)| domain_of(n, key)).collect();
    i64::try_from(domains.len()).unwrap_or(i64::MAX)
}

fn disliked(pod: &Pod, node: &Node) -> i64 {
    let soft = node.taints.iter().filter(|t| &*t.effect == "PreferNoSchedule");
    let barred = soft.filter(|t| !pod.spec.tolerations.iter().any(|tol| tol.covers(&t.key, &t.value, &t.effect)));
    i64::try_from(barred.count()).unwrap_or(i64::MAX)
}

/// What the pod counts as in scores.
pub fn counted(pod: &Pod) -> (i64, i64) {
    let containers = i64::try_from(pod.spec.containers.len().max(1)).unwrap_or(1);
    let cpu = if pod.spec.cpu > 0 { pod.spec.cpu } else { NOTHING.0 * containers };
    let memory = if pod.spec.memory > 0 { pod.spec.memory } else { NOTHING.1 * containers };
    (cpu, memory)
}

/// LeastAllocated and BalancedAllocation together.
fn allocation(pod: &Pod, node: &Node, used: Used) -> i64 {
    let (cpu, memory) = counted(pod);
    let free =
        |capacity: i64, wanted: i64| if capacity == 0 || wanted > capacity { 0 } else { (capacity - wanted) * 100 / capacity };
    let least = (free(node.cpu, used.scored_cpu + cpu) + free(node.memory, used.scored_memory + memory)) / 2;
    // Fractions in ten-thousandths; upstream uses floats and truncates to a hundredth.
    let share =
        |capacity: i64, wanted: i64| if capacity == 0 { 10_000 } else { (wanted.saturating_mul(10_000) / capacity).min(10_000) };
    let apart = (share(node.cpu, used.cpu + pod.spec.cpu) - share(node.memory, used.memory + pod.spec.memory)).abs();
    least + (10_000 - apart / 2) / 100
}
