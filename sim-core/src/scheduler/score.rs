//! Scores: where would it be best? Integers from 0 to 100 per plugin, weighted and summed.
//!
//! LeastAllocated (weight 1), BalancedAllocation (1), TaintToleration (3) and topology spread (2) with the system's default
//! constraints: soft, three apart per host and five per zone, for pods of a Service or a replica set.
//! The real thing: `pkg/scheduler/framework/plugins/{noderesources,tainttoleration,podtopologyspread}`.

use std::sync::Arc;

use imbl::OrdMap;

use super::crowds::Crowds;
use super::snapshot::{Candidate, Domains, Place, Snapshot};
use crate::objects::node::{HOSTNAME, ZONE};
use crate::objects::pod::Pod;
use crate::store::{ObjectId, View};

const MILLION: i64 = 1_000_000;
/// Binary places of logarithms.
const PLACES: u32 = 32;
/// The natural logarithm of 2 in billionths.
const LN_2: u128 = 693_147_181;

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

/// Where pods are.
#[derive(Clone, Copy)]
pub struct Placed<'s> {
    /// The place of each pod.
    pub nodes: &'s OrdMap<ObjectId, Place>,
    /// How many of each owner are on each node.
    pub crowds: &'s Crowds,
}

impl Spreading {
    /// Counts the pod's like: by its own constraints, or by the system's defaults where it has none.
    pub fn of(pod: &Pod, view: &View, placed: &Placed<'_>, snapshot: &Snapshot) -> Spreading {
        let node_of = |id: ObjectId| placed.nodes.get(&id).and_then(|place| snapshot.number_of(place));
        if !pod.spec.spread.is_empty() {
            let allowed = allowed(pod, snapshot);
            let counted = |node: &usize| allowed.as_ref().is_none_or(|allowed| allowed[*node]);
            let rules = pod.spec.spread.iter().map(|constraint| {
                let candidates = view.pods_matching(&pod.meta.namespace, &constraint.selector.equalities());
                let alike = candidates.filter(|p| !p.meta.deleting() && constraint.selector.matches(&p.meta.labels));
                let nodes = alike.filter_map(|p| node_of(ObjectId(p.meta.slot)));
                let counts_itself = i64::from(constraint.selector.matches(&pod.meta.labels));
                let rule = Rule::new(snapshot.domains(&constraint.key), constraint.max_skew, constraint.hard, counts_itself);
                let rule = rule.counting(nodes.filter(counted).map(|node| (node, 1)));
                if allowed.is_some() { rule.least_among((0..snapshot.nodes.len()).filter(counted)) } else { rule }
            });
            return Spreading(rules.collect());
        }
        let Some(owner) = pod.meta.controller() else { return Spreading::default() };
        let crowds = placed.crowds.of(&owner.uid);
        let nodes: Vec<(usize, i64)> = crowds.filter_map(|(node, pods)| Some((snapshot.number(node)?, pods as i64))).collect();
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

    /// The soft rules, each with the weight of a pod.
    fn soft(&self, nodes: &[usize]) -> Vec<(&Rule, i64)> {
        self.0.iter().filter(|r| !r.hard).map(|rule| (rule, weight(rule.domains.among(nodes)))).collect()
    }
}

impl Rule {
    fn new(domains: Arc<Domains>, max_skew: i64, hard: bool, counts_itself: i64) -> Rule {
        let counts = vec![0; domains.len()];
        Rule { domains, max_skew, hard, counts, minimum: 0, counts_itself }
    }

    /// Counts so many pods on each of these nodes.
    fn counting(mut self, nodes: impl Iterator<Item = (usize, i64)>) -> Rule {
        for (node, pods) in nodes {
            if let Some(domain) = self.domains.of_node(node) {
                self.counts[domain] += pods;
            }
        }
        self.minimum = self.counts.iter().min().copied().unwrap_or(0);
        self
    }

    /// The minimum of the domains of these nodes only.
    fn least_among(mut self, nodes: impl Iterator<Item = usize>) -> Rule {
        self.minimum = nodes.filter_map(|node| self.domains.of_node(node)).map(|domain| self.counts[domain]).min().unwrap_or(0);
        self
    }

    /// How crowded the node's domain is, in millionths; a node without the label lies in none.
    fn crowd(&self, node: usize, weight: i64) -> i64 {
        self.domains.of_node(node).map_or(0, |domain| crowd(self.counts[domain], self.max_skew, weight))
    }
}

/// The nodes that a pod's constraints look at: those it may go to, with the labels of all its hard constraints. `None` = all.
fn allowed(pod: &Pod, snapshot: &Snapshot) -> Option<Vec<bool>> {
    let hard: Vec<Arc<Domains>> = pod.spec.spread.iter().filter(|c| c.hard).map(|c| snapshot.domains(&c.key)).collect();
    let labelled = |node: usize| hard.iter().all(|domains| domains.of_node(node).is_some());
    let fits = |(number, node): (usize, &Candidate)| super::filter::selected(pod, node) && (hard.len() < 2 || labelled(number));
    let free = pod.spec.node_selector.is_empty() && pod.spec.node_affinity.is_none() && hard.len() < 2;
    (!free).then(|| snapshot.nodes.iter().enumerate().map(fits).collect())
}

/// What so many pods of its like in a node's domain weigh, in millionths.
pub(super) fn crowd(pods: i64, max_skew: i64, weight: i64) -> i64 {
    pods * weight + (max_skew - 1) * MILLION
}

/// The weight of one pod where there are so many domains: the logarithm of two more, in millionths.
pub(super) fn weight(domains: usize) -> i64 {
    log(domains as u128 + 2)
}

/// The natural logarithm in millionths. The binary one is found digit by digit: squaring a number from 1 to 2 doubles it.
fn log(n: u128) -> i64 {
    let whole = n.ilog2();
    let (one, mut digits) = (1u128 << PLACES, u128::from(whole) << PLACES);
    let mut rest = (n << PLACES) >> whole;
    for place in (0..PLACES).rev() {
        rest = (rest * rest) >> PLACES;
        if rest >= 2 * one {
            rest >>= 1;
            digits += 1 << place;
        }
    }
    i64::try_from((digits * LN_2) >> PLACES).unwrap_or(i64::MAX) / 1000
}

/// From how crowded each node is, in millionths, to scores: the emptiest gets the most.
pub(super) fn apart(crowds: &[i64]) -> Vec<i64> {
    let whole: Vec<i64> = crowds.iter().map(|c| (c + MILLION / 2) / MILLION).collect();
    let (least, most) = (whole.iter().min().copied().unwrap_or(0), whole.iter().max().copied().unwrap_or(0));
    whole.iter().map(|crowd| if most == 0 { 100 } else { 100 * (most + least - crowd) / most }).collect()
}

/// From the number of soft taints that a pod does not tolerate on each node to scores.
pub(super) fn tolerance(taints: &[i64]) -> Vec<i64> {
    let worst = taints.iter().max().copied().unwrap_or(0);
    taints.iter().map(|n| if worst == 0 { 100 } else { 100 - 100 * n / worst }).collect()
}

/// The total of each of these nodes, given by number.
pub fn all(pod: &Pod, nodes: &[Candidate], fitting: &[usize], spread: &Spreading) -> Vec<i64> {
    let taints: Vec<i64> = fitting.iter().map(|n| disliked(pod, &nodes[*n])).collect();
    let soft = spread.soft(fitting);
    let crowds: Vec<i64> = fitting.iter().map(|n| soft.iter().map(|(rule, weight)| rule.crowd(*n, *weight)).sum()).collect();
    let (tolerances, aparts) = (tolerance(&taints), apart(&crowds));
    let total = |(number, (tolerance, apart)): (&usize, (&i64, &i64))| {
        allocation(pod, &nodes[*number]) + 3 * tolerance + if spread.0.is_empty() { 0 } else { 2 * apart }
    };
    fitting.iter().zip(tolerances.iter().zip(&aparts)).map(total).collect()
}

fn disliked(pod: &Pod, candidate: &Candidate) -> i64 {
    if candidate.open {
        return 0;
    }
    let soft = candidate.node.taints.iter().filter(|t| &*t.effect == "PreferNoSchedule");
    let barred = soft.filter(|t| !pod.spec.tolerations.iter().any(|tol| tol.covers(&t.key, &t.value, &t.effect)));
    i64::try_from(barred.count()).unwrap_or(i64::MAX)
}

/// LeastAllocated and BalancedAllocation together.
fn allocation(pod: &Pod, node: &Candidate) -> i64 {
    let (used, spec) = (&node.used, &pod.spec);
    least([(node.cpu, used.scored_cpu + spec.scored_cpu, 1), (node.memory, used.scored_memory + spec.scored_memory, 1)])
        + balanced([(node.cpu, used.cpu + spec.cpu), (node.memory, used.memory + spec.memory)])
}

/// LeastAllocated: the free part of each resource by its weight, given capacity, what is asked for in all, and weight.
pub(super) fn least(resources: [(i64, i64, i64); 2]) -> i64 {
    let (mut sum, mut weights) = (0, 0);
    for (capacity, wanted, weight) in resources.into_iter().filter(|(capacity, ..)| *capacity > 0) {
        let free = if wanted > capacity { 0 } else { i128::from(capacity - wanted) * 100 / i128::from(capacity) };
        sum += i64::try_from(free).unwrap_or(0) * weight;
        weights += weight;
    }
    if weights == 0 { 0 } else { sum / weights }
}

/// BalancedAllocation: how close the used parts of the resources are, given capacity and what is asked for in all. Parts are
/// counted in millionths; upstream uses floats and truncates to a hundredth.
pub(super) fn balanced([a, b]: [(i64, i64); 2]) -> i64 {
    if a.0 == 0 || b.0 == 0 {
        return 100;
    }
    let share = |(capacity, wanted): (i64, i64)| {
        let part = i128::from(wanted) * i128::from(MILLION) / i128::from(capacity);
        i64::try_from(part).unwrap_or(MILLION).min(MILLION)
    };
    (MILLION - (share(a) - share(b)).abs() / 2) * 100 / MILLION
}
