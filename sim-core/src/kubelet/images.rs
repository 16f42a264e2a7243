//! How container images behave: what they listen on, what they answer, how long they take, how they end.
//!
//! In a real cluster an image is a program. Here the well-known ones have a model, a scenario may describe others, and for the
//! rest there is a stated guess: the container starts, listens on its declared ports and passes its probes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::engine::time::Duration;
use crate::objects::pod_spec::{Container, Protocol};

/// The behaviour of one image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Behaviour {
    /// What it listens on.
    pub listens: Listens,
    /// From process start until it listens.
    pub start: Duration,
    /// Time to pull the image; `None` = drawn, at most five seconds.
    pub pull: Option<Duration>,
    /// What it answers.
    pub reply: Reply,
    /// On SIGTERM goes on serving what is open and closes its listeners, instead of exiting at once.
    pub drains: bool,
    /// C library of its resolver.
    pub musl: bool,
    /// Runs a shell when no command is given, which ends at once without a terminal.
    pub shell: bool,
    /// Nothing is known about it; what it does is a guess.
    pub guessed: bool,
}

/// What an image listens on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listens {
    /// On these.
    On(Vec<Listener>),
    /// On the ports that the container declares and is probed at.
    Declared,
    /// As the arguments of agnhost say.
    Agnhost,
}

/// One listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener {
    /// Port.
    pub port: u16,
    /// Address it is bound to; `None` = all.
    pub bind: Option<IpAddr>,
    /// Protocol.
    pub protocol: Protocol,
}

/// What a server answers to a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// The body.
    pub body: Body,
    /// `Server` header; may be empty.
    pub server: &'static str,
    /// Time from request to response.
    pub delay: Duration,
    /// The server fails in this way instead of answering.
    pub fail: Option<Failure>,
}

/// Kinds of bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// nginx's welcome page.
    NginxWelcome,
    /// httpd's `It works!`.
    HttpdWorks,
    /// A report of the request, with the client's address as the server sees it.
    Echo,
    /// The name of the host (agnhost netexec's `/hostname`, and for want of better all else).
    Hostname,
    /// A given text.
    Text(String),
    /// Not HTTP at all.
    Silent,
}

/// Ways for a server to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Closes without a word.
    Empty,
    /// Resets the connection.
    Reset,
    /// Never answers.
    Hang,
}

/// What a scenario says of an image; what it leaves out is as the model or the guess has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Override {
    /// Replaces the listeners.
    pub listeners: Option<Vec<Listener>>,
    /// Replaces the start-up time.
    pub start: Option<Duration>,
    /// Replaces the pull time.
    pub pull: Option<Duration>,
    /// Replaces the status code.
    pub status: Option<u16>,
    /// Replaces the body.
    pub body: Option<String>,
    /// Replaces the delay.
    pub delay: Option<Duration>,
    /// Makes it fail.
    pub fail: Option<Failure>,
    /// Replaces what it does on SIGTERM.
    pub drains: Option<bool>,
    /// Replaces the resolver.
    pub musl: Option<bool>,
}

/// All that is known of images.
#[derive(Clone, Debug, Default, Hash)]
pub struct ImageTable {
    overrides: BTreeMap<String, Override>,
}

impl ImageTable {
    /// A table with a scenario's own descriptions, by image name with or without tag.
    pub fn new(overrides: BTreeMap<String, Override>) -> Self {
        ImageTable { overrides }
    }

    /// The behaviour of an image.
    pub fn behaviour(&self, image: &str) -> Behaviour {
        let mut behaviour = model(repository(image), image);
        let described = self
            .overrides
            .get(image)
            .or_else(|| self.overrides.get(without_tag(image)))
            .or_else(|| self.overrides.get(repository(image)));
        if let Some(over) = described {
            lay_over(&mut behaviour, over);
        }
        behaviour
    }
}

fn lay_over(behaviour: &mut Behaviour, over: &Override) {
    behaviour.guessed = false;
    behaviour.shell = false;
    if let Some(listeners) = &over.listeners {
        behaviour.listens = Listens::On(listeners.clone());
    }
    behaviour.start = over.start.unwrap_or(behaviour.start);
    behaviour.pull = over.pull.or(behaviour.pull);
    behaviour.reply.status = over.status.unwrap_or(behaviour.reply.status);
    if let Some(body) = &over.body {
        behaviour.reply.body = Body::Text(body.clone());
    }
    behaviour.reply.delay = over.delay.unwrap_or(behaviour.reply.delay);
    behaviour.reply.fail = over.fail.or(behaviour.reply.fail);
    behaviour.drains = over.drains.unwrap_or(behaviour.drains);
    behaviour.musl = over.musl.unwrap_or(behaviour.musl);
}

/// `registry:5000/team/app:v1@sha256:..` -> `registry:5000/team/app`.
fn without_tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// The last part of an image's name, without registry, path and tag.
pub fn repository(image: &str) -> &str {
    without_tag(image).rsplit('/').next().unwrap_or(image)
}

/// Whether an image has to be looked up each time: tag `latest` or none.
pub fn is_latest(image: &str) -> bool {
    without_tag(image).len() == image.len() || image.ends_with(":latest")
}

pub(super) fn tcp(port: u16) -> Listener {
    Listener { port, bind: None, protocol: Protocol::Tcp }
}

fn serving(listeners: &[Listener], body: Body, server: &'static str) -> Behaviour {
    Behaviour {
        listens: Listens::On(listeners.to_vec()),
        start: Duration::from_millis(50),
        pull: None,
        reply: Reply { status: 200, body, server, delay: Duration::from_micros(300), fail: None },
        drains: false,
        musl: false,
        shell: false,
        guessed: false,
    }
}

fn tools(musl: bool) -> Behaviour {
    Behaviour { shell: true, musl, ..serving(&[], Body::Silent, "") }
}

/// The built-in models, by the last part of the image's name.
fn model(name: &str, image: &str) -> Behaviour {
    let alpine = image.contains("alpine");
    let mut behaviour = match name {
        "nginx" => serving(&[tcp(80)], Body::NginxWelcome, "nginx/1.27.3"),
        "httpd" => serving(&[tcp(80)], Body::HttpdWorks, "Apache/2.4.62 (Unix)"),
        "echoserver" => serving(&[tcp(8080), tcp(8443)], Body::Echo, "echoserver"),
        "agnhost" => Behaviour { listens: Listens::Agnhost, ..serving(&[], Body::Hostname, "") },
        "whoami" => serving(&[tcp(80)], Body::Echo, ""),
        "http-echo" => serving(&[tcp(5678)], Body::Text("hello-world\n".to_string()), ""),
        "redis" => serving(&[tcp(6379)], Body::Silent, ""),
        "coredns" => {
            let dns = |protocol| Listener { port: 53, bind: None, protocol };
            serving(&[dns(Protocol::Udp), dns(Protocol::Tcp), tcp(8080), tcp(8181), tcp(9153)], Body::Silent, "")
        }
        "pause" | "etcd" | "kube-controller-manager" | "kube-scheduler" | "kube-proxy" => serving(&[], Body::Silent, ""),
        "kube-apiserver" => serving(&[tcp(6443)], Body::Silent, ""),
        "busybox" | "busyboxplus" | "curl" | "alpine" => tools(name != "busyboxplus"),
        "debian" | "ubuntu" | "netshoot" | "dnsutils" => tools(false),
        _ => Behaviour { listens: Listens::Declared, guessed: true, ..serving(&[], Body::Text(String::new()), "") },
    };
    behaviour.musl |= alpine;
    behaviour
}

impl Behaviour {
    /// Whether the image's own process is a server.
    pub fn serves(&self) -> bool {
        !matches!(&self.listens, Listens::On(listeners) if listeners.is_empty())
    }

    /// The sockets a container of this image has, given its declaration in the pod.
    pub fn sockets(&self, container: &Container) -> Vec<Listener> {
        let known = match &self.listens {
            Listens::On(listeners) => Some(listeners.clone()),
            Listens::Agnhost => super::agnhost::listeners(container),
            Listens::Declared => None,
        };
        if let Some(listeners) = known {
            return listeners;
        }
        let mut sockets: Vec<Listener> =
            container.ports.iter().map(|p| Listener { port: p.port, bind: None, protocol: p.protocol }).collect();
        sockets.extend(super::probes::ports(container).into_iter().map(tcp));
        sockets.sort();
        sockets.dedup();
        sockets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_the_last_part_of_their_name() {
        for (image, name) in [
            ("nginx", "nginx"),
            ("docker.io/library/nginx:1.27", "nginx"),
            ("registry:5000/a/b@sha256:00", "b"),
            ("radial/busyboxplus:curl", "busyboxplus"),
        ] {
            assert_eq!(repository(image), name);
        }
        let table = ImageTable::new([("web".to_string(), Override { status: Some(503), ..Override::default() })].into());
        assert_eq!(table.behaviour("example.org/web:1").reply.status, 503);
        assert!(table.behaviour("example.org/other").guessed);
        assert!(is_latest("nginx") && is_latest("nginx:latest") && !is_latest("nginx:1.27") && !is_latest("r:5000/x:1"));
    }
}
