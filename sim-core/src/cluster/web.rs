//! What a server in a container answers to a request over an established connection.
//!
//! In a real cluster the application does. Here the image's behaviour does; the pages are those of the real images where a
//! tutorial shows them.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Cluster;
use super::ground::GroundAt;
use crate::engine::time::{Duration, Instant};
use crate::kubelet::Sandbox;
use crate::kubelet::images::{Behaviour, Body, Failure, Listener};
use crate::network::Ground;
use crate::network::transport::{self, Connection, End};
use crate::network::wire::{HttpReply, HttpRequest};

impl Cluster {
    /// The reply of whatever is at the other end of a connection.
    pub(super) fn http(&self, connection: &Connection, request: &HttpRequest, now: Instant) -> HttpReply {
        let ground = GroundAt { cluster: self, now };
        let (port, after) = (connection.server.address.port(), connection.round_trip);
        let listening = |sockets: &[(Listener, Arc<Behaviour>)]| {
            sockets.iter().find(|(socket, _)| socket.port == port).map(|(_, behaviour)| behaviour.clone())
        };
        let (behaviour, hostname) = match &connection.server.end {
            End::Pod { name, process, .. } => {
                let sandbox = transport::sandbox(&ground, connection);
                // One that was told to end has closed its listener, and goes on with the connections it has.
                let accepted = |s: &Sandbox| {
                    let process = s.processes.iter().find(|p| Some(p.number) == *process);
                    process.map(|p| p.behaviour.clone()).or_else(|| listening(&s.sockets))
                };
                (sandbox.as_ref().and_then(accepted), name.to_string())
            }
            End::Node(node) => {
                if let Some((status, content_type, body)) = self.health_page(node, port, &request.path, now) {
                    let (content_type, server) = (content_type.to_string(), String::new());
                    return HttpReply::Response { status, content_type, server, body, after };
                }
                (listening(&ground.host_sockets(node)), node.to_string())
            }
            End::Outside => return outside(after),
        };
        let Some(behaviour) = behaviour else { return HttpReply::Reset { after } };
        reply(&behaviour, request, &hostname, connection.seen_source, after)
    }
}

/// A host outside the cluster: it answers, and that is all that is assumed of it.
fn outside(after: Duration) -> HttpReply {
    let (content_type, server, body) = ("text/plain".to_string(), String::new(), "ok\n".to_string());
    HttpReply::Response { status: 200, content_type, server, body, after }
}

fn reply(behaviour: &Behaviour, request: &HttpRequest, hostname: &str, source: SocketAddr, round_trip: Duration) -> HttpReply {
    let model = &behaviour.reply;
    let after = round_trip + model.delay;
    let client = &source.ip().to_string();
    match model.fail {
        Some(Failure::Empty) => return HttpReply::Empty { after },
        Some(Failure::Reset) => return HttpReply::Reset { after },
        Some(Failure::Hang) => return HttpReply::Silence,
        None => {}
    }
    let (content_type, body) = match &model.body {
        Body::NginxWelcome => ("text/html", NGINX.to_string()),
        Body::HttpdWorks => ("text/html", "<html><body><h1>It works!</h1></body></html>\n".to_string()),
        Body::Text(text) => ("text/plain", text.clone()),
        Body::Hostname => ("text/plain", agnhost(&request.path, hostname, source)),
        Body::Echo => ("text/plain", echo(request, hostname, client)),
        Body::Silent => return HttpReply::Empty { after },
    };
    HttpReply::Response {
        status: model.status,
        content_type: content_type.to_string(),
        server: model.server.to_string(),
        body,
        after,
    }
}

/// agnhost's netexec: its own name, or who is calling.
fn agnhost(path: &str, hostname: &str, client: SocketAddr) -> String {
    match path.split('?').next().unwrap_or_default() {
        "/clientip" => client.to_string(),
        _ => hostname.to_string(),
    }
}

/// The client's address as the server sees it, with the request.
fn echo(request: &HttpRequest, hostname: &str, client: &str) -> String {
    format!(
        "Hostname: {hostname}\n\nRequest Information:\n\tclient_address={client}\n\tmethod={}\n\treal path={}\n\trequest_uri=http://{}{}\n",
        request.method, request.path, request.host, request.path
    )
}

/// The page that nginx's image serves.
const NGINX: &str = "<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href=\"http://nginx.org/\">nginx.org</a>.<br/>
Commercial support is available at
<a href=\"http://nginx.com/\">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
";
