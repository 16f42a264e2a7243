//! What there is to see, as texts and lists: the state without the machinery behind it. Views know nothing else.

use sim_core::console::host::World;
use sim_core::engine::time::Instant;
use sim_core::objects::pod::{ContainerState, Phase, Pod};
use sim_core::objects::service::{Service, ServiceType};
use sim_core::store::View;

use super::state::State;
use super::walk::{Pane, Walk};

/// Lines of output that can be scrolled through.
const OUTPUT_LINES_MAX: usize = 2_000;
/// Entries of a list on the map; more do not fit a screen.
const LISTED_MAX: usize = 200;
/// The namespace whose pods are counted, not named: they are the same in every lesson.
const SYSTEM: &str = "kube-system";

/// Everything that is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// What fills it.
    pub body: Body,
    /// Whether the help lies over it, and how many of its lines are scrolled away.
    pub help: Option<usize>,
    /// The line being typed: prompt, text, and the cursor's place in characters.
    pub line: Option<(String, String, usize)>,
    /// A remark.
    pub note: Option<String>,
}

/// What fills the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The scenarios, name and title, and which is selected.
    Start(Vec<(String, String)>, usize),
    /// A walkthrough.
    Walk(Box<WalkScene>),
}

impl Default for Body {
    fn default() -> Self {
        Body::Start(Vec::new(), 0)
    }
}

/// A walkthrough to be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalkScene {
    /// The scenario's title.
    pub title: String,
    /// Simulated time since the start.
    pub clock: String,
    /// Steps played.
    pub step: usize,
    /// Steps there are.
    pub steps: usize,
    /// What the step is about: its verb, its text.
    pub told: Option<(String, String)>,
    /// What did not hold.
    pub failures: Vec<String>,
    /// The cluster.
    pub map: Map,
    /// The last packet: the command and the lines it left.
    pub packet: Option<(String, Vec<String>)>,
    /// What was printed.
    pub output: Vec<String>,
    /// Lines that the output is scrolled up from its end.
    pub scrolled: usize,
    /// The pane shown where only one fits.
    pub pane: Pane,
}

/// The cluster, by node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// Nodes with their pods.
    pub nodes: Vec<NodeSeen>,
    /// Pods without a node.
    pub unplaced: Vec<PodSeen>,
    /// Services.
    pub services: Vec<ServiceSeen>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSeen {
    /// Its name.
    pub name: String,
    /// Its condition Ready.
    pub ready: bool,
    /// Its pods, those of the system left out.
    pub pods: Vec<PodSeen>,
    /// How many system pods it has.
    pub system: usize,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSeen {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: PodState,
}

/// How a pod is, as far as traffic is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodState {
    /// Runs and is ready.
    Ready,
    /// Runs and is not ready.
    NotReady,
    /// Not started yet.
    Starting,
    /// On its way out.
    Terminating,
    /// A container cannot run.
    Broken,
    /// Ended well.
    Done,
}

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceSeen {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Ready endpoints.
    pub ready: usize,
    /// All endpoints.
    pub total: usize,
}

impl Scene {
    /// The state to be seen.
    pub fn of(state: &State) -> Scene {
        let body = match &state.walk {
            Some(walk) => Body::Walk(Box::new(seen(walk))),
            None => Body::Start(state.scenarios.clone(), state.selected),
        };
        let prompt = || state.walk.as_ref().map_or(":".to_string(), |walk| walk.player().session.prompt());
        let line = state.line.as_ref().map(|line| (prompt(), line.value().to_string(), line.cursor()));
        Scene { body, help: state.help.then_some(state.help_top), line, note: state.note.clone() }
    }
}

fn seen(walk: &Walk) -> WalkScene {
    let player = walk.player();
    let scenario = &player.input().scenario;
    let title = if scenario.metadata.title.is_empty() { &scenario.metadata.name } else { &scenario.metadata.title };
    let last = walk.last_step();
    WalkScene {
        title: title.clone(),
        clock: player.sim().elapsed().since(Instant::START).to_string(),
        step: player.done(),
        steps: scenario.spec.steps.len(),
        told: last.map(|played| (played.verb.to_string(), played.title.clone())),
        failures: last.map(|played| played.failures.clone()).unwrap_or_default(),
        map: map(player.sim().cluster().store.head()),
        packet: walk.packet().map(|(command, text)| (command.to_string(), text.lines().map(clean).collect())),
        output: output(walk),
        scrolled: walk.scrolled,
        pane: walk.pane,
    }
}

/// The newest lines of output, oldest first.
pub fn output(walk: &Walk) -> Vec<String> {
    let mut lines = Vec::new();
    for text in walk.shown() {
        lines.extend(text.lines().rev().map(clean));
        if lines.len() >= OUTPUT_LINES_MAX {
            break;
        }
    }
    lines.truncate(OUTPUT_LINES_MAX);
    lines.reverse();
    lines
}

/// A line that a terminal shows as it is: tabs are blanks, control characters are gone.
fn clean(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => clean.push_str(&" ".repeat(8 - clean.chars().count() % 8)),
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean
}

/// The cluster as the API server knows it.
pub fn map(view: &View) -> Map {
    let nodes = view.nodes.iter().take(LISTED_MAX).map(|node| {
        let here = || view.pods_on(&node.meta.name).map(|(_, pod)| pod);
        let mut pods: Vec<PodSeen> = here().filter(|p| !is_system(p)).take(LISTED_MAX).map(|p| pod(p)).collect();
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        let system = here().filter(|p| is_system(p)).count();
        NodeSeen { name: node.meta.name.to_string(), ready: node.ready(), pods, system }
    });
    let unplaced = view.pods.iter().filter(|p| p.node.is_none()).take(LISTED_MAX).map(|p| pod(p));
    let services = view.services.iter().filter(|s| &*s.meta.namespace != SYSTEM).take(LISTED_MAX).map(|s| service(view, s));
    Map { nodes: nodes.collect(), unplaced: unplaced.collect(), services: services.collect() }
}

fn is_system(pod: &Pod) -> bool {
    &*pod.meta.namespace == SYSTEM
}

fn pod(pod: &Pod) -> PodSeen {
    PodSeen { name: pod.meta.name.to_string(), state: pod_state(pod) }
}

fn pod_state(pod: &Pod) -> PodState {
    // Reasons under which a container waits because it has to, not because something is wrong.
    let on_its_way = ["ContainerCreating", "PodInitializing", ""];
    let stuck = |state: &ContainerState| match state {
        ContainerState::Waiting { reason, .. } => !on_its_way.contains(&&**reason),
        ContainerState::Terminated { exit, .. } => *exit != 0,
        ContainerState::None | ContainerState::Running { .. } => false,
    };
    match pod.status.phase {
        _ if pod.meta.deleting() => PodState::Terminating,
        Phase::Succeeded => PodState::Done,
        Phase::Failed | Phase::Unknown => PodState::Broken,
        _ if pod.ready() => PodState::Ready,
        _ if pod.status.containers.iter().chain(&pod.status.init_containers).any(|c| stuck(&c.state)) => PodState::Broken,
        Phase::Running => PodState::NotReady,
        Phase::Pending | Phase::Unset => PodState::Starting,
    }
}

fn service(view: &View, service: &Service) -> ServiceSeen {
    let address = match (service.cluster_ips.first(), service.kind) {
        (_, ServiceType::ExternalName) => service.external_name.as_deref().unwrap_or_default().to_string(),
        (Some(ip), _) => ip.to_string(),
        (None, _) => "headless".to_string(),
    };
    let endpoints = || view.slices_of(&service.meta.namespace, &service.meta.name).flat_map(|slice| &slice.endpoints);
    let ready = endpoints().filter(|e| e.ready.unwrap_or(true)).count();
    ServiceSeen { name: service.meta.name.to_string(), address, ready, total: endpoints().count() }
}
