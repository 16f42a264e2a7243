//! A wire with nothing but name servers at its end, for tests of resolvers and of the programs that ask.

use std::net::{IpAddr, SocketAddr};

use serde_json::json;

use super::config::{PodsMode, ServerConfig, UpstreamAnswer};
use super::message::{Question, Record, Reply};
use super::resolver::Library;
use super::zone;
use crate::engine::time::{Duration, Instant};
use crate::network::wire::{Asked, ResolverConfig, Source, Wire};
use crate::objects::Object;
use crate::objects::pod_spec::Protocol;
use crate::store::Store;

/// How the servers behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Answering,
    Failing,
    Refusing,
    Silent,
}

/// The wire: every address is the same server.
pub(crate) struct Names {
    pub(crate) store: Store,
    pub(crate) config: ServerConfig,
    pub(crate) resolver: ResolverConfig,
    pub(crate) mood: Mood,
    pub(crate) clock: Instant,
}

pub(crate) const RESOLV_CONF: &str =
    "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";

impl Names {
    /// A cluster with the Services `kubernetes`, `kube-dns`, `my-nginx`, a headless `db` and an ExternalName `ext`.
    pub(crate) fn new(library: Library) -> Names {
        let service = |namespace: &str, name: &str, spec| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": name}, "spec": spec});
        let mut store = Store::default();
        for doc in [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}),
            service("default", "kubernetes", json!({"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443}]})),
            service("kube-system", "kube-dns", json!({"clusterIP": "10.96.0.10", "ports": [{"name": "dns", "port": 53}]})),
            service("default", "my-nginx", json!({"clusterIP": "10.0.162.149", "ports": [{"name": "http", "port": 80}]})),
            service("default", "db", json!({"clusterIP": "None", "ports": [{"name": "sql", "port": 5432}]})),
            service("default", "ext", json!({"type": "ExternalName", "externalName": "example.com"})),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                   "metadata": {"name": "db-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "db"}},
                   "endpoints": [{"addresses": ["10.244.1.7"], "hostname": "db-0"}, {"addresses": ["10.244.2.8"]}],
                   "ports": [{"name": "sql", "port": 5432}]}),
        ] {
            store.insert(Object::parse(&doc), Instant::START);
        }
        let record = Record { name: "example.com.".into(), kind: "A", ttl: 300, data: "203.0.113.7".into() };
        let upstream = UpstreamAnswer { name: "example.com".into(), kind: "A".into(), answers: vec![record], truncated: false };
        let reverse = ["in-addr.arpa".to_owned(), "ip6.arpa".to_owned()];
        let config = ServerConfig {
            zones: [vec!["cluster.local".to_owned()], reverse.to_vec()].concat(),
            pods: PodsMode::Insecure,
            ttl: 30,
            fall_through: reverse.to_vec(),
            upstream: vec![upstream],
            ..ServerConfig::default()
        };
        let hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n10.244.1.9\tcurl\n".to_owned();
        let resolver = ResolverConfig { resolv_conf: RESOLV_CONF.to_owned(), hosts, library };
        Names { store, config, resolver, mood: Mood::Answering, clock: Instant::START }
    }

    pub(crate) fn answer(&self, question: &Question) -> Reply {
        zone::answer(self.store.head(), &self.config, question, 1_767_268_800)
    }
}

impl Wire for Names {
    fn now(&self) -> Instant {
        self.clock
    }
    fn wait(&mut self, by: Duration) -> Result<(), String> {
        self.clock += by;
        Ok(())
    }
    fn ask(&mut self, _: &Source, server: SocketAddr, _: Protocol, question: &Question) -> Asked {
        assert_eq!((server.ip(), server.port()), (IpAddr::from([10, 96, 0, 10]), 53));
        let after = Duration::from_millis(1);
        match self.mood {
            Mood::Answering => Asked::Reply { reply: self.answer(question), after },
            Mood::Failing => {
                let reply = Reply { rcode: super::message::Rcode::ServFail, answers: vec![], ..self.answer(question) };
                Asked::Reply { reply, after }
            }
            Mood::Refusing => Asked::Refused { after },
            Mood::Silent => Asked::Silence,
        }
    }
    fn cluster_dns(&mut self, question: &Question) -> Option<Reply> {
        Some(self.answer(question))
    }
    fn resolver(&mut self, _: &Source) -> ResolverConfig {
        self.resolver.clone()
    }
}
