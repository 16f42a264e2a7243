//! Scores: where would it be best? Integers from 0 to 100 per plugin, weighted and summed.
//!
//! LeastAllocated (weight 1), BalancedAllocation (1), TaintToleration (3) and topology spread (2) with the system's default
//! constraints: soft, three apart per host and five per zone, for pods of a Service or a replica set.
//! The real thing: `pkg/scheduler/framework/plugins/{noderesources,tainttoleration,podtopologyspread}`.

use std::sync::Arc;

use imbl::OrdMap;

use super::snapshot::{Candidate, Domains, Place, Snapshot};
use crate::objects::node::{HOSTNAME, ZONE};
use crate::objects::pod::Pod;
use crate::store::{ObjectId, View};

/// What a container without request counts as, in scores only.
const NOTHING: (i64, i64) = (100, 200 << 20);

/// One rule of spreading, with the pods it counts in each domain.
#[derive(Clone, Debug)]
struct Rule {
    domains: Arc<Domains>,
    max_skew: i64,
    hard: bool,
    counts: Vec<i64>,
    minimum: i64,
    counts_itself: i64,
}

/// How the pod's like are spread now.
#[derive(Clone, Debug, Default)]
pub struct Spreading(Vec<Rule>);

impl Spreading {
    /// Counts the pod's like: by its own constraints, or by the system's defaults where it has none.
    pub fn of(pod: &Pod, view: &View, placed: &OrdMap<ObjectId, Place>, snapshot: &Snapshot) -> Spreading {
        let node_of = |id: ObjectId| placed.get(&id).and_then(|place| snapshot.number_of(place));
        if !pod.spec.spread.is_empty() {
            let neighbours = || view.pods.entries().filter(|(_, p)| p.meta.namespace == pod.meta.namespace && !p.meta.deleting());
            let rules = pod.spec.spread.iter().map(|constraint| {
                let alike = neighbours().filter(|(_, p)| constraint.selector.matches(&p.meta.labels));
                let counts_itself = i64::from(constraint.selector.matches(&pod.meta.labels));
                let rule = Rule::new(snapshot.domains(&constraint.key), constraint.max_skew, constraint.hard, counts_itself);
                rule.counting(alike.filter_map(|(id, _)| node_of(id)))
            });
            return Spreading(rules.collect());
        }
        let Some(owner) = pod.meta.controller() else { return Spreading::default() };
        let siblings = view.pods_owned(&owner.uid).filter(|(_, p)| !p.meta.deleting());
        let nodes: Vec<usize> = siblings.filter_map(|(id, _)| node_of(id)).collect();
        let defaults = [(HOSTNAME, 3), (ZONE, 5)];
        let rule = |(key, skew): (&str, i64)| Rule::new(snapshot.domains(key), skew, false, 1).counting(nodes.iter().copied());
        Spreading(defaults.into_iter().map(rule).collect())
    }

    /// Whether hard constraints allow the node of this number.
    pub fn check(&self, node: usize) -> Result<(), &'static str> {
        for rule in self.0.iter().filter(|r| r.hard) {
            let Some(domain) = rule.domains.of_node(node) else {
                return Err("node(s) didn't match pod topology spread constraints (missing required label)");
            };
            if rule.counts[domain] + rule.counts_itself - rule.minimum > rule.max_skew {
                return Err("node(s) didn't match pod topology spread constraints");
            }
        }
        Ok(())
    }

    /// The soft rules, each with the weight of a pod: thousandths of the logarithm of (domains among these nodes + 2).
    fn soft(&self, nodes: &[usize]) -> Vec<(&Rule, i64)> {
        let weight = |rule: &Rule| log_milli(i64::try_from(rule.domains.among(nodes)).unwrap_or(i64::MAX - 2) + 2);
        self.0.iter().filter(|r| !r.hard).map(|rule| (rule, weight(rule))).collect()
    }
}

impl Rule {
    fn new(domains: Arc<Domains>, max_skew: i64, hard: bool, counts_itself: i64) -> Rule {
        let counts = vec![0; domains.len()];
        Rule { domains, max_skew, hard, counts, minimum: 0, counts_itself }
    }

    /// Counts one pod on each of these nodes.
    fn counting(mut self, nodes: impl Iterator<Item = usize>) -> Rule {
        nodes.filter_map(|node| self.domains.of_node(node)).for_each(|domain| self.counts[domain] += 1);
        self.minimum = self.counts.iter().min().copied().unwrap_or(0);
        self
    }

    /// How crowded the node's domain is, in thousandths.
    fn crowd(&self, node: usize, weight: i64) -> i64 {
        let count = self.domains.of_node(node).map_or(0, |domain| self.counts[domain]);
        count * weight + (self.max_skew - 1) * 1000
    }
}

/// The natural logarithm of `n` in thousandths, by counting halvings and interpolating: exact enough to order nodes.
fn log_milli(n: i64) -> i64 {
    let n = n.max(1);
    let whole = i64::from(n.ilog2());
    let below = 1i64 << whole;
    (whole * 1000 + (n - below) * 1000 / below) * 693 / 1000
}

/// The total of each of these nodes, given by number.
pub fn all(pod: &Pod, nodes: &[Candidate], fitting: &[usize], spread: &Spreading) -> Vec<i64> {
    let taints: Vec<i64> = fitting.iter().map(|n| disliked(pod, &nodes[*n])).collect();
    let worst = taints.iter().max().copied().unwrap_or(0);
    let soft = spread.soft(fitting);
    let crowds: Vec<i64> = fitting.iter().map(|n| soft.iter().map(|(rule, weight)| rule.crowd(*n, *weight)).sum()).collect();
    let (least, most) = (crowds.iter().min().copied().unwrap_or(0), crowds.iter().max().copied().unwrap_or(0));
    let total = |(number, (taint, crowd)): (&usize, (&i64, &i64))| {
        let tolerance = if worst == 0 { 100 } else { 100 - 100 * taint / worst };
        let apart = if most == 0 { 100 } else { 100 * (most + least - crowd) / most };
        allocation(pod, &nodes[*number]) + 3 * tolerance + if spread.0.is_empty() { 0 } else { 2 * apart }
    };
    fitting.iter().zip(taints.iter().zip(&crowds)).map(total).collect()
}

fn disliked(pod: &Pod, candidate: &Candidate) -> i64 {
    if candidate.open {
        return 0;
    }
    let soft = candidate.node.taints.iter().filter(|t| &*t.effect == "PreferNoSchedule");
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
fn allocation(pod: &Pod, node: &Candidate) -> i64 {
    let used = node.used;
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
