//! What every verb works with: the connection to the server, the namespace in force, and the two output streams.

use serde_json::Value;

use super::failure::Failure;
use super::resource::Resource;
use super::session::SERVER;
use crate::api::request::{Options, Request, Response, Verb};
use crate::api::status::Status;
use crate::console::host::{Host, Stopped, WorldRef, sleep};
use crate::engine::time::{Duration, Instant};
use crate::objects::time::Timestamp;

/// One running kubectl command.
pub struct Client<'h> {
    /// The machine it runs on.
    pub host: &'h mut dyn Host,
    /// Namespace in force: `-n`, else the one of the current context, else `default`.
    pub namespace: String,
    /// Whether the namespace came from `-n`.
    pub namespace_given: bool,
    /// Standard input.
    pub stdin: &'h str,
    /// Standard output so far.
    pub out: String,
    /// Standard error so far.
    pub err: String,
    /// How many requests were sent.
    requests: u64,
    /// What is read now comes over a watch that is open already, and takes no time.
    pub watches: bool,
}

/// What a kubectl call takes until its first request is answered: its process starts, reads its configuration, shakes hands and
/// asks. And what each further request takes. Rounded figures of a cluster on one LAN.
const FIRST_REQUEST: Duration = Duration::from_millis(100);
const NEXT_REQUEST: Duration = Duration::from_millis(10);

/// Which objects of a kind a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// `-l`.
    pub labels: String,
    /// `--field-selector`.
    pub fields: String,
}

impl<'h> Client<'h> {
    /// A command that begins.
    pub fn new(host: &'h mut dyn Host, stdin: &'h str) -> Client<'h> {
        let (out, err) = (String::new(), String::new());
        Client { host, namespace: String::new(), namespace_given: false, stdin, out, err, requests: 0, watches: false }
    }
}

impl Client<'_> {
    /// The cluster, lent until the command waits.
    pub fn world(&mut self) -> WorldRef<'_> {
        self.host.world()
    }

    /// Prints what was said so far.
    pub fn flush(&mut self) {
        self.host.print(&std::mem::take(&mut self.out));
        self.host.print_error(&std::mem::take(&mut self.err));
    }

    /// Waits until an object changes, at most until that moment; what was said so far is printed before.
    pub async fn change(&mut self, until: Instant) -> Result<(), Stopped> {
        self.flush();
        self.host.change(until).await
    }

    /// Waits so long; what was said so far is printed before.
    pub async fn sleep(&mut self, by: Duration) -> Result<(), Stopped> {
        self.flush();
        sleep(self.host, by).await
    }

    /// The time at the server, which is also the client's.
    pub fn now(&mut self) -> Timestamp {
        self.host.world().now()
    }

    /// A line of standard output.
    pub fn say(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    /// A line of standard error.
    pub fn warn(&mut self, line: impl AsRef<str>) {
        self.err.push_str(line.as_ref());
        self.err.push('\n');
    }

    /// Sends a request; warnings that come with the answer go to standard error.
    pub async fn send(&mut self, request: Request) -> Result<Response, Status> {
        let takes = match self.requests {
            _ if self.watches => Duration::ZERO,
            0 => FIRST_REQUEST,
            _ => NEXT_REQUEST,
        };
        self.requests += 1;
        self.sleep(takes).await.map_err(|stopped| Status::stopped(&stopped.why, stopped.exit()))?;
        if !self.host.world().api_answers() {
            return Err(unreachable(&request));
        }
        let answer = self.host.world().request(request);
        for warning in &answer.warnings {
            self.warn(format!("Warning: {warning}"));
        }
        match answer.response {
            Response::Failure(status) => Err(status),
            response => Ok(response),
        }
    }

    /// A request about one kind in `namespace` (dropped for cluster-scoped kinds).
    pub fn request(verb: Verb, kind: &Resource, namespace: &str, name: &str) -> Request {
        let namespace = if kind.namespaced { namespace } else { "" };
        Request::new(verb, &kind.group, &kind.version, &kind.plural, namespace, name)
    }

    /// Sends a request that is answered with one object.
    pub async fn send_for_object(&mut self, request: Request) -> Result<Value, Status> {
        match self.send(request).await? {
            Response::Object(object) => Ok(object),
            Response::List { .. } | Response::Failure(_) => Ok(Value::Null),
        }
    }

    /// Reads one object.
    pub async fn get(&mut self, kind: &Resource, namespace: &str, name: &str) -> Result<Value, Status> {
        self.send_for_object(Self::request(Verb::Get, kind, namespace, name)).await
    }

    /// Reads the objects of a kind; an empty `namespace` means all of them.
    pub async fn list(&mut self, kind: &Resource, namespace: &str, filter: &Filter) -> Result<Vec<Value>, Status> {
        let mut request = Self::request(Verb::List, kind, namespace, "");
        request.options.label_selector = filter.labels.clone();
        request.options.field_selector = filter.fields.clone();
        match self.send(request).await? {
            Response::List { items, .. } => Ok(items),
            Response::Object(_) | Response::Failure(_) => Ok(Vec::new()),
        }
    }

    /// Sends a write with this body.
    pub async fn write(
        &mut self,
        verb: Verb,
        kind: &Resource,
        (namespace, name): (&str, &str),
        body: Value,
        options: Options,
    ) -> Result<Value, Status> {
        let mut request = Self::request(verb, kind, namespace, name);
        request.body = body;
        request.options = options;
        self.send_for_object(request).await
    }

    /// The text of a file; `-` is standard input.
    pub fn file(&mut self, path: &str) -> Result<String, Failure> {
        if path == "-" {
            return Ok(self.stdin.to_string());
        }
        self.host.read_file(path).map_err(|error| Failure::Error(format!("open {path}: {}", error.0)))
    }
}

/// What Go's HTTP client says of a request that nobody takes.
fn unreachable(request: &Request) -> Status {
    let method = match request.verb {
        Verb::Get | Verb::List => "Get",
        Verb::Create => "Post",
        Verb::Update => "Put",
        Verb::Patch(_) => "Patch",
        Verb::Delete | Verb::DeleteCollection => "Delete",
    };
    let root = if request.group.is_empty() { "api".to_string() } else { format!("apis/{}", request.group) };
    let namespace = if request.namespace.is_empty() { String::new() } else { format!("namespaces/{}/", request.namespace) };
    let parts = [&request.name, &request.subresource].into_iter().filter(|part| !part.is_empty());
    let rest: String = parts.map(|part| format!("/{part}")).collect();
    let query = match request.verb {
        Verb::Create => "?fieldManager=kubectl-create&fieldValidation=Strict",
        _ => "",
    };
    let url = format!("{SERVER}/{root}/{}/{namespace}{}{rest}{query}", request.version, request.resource);
    Status::unreachable(format!("{method} \"{url}\": {}", refused()))
}

/// The end of each such sentence.
pub(super) fn refused() -> String {
    format!("dial tcp {}: connect: connection refused", address())
}

/// Host and port of the API server.
pub(super) fn address() -> &'static str {
    SERVER.trim_start_matches("https://")
}
