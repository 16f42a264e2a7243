//! What a server in a container answers to a request over an established connection.
//!
//! In a real cluster the application does. Here the image's behaviour does; the pages are those of the real images where a
//! tutorial shows them.

use super::Cluster;
use super::ground::GroundAt;
use crate::engine::time::{Duration, Instant};
use crate::explain::{Place, Trace};
use crate::kubelet::images::{Behaviour, Body, Failure};
use crate::network::Ground;
use crate::network::wire::{HttpReply, HttpRequest};

impl Cluster {
    /// The reply of whatever the connection of `trace` ended at.
    pub fn http(&self, trace: &Trace, request: &HttpRequest, now: Instant) -> HttpReply {
        let Some(last) = trace.hops.last() else { return HttpReply::Silence };
        let ground = GroundAt { cluster: self, now };
        let port = last.before.1.port();
        let (sockets, hostname) = match &last.place {
            // By the pod's own address: a pod that calls itself by loopback has connected to 127.0.0.1.
            Place::Pod { namespace, name } => {
                let own = ground.pod(namespace, name).and_then(|(_, ips)| ips.first().copied());
                (own.and_then(|ip| ground.sandbox(ip)).map(|s| s.sockets).unwrap_or_default(), name.to_string())
            }
            Place::Node(node) => (ground.host_sockets(node), node.to_string()),
            _ => return outside(trace.round_trip),
        };
        let Some((_, behaviour)) = sockets.into_iter().find(|(socket, _)| socket.port == port) else {
            return HttpReply::Reset { after: trace.round_trip };
        };
        let client = trace.seen_source.map(|s| s.ip().to_string()).unwrap_or_default();
        reply(&behaviour, request, &hostname, &client, trace.round_trip)
    }
}

/// A host outside the cluster: it answers, and that is all that is assumed of it.
fn outside(after: Duration) -> HttpReply {
    let (content_type, server, body) = ("text/plain".to_string(), String::new(), "ok\n".to_string());
    HttpReply::Response { status: 200, content_type, server, body, after }
}

fn reply(behaviour: &Behaviour, request: &HttpRequest, hostname: &str, client: &str, round_trip: Duration) -> HttpReply {
    let model = &behaviour.reply;
    let after = round_trip + model.delay;
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
        Body::Hostname => ("text/plain", agnhost(&request.path, hostname, client)),
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
fn agnhost(path: &str, hostname: &str, client: &str) -> String {
    match path.split('?').next().unwrap_or_default() {
        "/clientip" => format!("{client}:40000"),
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
