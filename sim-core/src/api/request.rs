//! Requests and responses of the API server, as data: what travels between a client and kube-apiserver, without sockets.
//!
//! In a real cluster this is HTTP: verb, resource path, query, body. We model the verbs and the options that kubectl and
//! tutorials use. Left out: authentication, impersonation, API priority and fairness.
//! The real thing: `k8s.io/apiserver/pkg/endpoints`.

use serde_json::Value;

use super::status::Status;

/// One request. `resource` and `group` name the kind as in a URL (`deployments`, `apps`).
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Request {
    /// What to do.
    pub verb: Verb,
    /// API group; empty for the core group.
    pub group: String,
    /// API version, for example `v1`.
    pub version: String,
    /// Plural resource name, lower case.
    pub resource: String,
    /// Namespace; empty for cluster-scoped resources and for "all namespaces" in a list.
    pub namespace: String,
    /// Object name; empty for list, create and delete-collection.
    pub name: String,
    /// `status`, `scale`, `binding`, `eviction`, or empty.
    pub subresource: String,
    /// Object, patch, or delete options.
    pub body: Value,
    /// Query parameters.
    pub options: Options,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// One object.
    Get,
    /// Objects of a kind, filtered.
    List,
    /// Store a new object.
    Create,
    /// Replace an object whole.
    Update,
    /// Change parts of an object.
    Patch(PatchKind),
    /// Begin or finish the deletion of one object.
    Delete,
    /// Delete all that a list would show.
    DeleteCollection,
}

/// How the body of a patch is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PatchKind {
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
    /// Kubernetes' own, with merge keys for lists.
    Strategic,
    /// Server-side apply.
    Apply,
}

/// Query parameters; the default is "none given".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// `labelSelector`, as typed.
    pub label_selector: String,
    /// `fieldSelector`, as typed.
    pub field_selector: String,
    /// `dryRun=All`.
    pub dry_run: bool,
    /// `fieldValidation`.
    pub field_validation: FieldValidation,
    /// `fieldManager`.
    pub field_manager: String,
    /// `propagationPolicy` of a delete; `None` = the kind's default (Background).
    pub propagation: Option<Propagation>,
    /// `gracePeriodSeconds` of a delete.
    pub grace_period: Option<i64>,
    /// Precondition of a delete: the uid the object must have.
    pub uid: Option<String>,
}

/// How unknown and duplicate fields in a body are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FieldValidation {
    /// Refuse (what kubectl asks for).
    #[default]
    Strict,
    /// Store without them and warn.
    Warn,
    /// Store without them silently.
    Ignore,
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// The owner goes at once, the garbage collector follows.
    Background,
    /// The owner waits for its dependents.
    Foreground,
    /// The dependents lose their owner and stay.
    Orphan,
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Response {
    /// One object, whole, as JSON.
    Object(Value),
    /// A list: its items in server order (namespace, then name), each with `apiVersion` and `kind`, and the revision it shows.
    List {
        /// The objects.
        items: Vec<Value>,
        /// `metadata.resourceVersion` of the list.
        revision: u64,
    },
    /// A refusal.
    Failure(Status),
}

/// An answer with the warnings that came beside it (`Warning:` headers).
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Answer {
    /// The answer proper.
    pub response: Response,
    /// Texts that kubectl prints on standard error as `Warning: TEXT`.
    pub warnings: Vec<String>,
}

impl Request {
    /// A request without body and options.
    pub fn new(verb: Verb, group: &str, version: &str, resource: &str, namespace: &str, name: &str) -> Self {
        Request {
            verb,
            group: group.into(),
            version: version.into(),
            resource: resource.into(),
            namespace: namespace.into(),
            name: name.into(),
            subresource: String::new(),
            body: Value::Null,
            options: Options::default(),
        }
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Answer { response, warnings: Vec::new() }
    }
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        Response::Failure(status).into()
    }
}
