//! What made something be as it is: fields of objects, facts of the cluster, and what was broken on purpose. A closed list.

use std::net::{IpAddr, SocketAddr};

use crate::cluster::faults::ActiveFault;
use crate::dns::message::Rcode;
use crate::engine::time::Duration;
use crate::explain::origin::FileLine;
use crate::explain::{ObjectName, Trace};
use crate::objects::Name;
use crate::objects::labels::{Labels, Selector};
use crate::objects::pod_spec::Protocol;

/// A cause, with the object it is about and the place where the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The object; `None` for a plain fact.
    pub about: Option<ObjectName>,
    /// Where the user wrote the field.
    pub place: Option<FileLine>,
    /// What.
    pub cause: Cause,
}

/// A field or fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A field has this value.
    Field(&'static str, Name),
    /// `loadBalancerSourceRanges`.
    SourceRanges(Vec<Name>),
    /// The selector of a Service.
    Selector(Labels),
    /// `nodeSelector` of a pod: one pair.
    NodeSelector(Name, Name),
    /// `podSelector` of a NetworkPolicy.
    PodSelector(Selector),
    /// The `podSelector` of a policy selects the pod that is asked about.
    PolicySelectsPod,
    /// The program binds the port to the loopback address.
    BindsLoopback(u16),
    /// The object that a reason names.
    Concerns(ObjectName),
    /// A selector finds endpoints.
    Finds {
        /// The selector; `None`: the endpoints are made by hand.
        selector: Option<Labels>,
        /// How many there are now.
        endpoints: usize,
        /// How many may answer here; `None` where the rules are too old to say.
        able: Option<usize>,
    },
    /// A selector finds nobody who may be used.
    FindsNobody(Labels, Nobody),
    /// A Service without selector, and without endpoints.
    NoSelector,
    /// The rules that decided differ from what the API has now.
    OldRules {
        /// How old they are.
        age: Duration,
        /// Endpoints that they lack.
        lack: usize,
        /// Endpoints that they name, and that are gone.
        gone: usize,
        /// Endpoints whose state has changed.
        changed: usize,
    },
    /// Where the pods of a Local Service are.
    Placement {
        /// The Deployment that does not spread them.
        unspread: Option<Name>,
        /// How many are where; `None` is no node.
        by_node: Vec<(Option<Name>, usize)>,
    },
    /// What listens there; the port that was asked for is not among it.
    Listening {
        /// The port that was asked for.
        asked: u16,
        /// What is open.
        open: Vec<(u16, Protocol)>,
    },
    /// It is a node port, and kube-proxy did not take the packet.
    NodePortNotTaken {
        /// The port.
        port: u16,
        /// The node.
        node: Name,
        /// Why.
        why: NotTaken,
    },
    /// The Service has the port, and the node that handled the packet has no rule for it.
    NotProgrammed(NotProgrammed),
    /// The node leaves the packet's source as it is.
    SourceKept(Name, IpAddr),
    /// The node has no power.
    NodeDown {
        /// The fault, if it is one.
        fault: Option<ActiveFault>,
        /// What the API says of the node; `None`: it knows none of that name.
        ready: Option<bool>,
    },
    /// So many endpoints of a dead node count as ready.
    StillReady(usize),
    /// The pod that had the address is gone, and the rules still name it.
    PodGone,
    /// Nobody has the address.
    NobodyHas(IpAddr),
    /// The Service has other ports than the one that was asked for.
    Ports {
        /// Its ports.
        ports: Vec<(u16, Protocol)>,
        /// What was asked for.
        asked: (u16, Protocol),
    },
    /// It is broken on purpose.
    Broken(ActiveFault),
    /// A name was not resolved.
    Name(NameCause),
}

/// Why a name was not resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameCause {
    /// The client asks servers that do not know the cluster's names.
    AsksElsewhere {
        /// Who asks.
        asker: Asker,
        /// Whom.
        servers: Vec<IpAddr>,
        /// The name in full that only cluster DNS knows.
        full: String,
    },
    /// The client's search list does not lead to the name in full.
    NotSearched(String),
    /// The Service is an alias of a name without address.
    AliasWithoutAddress(Name),
    /// The Service is headless, and so many of its endpoints are ready by now.
    HeadlessWithout(usize),
    /// The server that answered does not tell of the Service.
    NotTold,
    /// A name server answers with this code.
    ServerAnswers(IpAddr, Rcode),
    /// A way to the name server is open, and no answer comes.
    ServerSilent(SocketAddr),
    /// The way to the name server ends so.
    WayToServer(SocketAddr, Box<Trace>),
}

/// Why a selector finds nobody who may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nobody {
    /// It matches no pod of the namespace.
    NoPod(Name),
    /// Of so many pods these are not ready.
    NotReady(usize, Vec<Name>),
    /// So many pods match, and none gives the port a number.
    NoPortNumber(usize),
    /// So many pods match, and the node last saw them not ready.
    NotSeenReady(usize),
}

/// Why kube-proxy takes no packet at a node port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The port is there for the first, and the second was asked for.
    Protocol(Protocol, Protocol),
    /// It takes none at this address, but at these.
    Closed(Closed, Vec<IpAddr>),
}

/// Why kube-proxy takes no node ports at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is a loopback address.
    Loopback,
    /// nftables mode takes them on the first address of a family.
    FirstAddressOnly,
    /// `nodePortAddresses` leaves the address out.
    LeftOut(IpAddr),
}

/// Why there is no rule for a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotProgrammed {
    /// A label leaves the Service to another proxy.
    OtherProxy,
    /// The rules of the node are so old.
    OldRules(Name, Duration),
    /// No rules were met.
    NotMet,
}

/// Who asks servers that are not the cluster's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A machine outside.
    Outside,
    /// A node.
    Node,
    /// A pod, by its `dnsPolicy`; whether it is on the host network.
    Pod(Name, bool),
}

/// A Service with this label is left to another proxy than kube-proxy.
pub const OTHER_PROXY: &str = "service.kubernetes.io/service-proxy-name";

impl Because {
    /// A fact without an object.
    pub fn fact(cause: Cause) -> Because {
        Because { about: None, place: None, cause }
    }

    /// A fact about an object.
    pub fn of(about: ObjectName, cause: Cause) -> Because {
        Because { about: Some(about), place: None, cause }
    }

    /// The same, with the place where it was written.
    pub fn at(self, place: Option<FileLine>) -> Because {
        Because { place, ..self }
    }
}
