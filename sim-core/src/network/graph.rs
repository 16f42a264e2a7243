//! The wires: machines, switches, routers and the links between them, as a graph.
//!
//! In a real data centre each machine hangs off a switch of its zone, the switches off routers, and one of those leads to the
//! outside world. We model that as one graph with a latency on each link; a packet takes the shortest way whose links all work.
//! Pods are not drawn: each hangs off exactly one machine. The API server and the cloud's balancers have links of their own, as
//! with a managed control plane. Left out: capacity and queues, asymmetric routes.
//! The figures are plain ones of a data centre: 250 us between machines of a zone, twice that across zones, 1 ms from outside.

use std::collections::BTreeMap;
use std::fmt;

use imbl::OrdMap;
use petgraph::algo::astar;
use petgraph::dot::{Config, Dot};
use petgraph::stable_graph::{EdgeReference, NodeIndex, StableUnGraph};
use petgraph::visit::{EdgeFiltered, EdgeRef, NodeFiltered};

use crate::engine::time::Duration;
use crate::objects::Name;

/// The machine of a user outside.
pub const OUTSIDE: &str = "outside";
/// The cloud's load balancers.
pub const BALANCER: &str = "balancer";
/// The API server.
pub const API_SERVER: &str = "apiserver";
const CORE: &str = "core";
const GATEWAY: &str = "gateway";

const MACHINE_TO_SWITCH: Duration = Duration::from_micros(125);
const SWITCH_TO_CORE: Duration = Duration::from_micros(125);
const CORE_TO_GATEWAY: Duration = Duration::from_micros(100);
const GATEWAY_TO_OUTSIDE: Duration = Duration::from_micros(650);
/// What stands beside the core router.
const BESIDE: Duration = Duration::ZERO;

/// What stands at a corner of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Something with one link, at which ways begin and end.
    End,
    /// Something that passes packets on.
    Relay,
}

/// Two stations, in order of their names. Where they have no link in common it is all between this pair, as a firewall sees it.
pub type Pair = (Name, Name);

/// Two names as a pair.
pub fn pair(a: &str, b: &str) -> Pair {
    if a <= b { (a.into(), b.into()) } else { (b.into(), a.into()) }
}

/// What is broken: of a million packets so many are lost.
pub type Broken = OrdMap<Pair, u32>;

/// All packets of a million: the link is cut.
pub const CUT: u32 = 1_000_000;

/// A way through the wires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Time for one packet.
    pub latency: Duration,
    /// Links on it that lose packets, each with how many of a million.
    pub losses: Vec<(Pair, u32)>,
}

/// The wires of a cluster. They do not change; what is broken is said with each question.
#[derive(Clone)]
pub struct Underlay {
    graph: StableUnGraph<(Name, Kind), Duration>,
    by_name: BTreeMap<Name, NodeIndex>,
    /// For each station but the core: the next one on its way to the core. The wires are a tree.
    above: BTreeMap<NodeIndex, (NodeIndex, Duration)>,
}

impl Underlay {
    /// Machines, each with its zone, on a switch per zone; machines without a zone share one.
    pub fn new<'a>(machines: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Underlay {
        let mut underlay = Underlay { graph: StableUnGraph::default(), by_name: BTreeMap::new(), above: BTreeMap::new() };
        let core = underlay.station(CORE, Kind::Relay);
        let gateway = underlay.station(GATEWAY, Kind::Relay);
        let ends = [(OUTSIDE, gateway, GATEWAY_TO_OUTSIDE), (BALANCER, core, BESIDE), (API_SERVER, core, BESIDE)];
        underlay.hang(gateway, core, CORE_TO_GATEWAY);
        for (name, beside, latency) in ends {
            let end = underlay.station(name, Kind::End);
            underlay.hang(end, beside, latency);
        }
        let mut switches: BTreeMap<Option<&str>, NodeIndex> = BTreeMap::new();
        for (name, zone) in machines {
            let switch = *switches.entry(zone).or_insert_with(|| {
                let switch = underlay.station(&zone.map_or("switch".to_string(), |zone| format!("switch-{zone}")), Kind::Relay);
                underlay.hang(switch, core, SWITCH_TO_CORE);
                switch
            });
            let machine = underlay.station(name, Kind::End);
            underlay.hang(machine, switch, MACHINE_TO_SWITCH);
        }
        underlay
    }

    /// A station under its name; a machine that is called like something of the fabric has the name for itself.
    fn station(&mut self, name: &str, kind: Kind) -> NodeIndex {
        let station = self.graph.add_node((name.into(), kind));
        self.by_name.insert(name.into(), station);
        station
    }

    /// A link to the station that is nearer to the core.
    fn hang(&mut self, station: NodeIndex, above: NodeIndex, latency: Duration) {
        self.graph.add_edge(station, above, latency);
        self.above.insert(station, (above, latency));
    }

    /// The length of the only way there is in a tree: up to where the two ways to the core meet, and down.
    fn climb(&self, from: NodeIndex, to: NodeIndex) -> Option<Duration> {
        let up = |start: NodeIndex| {
            let next = |(station, so_far): &(NodeIndex, Duration)| {
                self.above.get(station).map(|(above, latency)| (*above, *so_far + *latency))
            };
            std::iter::successors(Some((start, Duration::ZERO)), next)
        };
        let met = |(station, down): (NodeIndex, Duration)| Some((up(from).find(|(other, _)| *other == station)?.1, down));
        up(to).find_map(met).map(|(up, down)| up + down)
    }

    /// The names of all stations.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.by_name.keys()
    }

    /// Whether there is a station of that name.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The station that a machine's only link leads to.
    pub fn neighbour(&self, name: &str) -> Option<Name> {
        let next = self.graph.neighbors(*self.by_name.get(name)?).next()?;
        Some(self.name(next).clone())
    }

    fn name(&self, station: NodeIndex) -> &Name {
        &self.graph[station].0
    }

    /// The way from one station to another, or the cut that is in the way.
    pub fn way(&self, from: &str, to: &str, broken: &Broken) -> Result<Way, Pair> {
        let (Some(a), Some(b)) = (self.by_name.get(from), self.by_name.get(to)) else { return Err(pair(from, to)) };
        if broken.is_empty()
            && let Some(latency) = self.climb(*a, *b)
        {
            return Ok(Way { latency, losses: Vec::new() });
        }
        let ends = pair(from, to);
        if broken.get(&ends) == Some(&CUT) {
            return Err(ends);
        }
        if let Some((latency, way)) = self.shortest(*a, *b, broken) {
            let pairs = self.links_of(&way).chain((way.len() > 2).then_some(ends));
            let losses = pairs.filter_map(|link| broken.get(&link).copied().map(|ppm| (link, ppm)));
            return Ok(Way { latency, losses: losses.collect() });
        }
        // Why not: the first cut link of the way it would take if all were whole.
        let usual = self.shortest(*a, *b, &Broken::new()).map(|(_, way)| way).unwrap_or_default();
        Err(self.links_of(&usual).find(|link| broken.get(link) == Some(&CUT)).unwrap_or(ends))
    }

    fn links_of<'a>(&'a self, way: &'a [NodeIndex]) -> impl Iterator<Item = Pair> + 'a {
        way.windows(2).map(|link| pair(self.name(link[0]), self.name(link[1])))
    }

    /// The shortest way over links that are not cut. Among equally long ones that with the smaller sum of link numbers is taken.
    fn shortest(&self, from: NodeIndex, to: NodeIndex, broken: &Broken) -> Option<(Duration, Vec<NodeIndex>)> {
        // Ends pass nothing on, so the thousands of other machines need not be looked at.
        let relays = NodeFiltered::from_fn(&self.graph, |n| n == from || n == to || self.graph[n].1 == Kind::Relay);
        let whole = EdgeFiltered::from_fn(&relays, |link| {
            broken.is_empty() || broken.get(&pair(self.name(link.source()), self.name(link.target()))) != Some(&CUT)
        });
        let cost = |latency: Duration, link: usize| (u128::from(latency.as_nanos()) << 64) | (link as u128 + 1);
        let (cost, way) = astar(&whole, from, |n| n == to, |link| cost(*link.weight(), link.id().index()), |_| 0)?;
        Some((Duration::from_nanos(u64::try_from(cost >> 64).unwrap_or(u64::MAX)), way))
    }

    /// The graph in the language of Graphviz; links that are cut are dashed.
    pub fn dot(&self, broken: &Broken) -> String {
        let link = |_, link: EdgeReference<'_, Duration>| {
            let cut = broken.get(&pair(self.name(link.source()), self.name(link.target()))) == Some(&CUT);
            format!("label=\"{}\"{}", link.weight(), if cut { " style=dashed" } else { "" })
        };
        let station = |_, (_, (name, kind)): (NodeIndex, &(Name, Kind))| {
            format!("label=\"{name}\" shape={}", if *kind == Kind::Relay { "diamond" } else { "box" })
        };
        let settings = [Config::NodeNoLabel, Config::EdgeNoLabel];
        format!("{:?}", Dot::with_attr_getters(&self.graph, &settings, &link, &station))
    }
}

impl fmt::Debug for Underlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Underlay({} stations, {} links)", self.graph.node_count(), self.graph.edge_count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wires() -> Underlay {
        Underlay::new([("node-1", Some("a")), ("node-2", Some("a")), ("node-3", Some("b"))])
    }

    #[test]
    fn ways_and_what_breaks_them() {
        let us = |n| Ok(Duration::from_micros(n));
        let down = |a: &str, b: &str| Err(pair(a, b));
        let cases = [
            ("node-1", "node-2", &[][..], us(250)),
            ("node-1", "node-3", &[], us(500)),
            (OUTSIDE, "node-3", &[], us(1000)),
            (BALANCER, "node-1", &[], us(250)),
            ("node-2", API_SERVER, &[("core", "switch-a")], down("switch-a", "core")),
            ("node-1", "node-2", &[("core", "switch-a")], us(250)),
            // A machine's own link, from both sides.
            ("node-1", "node-2", &[("switch-a", "node-2")], down("node-2", "switch-a")),
            (OUTSIDE, "node-2", &[("node-2", "switch-a")], down("node-2", "switch-a")),
            ("node-1", "node-3", &[("node-2", "switch-a")], us(500)),
            // A pair without a common link.
            ("node-1", "node-3", &[("node-3", "node-1")], down("node-1", "node-3")),
            ("node-2", "node-3", &[("node-3", "node-1")], us(500)),
            ("node-1", "moon", &[], down("node-1", "moon")),
        ];
        for (from, to, cuts, want) in cases {
            let broken: Broken = cuts.iter().map(|(a, b)| (pair(a, b), CUT)).collect();
            let latency = |from, to| wires().way(from, to, &broken).map(|way| way.latency);
            assert_eq!(latency(from, to), want, "{from} to {to} without {cuts:?}");
            assert_eq!(latency(to, from), want, "{to} to {from} without {cuts:?}");
        }
    }

    #[test]
    fn where_nothing_is_broken_climbing_finds_the_shortest_way() {
        let wires = wires();
        for (a, b) in wires.by_name.values().flat_map(|a| wires.by_name.values().map(move |b| (*a, *b))) {
            assert_eq!(wires.climb(a, b), wires.shortest(a, b, &Broken::new()).map(|(latency, _)| latency));
        }
    }

    #[test]
    fn losses_on_the_way_are_listed() {
        let broken: Broken = [(pair("core", "switch-b"), 5_u32), (pair("node-1", "node-3"), 7), (pair("core", "gateway"), 9)]
            .into_iter()
            .collect();
        let way = wires().way("node-1", "node-3", &broken).unwrap();
        assert_eq!(way.losses, [(pair("core", "switch-b"), 5), (pair("node-1", "node-3"), 7)]);
    }

    #[test]
    fn equally_long_ways_are_told_apart_by_their_links() {
        for first in ["left", "right"] {
            let mut wires = Underlay { graph: StableUnGraph::default(), by_name: BTreeMap::new(), above: BTreeMap::new() };
            for (name, kind) in [("a", Kind::End), ("left", Kind::Relay), ("right", Kind::Relay), ("b", Kind::End)] {
                wires.station(name, kind);
            }
            let second = if first == "left" { "right" } else { "left" };
            for (from, to) in [("a", first), (first, "b"), ("a", second), (second, "b")] {
                wires.graph.add_edge(wires.by_name[from], wires.by_name[to], Duration::from_micros(1));
            }
            let (_, way) = wires.shortest(wires.by_name["a"], wires.by_name["b"], &Broken::new()).unwrap();
            assert_eq!(&**wires.name(way[1]), first);
        }
    }

    #[test]
    fn the_graph_is_drawn() {
        insta::assert_snapshot!(Underlay::new([("node-1", None)]).dot(&Broken::unit(pair("switch", "core"), CUT)), @r#"
        graph {
            0 [ label="core" shape=diamond]
            1 [ label="gateway" shape=diamond]
            2 [ label="outside" shape=box]
            3 [ label="balancer" shape=box]
            4 [ label="apiserver" shape=box]
            5 [ label="switch" shape=diamond]
            6 [ label="node-1" shape=box]
            1 -- 0 [ label="100us"]
            2 -- 1 [ label="650us"]
            3 -- 0 [ label="0s"]
            4 -- 0 [ label="0s"]
            5 -- 0 [ label="125us" style=dashed]
            6 -- 5 [ label="125us"]
        }
        "#);
    }

    #[test]
    fn a_machine_may_be_called_like_a_router() {
        let wires = Underlay::new([("core", None), ("node-2", None)]);
        assert_eq!(wires.way("core", "node-2", &Broken::new()).unwrap().latency, Duration::from_micros(250));
    }
}
