//! The CoreDNS pods of the cluster: which of them answers a question, what they read when they start, and when they look again.
//!
//! In a real cluster a question is a packet to the kube-dns Service, rewritten to a CoreDNS pod, which answers from its own view
//! of the API, or sends a packet of its own to an upstream server. So it takes the ordinary way through the network, both times.
//! Left out: the minute that a kubelet may take until a changed ConfigMap reaches the file; upstream servers marked as down.
//! The real things: CoreDNS `plugin/forward`, `plugin/reload`; `pkg/kubelet/volumemanager`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Cluster;
use super::bus::Sender;
use super::event::Event;
use super::ground::GroundAt;
use crate::api::component::Clock;
use crate::dns::chain::{Forwarded, Incoming, Knowledge};
use crate::dns::corefile::{Forward, Policy, stock};
use crate::dns::message::{Question, Rcode, Record, Reply};
use crate::dns::resolv_conf::ResolvConf;
use crate::dns::server::DnsServers;
use crate::dns::zone;
use crate::engine::model::Context;
use crate::engine::time::{Duration, Instant};
use crate::explain::{Decision, Outcome, Place, Reason, Trace};
use crate::kubelet::images::repository;
use crate::network::path;
use crate::network::transport::Opening;
use crate::network::wire::{Asked, Source};
use crate::objects::json::At;
use crate::objects::pod::{Phase, Pod};
use crate::objects::pod_spec::Protocol;
use crate::objects::{Name, Object};
use crate::store::{Change, ObjectId};

/// Time a server takes to answer.
const SERVICE_TIME: Duration = Duration::from_micros(200);
/// How long the name of a balancer is valid in AWS' DNS.
const BALANCER_TTL: u32 = 60;
/// How long a server waits for one reply of an upstream (forward's `readTimeout`), and how long it goes on trying.
const UPSTREAM_PATIENCE: Duration = Duration::from_secs(2);
const UPSTREAM_TRIES_FOR: Duration = Duration::from_secs(5);

/// One question on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asking {
    /// Where it starts.
    pub from: Source,
    /// Where it is sent.
    pub server: SocketAddr,
    /// How.
    pub protocol: Protocol,
    /// The question.
    pub question: Question,
}

/// What came back, with the lines that servers log on the way, by pod.
#[derive(Debug)]
struct Heard {
    asked: Asked,
    log: Vec<(ObjectId, String)>,
}

/// A question on its way from a server to others.
struct Onward<'a> {
    from: &'a Source,
    protocol: Protocol,
    /// In the order in which they are asked.
    servers: Vec<SocketAddr>,
    question: &'a Question,
}

impl Cluster {
    /// What comes back for a question. Caches and logs of the servers keep what they learn.
    pub(super) fn ask(&mut self, asking: &Asking, clock: Clock) -> Asked {
        let (from, to, protocol) = (asking.from.clone(), asking.server, asking.protocol);
        let trace = self.datagram(&Opening { from, to, protocol, port: None }, clock);
        let mut dns = std::mem::take(&mut self.dns);
        let Heard { asked, log } = self.carry(&mut dns, asking, &trace, clock);
        self.dns = dns;
        log.iter().for_each(|(pod, line)| self.kubelets.print(*pod, line, clock.timestamp()));
        asked
    }

    /// What would come back, beside the world: nothing is kept.
    pub fn look_up(&self, asking: &Asking, clock: Clock) -> Asked {
        let trace = self.way(&asking.from, asking.server, asking.protocol, clock);
        self.carry(&mut self.dns.clone(), asking, &trace, clock).asked
    }

    fn carry(&self, dns: &mut DnsServers, asking: &Asking, trace: &Trace, clock: Clock) -> Heard {
        let only = |asked| Heard { asked, log: vec![] };
        if self.races(asking, trace, clock) {
            return only(Asked::Silence);
        }
        match trace.outcome {
            Outcome::Refused => return only(Asked::Refused { after: trace.round_trip }),
            Outcome::Delivered => {}
            _ => return only(Asked::Silence),
        }
        let after = trace.round_trip + SERVICE_TIME;
        let last = trace.hops.last();
        if let Some(Place::Pod { namespace, name }) = last.map(|h| &h.place) {
            let client = trace.seen_source.map(|s| s.ip());
            return self
                .answer_of_pod(dns, (namespace, name), asking, client, after, clock)
                .unwrap_or_else(|| only(Asked::Silence));
        }
        // A resolver outside the cluster: it knows nothing of cluster names.
        let outside = last.is_some_and(|h| matches!(h.reason, Reason::AssumedOutside { .. }));
        only(match outside {
            true => Asked::Reply { reply: self.outside_zone(&asking.question, clock), after },
            false => Asked::Silence,
        })
    }

    /// What a resolver outside knows: the names of the cloud's balancers, and what the scenario lists.
    fn outside_zone(&self, question: &Question, clock: Clock) -> Reply {
        let name = question.name.trim_end_matches('.');
        let Some(ip) = self.cloud.named(name, clock.now) else {
            return zone::outside(&self.config.dns.server.upstream, question);
        };
        let wanted = if ip.is_ipv6() { "AAAA" } else { "A" };
        let record = Record { name: name.to_string(), kind: wanted, ttl: BALANCER_TTL, data: ip.to_string() };
        let answers = if question.kind.eq_ignore_ascii_case(wanted) { vec![record] } else { Vec::new() };
        Reply { recursion_available: true, forwarded: true, answers, ..Reply::of(Rcode::NoError) }
    }

    /// Whether a question is lost because the one before it left by the same socket at the same moment: both make an entry in the
    /// node's connection table, to different pods, and the later one is thrown away.
    fn races(&self, asking: &Asking, trace: &Trace, clock: Clock) -> bool {
        let chance = u64::from(self.config.dns.race_percent);
        let rewritten = trace.decision == Decision::Dnat && trace.candidates.len() > 1;
        let paired = asking.question.beside && asking.protocol == Protocol::Udp && rewritten;
        paired
            && chance > 0
            && clock.draws.keyed("dns/race", (&asking.from, &asking.question.name, clock.now)).below(100) < chance
    }

    fn way(&self, from: &Source, to: SocketAddr, protocol: Protocol, clock: Clock) -> Trace {
        let ground = GroundAt { cluster: self, now: clock.now };
        let sending = path::Sending::Imagined;
        path::follow(&ground, clock.draws, &path::Asked { from, to, protocol, now: clock.now, sending }).0
    }

    /// The answer of a CoreDNS pod; `None` if the pod is no DNS server, or all of them are broken.
    fn answer_of_pod(
        &self,
        dns: &mut DnsServers,
        (namespace, name): (&Name, &Name),
        asking: &Asking,
        client: Option<IpAddr>,
        after: Duration,
        clock: Clock,
    ) -> Option<Heard> {
        let id = self.store.head().pods.id(namespace, name).filter(|_| self.faults.dns_up())?;
        let pod = self.store.head().pods.by_id(id)?.clone();
        let server = server_name(&pod);
        let seen_at = clock.now - DnsServers::lag(&server, clock.draws);
        let view = self.store.view_at(seen_at).clone();
        let local_ips: &[IpAddr] = &pod.status.ips;
        let knows = Knowledge { view: &view, serial: serial(clock), synced: self.config.dns.server.synced, local_ips };
        let incoming = Incoming { question: &asking.question, protocol: asking.protocol, now: clock.now, client };
        let mut log = Vec::new();
        let from = Source::Pod { namespace: namespace.clone(), name: name.clone() };
        let mut upstream = |others: &mut DnsServers, forward: &Forward, question: &Question| {
            let protocol = if forward.tcp { Protocol::Tcp } else { asking.protocol };
            let servers = self.upstreams(&from, forward, question, clock);
            self.forwarded(others, &Onward { from: &from, protocol, servers, question }, clock, &mut log)
        };
        let Some(served) = dns.ask(&server, knows, incoming, clock.draws, &mut upstream) else {
            // The port is there, and nothing at it: the container's Corefile has no such server.
            let refused = is_server(&pod).then_some(Asked::Refused { after });
            return refused.map(|asked| Heard { asked, log: vec![] });
        };
        log.extend(served.log.into_iter().map(|line| (id, line)));
        let reply = Reply { server: name.clone(), ..served.reply };
        Some(Heard { asked: Asked::Reply { reply, after: after + served.waited }, log })
    }

    /// What upstream servers make of a question, asked in the order of the policy until one replies or the time is up.
    fn forwarded(&self, dns: &mut DnsServers, onward: &Onward<'_>, clock: Clock, log: &mut Vec<(ObjectId, String)>) -> Forwarded {
        let Onward { from, protocol, servers, question } = onward;
        let mut draw = clock.draws.keyed("dns/forward/port", (&question.name, &question.kind, clock.now));
        let mut waited = Duration::ZERO;
        let (mut refused, port) = (0, draw.below(28_232));
        let mut why = "no healthy proxies".to_owned();
        for server in servers.iter().cycle() {
            let asking = Asking { from: (*from).clone(), server: *server, protocol: *protocol, question: (*question).clone() };
            let trace = self.way(from, *server, *protocol, clock);
            let mut heard = self.carry(dns, &asking, &trace, clock);
            log.append(&mut heard.log);
            let word = if *protocol == Protocol::Tcp { "tcp" } else { "udp" };
            let socket = || format!("{word} {}->{server}", self.own_socket(from, port));
            match heard.asked {
                Asked::Reply { reply, after } => return (Ok(reply), waited + after),
                Asked::Refused { after } => {
                    (waited, refused) = (waited + after, refused + 1);
                    why = format!("read {}: read: connection refused", socket());
                }
                Asked::Silence => {
                    waited = waited + UPSTREAM_PATIENCE;
                    why = format!("read {}: i/o timeout", socket());
                }
            }
            if waited >= UPSTREAM_TRIES_FOR || refused >= 2 * servers.len() {
                break;
            }
        }
        (Err(why), waited)
    }

    /// The servers a `forward` names, in the order in which they are asked for a question.
    fn upstreams(&self, from: &Source, forward: &Forward, question: &Question, clock: Clock) -> Vec<SocketAddr> {
        let mut servers = self.named_upstreams(from, forward);
        if forward.policy != Policy::Sequential {
            clock.draws.keyed("dns/forward", (&question.name, &question.kind, clock.now)).shuffle(&mut servers);
        }
        servers
    }

    /// The servers a `forward` names, those of the pod's own file included.
    fn named_upstreams(&self, from: &Source, forward: &Forward) -> Vec<SocketAddr> {
        let mut servers = forward.to.clone();
        if !forward.files.is_empty() {
            servers.extend(ResolvConf::parse(&self.own_resolv_conf(from)).servers);
        }
        servers
    }

    fn own_resolv_conf(&self, from: &Source) -> String {
        let text = self.resolver(from).resolv_conf;
        // Without kubelets nobody has written the file: CoreDNS pods have that of their node.
        let node = || match from {
            Source::Pod { namespace, name } => self.store.head().pods.get(namespace, name).and_then(|p| p.node.clone()),
            _ => None,
        };
        match text.is_empty() {
            true => node().map(|n| self.resolver(&Source::Node(n)).resolv_conf).unwrap_or_default(),
            false => text,
        }
    }

    fn own_socket(&self, from: &Source, offset: u64) -> String {
        let ip = match from {
            Source::Pod { namespace, name } => {
                self.store.head().pods.get(namespace, name).and_then(|p| p.status.ips.first().copied())
            }
            _ => None,
        };
        let port = u16::try_from(32_768 + offset).unwrap_or(u16::MAX);
        ip.map_or_else(|| format!(":{port}"), |ip| SocketAddr::new(ip, port).to_string())
    }

    /// Cluster DNS asked as it is, beside the world: no network, no cache.
    pub fn cluster_dns(&self, question: &Question, clock: Clock) -> Option<Reply> {
        self.config.dns.enabled.then(|| zone::answer(self.store.head(), &self.config.dns.server, question, serial(clock)))
    }

    /// The text of the Corefile that a CoreDNS pod mounts; the stock one where its ConfigMap is not stored.
    fn corefile_of(&self, pod: &Pod) -> String {
        let config_map = self.store.head().plain("", "ConfigMap", &pod.meta.namespace, config_map_of(pod));
        let text = config_map.and_then(|c| At::top(&c.doc).at("data").at("Corefile").text());
        text.map_or_else(|| stock(&self.config.dns.server), str::to_owned)
    }
}

/// Life and change of the servers.
impl Cluster {
    /// The servers that run when the simulation starts have read what is there.
    pub(super) fn start_dns(&mut self, clock: Clock) {
        let running: Vec<Arc<Pod>> =
            self.store.head().pods.iter().filter(|p| is_server(p) && p.status.phase == Phase::Running).cloned().collect();
        for pod in running {
            let text = self.corefile_of(&pod);
            self.dns.start(&server_name(&pod), &text, false, clock.now, clock.draws);
        }
    }

    /// A container has just started; if it is a CoreDNS server it reads its file, and ends if that is broken.
    pub(super) fn container_started(&mut self, id: ObjectId, clock: Clock, cx: &mut Context<'_, Event>) {
        let Some(pod) = self.store.head().pods.by_id(id).filter(|p| is_server(p)).cloned() else { return };
        let text = self.corefile_of(&pod);
        let from = Source::Pod { namespace: pod.meta.namespace.clone(), name: pod.meta.name.clone() };
        let loops = self.forwards_to_itself(&from, &text);
        let start = self.dns.start(&server_name(&pod), &text, loops, clock.now, clock.draws);
        start.log.lines().for_each(|line| self.kubelets.print(id, line, clock.timestamp()));
        if !start.serves {
            let reaction = self.kubelets.exit(id, 1, clock);
            self.react(Sender::Kubelets, reaction.map(Event::Kubelet), cx);
        }
    }

    /// Whether what a server forwards for the root comes back to it: the upstream is its own loopback address.
    fn forwards_to_itself(&self, from: &Source, text: &str) -> bool {
        let Ok(file) = crate::dns::corefile::Corefile::read(text) else { return false };
        let Some((_, block)) = file.block(53, ".") else { return false };
        let servers = block.forward.iter().filter(|f| f.from == ".").flat_map(|f| self.named_upstreams(from, f));
        servers.into_iter().any(|s| s.ip().is_loopback() && s.port() == 53)
    }

    /// A change of the API: servers whose pod is gone are forgotten, those whose file has changed will look at their next tick.
    pub(super) fn dns_changed(&mut self, change: &Change, cx: &mut Context<'_, Event>) {
        match (&change.before, &change.after) {
            (Some(Object::Pod(pod)), None) if is_server(pod) => self.dns.forget(&server_name(pod)),
            (_, Some(Object::Plain(plain))) if &*plain.kind == "ConfigMap" => {
                let (namespace, name) = (&plain.meta.namespace, &plain.meta.name);
                let head = self.store.head();
                let readers = head.pods.in_namespace(namespace).filter(|p| is_server(p) && config_map_of(p) == &**name);
                let ids = readers.filter_map(|p| Some((head.pods.id(namespace, &p.meta.name)?, server_name(p))));
                for (id, server) in ids {
                    if let Some(after) = self.dns.next_look(&server, cx.now()) {
                        cx.schedule(after, Event::Dns(id));
                    }
                }
            }
            _ => {}
        }
    }

    /// The answers that servers keep: namespace and name of the pod, the name that was asked for, and until when.
    pub fn dns_caches(&self, now: Instant) -> Vec<(Name, Name, Name, Instant)> {
        let head = self.store.head();
        let servers = head.pods.iter().filter(|pod| is_server(pod));
        let of = |pod: &Arc<Pod>| {
            let (namespace, name) = (pod.meta.namespace.clone(), pod.meta.name.clone());
            let kept = self.dns.kept_until(&server_name(pod)).into_iter().filter(|(_, until)| *until > now);
            kept.map(|(asked, until)| (namespace.clone(), name.clone(), asked, until)).collect::<Vec<_>>()
        };
        servers.flat_map(of).collect()
    }

    /// Nobody knows what has changed: servers without a pod are forgotten, the others will look at their file at their next tick.
    pub(super) fn dns_changed_anyhow(&mut self, cx: &mut Context<'_, Event>) {
        let head = self.store.head();
        let pods: BTreeMap<Name, ObjectId> =
            head.pods.entries().filter(|(_, pod)| is_server(pod)).map(|(id, pod)| (server_name(pod), id)).collect();
        self.dns.keep_only(|server| pods.contains_key(server));
        for (server, id) in pods {
            if let Some(after) = self.dns.next_look(&server, cx.now()) {
                cx.schedule(after, Event::Dns(id));
            }
        }
    }

    /// A server looks at its file.
    pub(super) fn dns_looks(&mut self, id: ObjectId, clock: Clock, cx: &Context<'_, Event>) {
        let Some(pod) = self.store.head().pods.by_id(id).cloned() else { return };
        let text = self.corefile_of(&pod);
        let lines = self.dns.look(&server_name(&pod), &text, clock.now, clock.draws);
        if !lines.is_empty() {
            self.tell_reloaded(id, cx);
        }
        lines.iter().for_each(|line| self.kubelets.print(id, line, clock.timestamp()));
    }
}

/// Whether a pod is a CoreDNS server.
fn is_server(pod: &Pod) -> bool {
    pod.spec.containers.iter().any(|c| repository(&c.image) == "coredns")
}

fn server_name(pod: &Pod) -> Name {
    pod.meta.uid.clone().unwrap_or_else(|| pod.meta.name.clone())
}

/// The ConfigMap that a CoreDNS pod mounts; kubeadm's name if it declares no volume.
fn config_map_of(pod: &Pod) -> &str {
    let mut volumes = At::top(&pod.spec.doc).at("volumes").items();
    volumes.find_map(|v| v.at("configMap").at("name").text()).unwrap_or("coredns")
}

/// The zone's serial: the time at which the cluster's clock stands.
fn serial(clock: Clock) -> u32 {
    u32::try_from(clock.timestamp().unix_seconds()).unwrap_or(0)
}
