//! `sim-core`: a deterministic simulator of Kubernetes networking.
//!
//! The tree is the picture of a cluster. A reader who knows the picture guesses the path:
//!
//! | folder | box in a real cluster |
//! | --- | --- |
//! | [`engine`] | none: time, events, randomness, journal, rewind; it never says "Kubernetes" |
//! | [`objects`] | the API objects, as small parsed records beside what the user wrote |
//! | [`store`] | etcd and the watch cache: one versioned map, and photographs of it |
//! | [`api`] | kube-apiserver |
//! | [`controllers`] | kube-controller-manager |
//! | [`scheduler`] | kube-scheduler |
//! | [`kubelet`] | the kubelet and the container runtime of each node |
//! | [`proxy`] | kube-proxy of each node |
//! | [`dns`] | CoreDNS and the stub resolver |
//! | [`cloud`] | the cloud provider's load balancers |
//! | [`network`] | wires, and the clients and servers at their ends |
//! | [`explain`] | why a packet went where it went |
//! | [`cluster`] | the machine room: the boxes wired together as one model of the engine |
//! | [`lab`] | none: a cluster with its history, its branches, and the programs that wait inside its time |
//! | [`ask`] | none: pure questions to a cluster at a moment, with typed answers |
//! | [`scenario`] | the file format and the player of its steps |
//! | [`console`] | the command language: a small shell, kubectl, curl, nslookup, time travel |
//! | [`jsonpath`] | kubectl's dialect of JSON paths |
//! | [`render`] | typed values to text and JSON |

pub mod api;
pub mod ask;
pub mod cloud;
pub mod cluster;
pub mod console;
pub mod controllers;
pub mod dns;
pub mod engine;
pub mod explain;
pub mod jsonpath;
pub mod kubelet;
pub mod lab;
pub mod network;
pub mod objects;
pub mod proxy;
pub mod render;
pub mod scenario;
pub mod scheduler;
pub mod store;
pub mod yaml;
