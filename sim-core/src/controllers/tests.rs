//! The controllers on a small stage: the real API server, every watch ten milliseconds late, and pods that become ready by
//! themselves a while after they were made.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::api::allocate::Allocators;
use crate::api::server::ApiServer;
use crate::cloud;
use crate::engine::random::{Draws, Seed};
use crate::engine::time::Instant;
use crate::objects::condition::{self, Condition};
use crate::objects::time::Timestamp;

const LATENCY: Duration = Duration::from_millis(10);

enum Happening {
    Timer(Event),
    Write(Tag, Write),
    Wake,
    Ready(Name, Name),
}

pub(super) struct Stage {
    now: Instant,
    pub store: Store,
    api: ApiServer,
    pub controllers: Controllers,
    pub cloud: Balancers,
    agenda: BTreeMap<(Instant, u64), Happening>,
    serial: u64,
    seen: u64,
    /// New pods become ready all together, each time this has passed; `None` = they never do.
    pub ready_after: Option<Duration>,
    /// Sizes of the replica sets, oldest first, each time one of them changed.
    pub sizes: Vec<Vec<i64>>,
}

impl Stage {
    pub fn new(enabled: &[Which], cloud: cloud::Config) -> Stage {
        let api = ApiServer::new(Allocators::new(&["10.96.0.0/12".to_string()], (30000, 32767)).unwrap());
        let mut stage = Stage {
            now: Instant::START,
            store: Store::default(),
            api,
            controllers: Controllers::new(enabled),
            cloud: Balancers::new(cloud),
            agenda: BTreeMap::new(),
            serial: 0,
            seen: 0,
            ready_after: Some(Duration::from_secs(1)),
            sizes: Vec::new(),
        };
        for name in ["default", "kube-node-lease"] {
            stage.add(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": name}}));
        }
        stage.add(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "n1"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
        let reaction = stage.controllers.start(stage.clock());
        stage.react(reaction);
        stage.at(LATENCY, Happening::Wake);
        stage
    }

    pub fn clock(&self) -> Clock {
        Clock { now: self.now, start: Timestamp::parse("2026-01-01T12:00:00Z").unwrap(), draws: Draws::new(Seed(7)) }
    }

    fn at(&mut self, after: Duration, happening: Happening) {
        self.serial += 1;
        self.agenda.insert((self.now + after, self.serial), happening);
    }

    fn react(&mut self, reaction: Reaction<Event>) {
        reaction.timers.into_iter().for_each(|(after, event)| self.at(after, Happening::Timer(event)));
        reaction.writes.into_iter().for_each(|(after, tag, write)| self.at(after, Happening::Write(tag, write)));
    }

    /// Stores a document as it stands.
    pub fn add(&mut self, doc: Value) {
        self.store.insert(Object::parse(&doc), self.now);
        self.announce();
    }

    /// Changes a stored object.
    pub fn change(&mut self, kind: (&str, &str), namespace: &str, name: &str, change: impl Fn(&mut Value)) {
        let kind = crate::objects::KindName { group: kind.0.into(), kind: kind.1.into() };
        let (id, before) = self.store.head().find(&kind, namespace, name).unwrap();
        let mut doc = before.encode();
        change(&mut doc);
        let generation = doc["metadata"]["generation"].as_i64().unwrap_or(1) + 1;
        doc["metadata"]["generation"] = generation.into();
        self.store.replace(id, before, Object::parse(&doc), self.now);
        self.announce();
    }

    pub fn write(&mut self, write: Write) -> Result<Object, Status> {
        let clock = self.clock();
        let result = self.api.write(&mut self.store, write, clock);
        self.announce();
        result
    }

    fn announce(&mut self) {
        let changes: Vec<Change> = self.store.changes(self.seen, self.store.revision()).unwrap().cloned().collect();
        self.seen = self.store.revision();
        for change in changes {
            if let (None, Some(Object::Pod(pod)), Some(period)) = (&change.before, &change.after, self.ready_after) {
                let wait = Duration::from_nanos(period.as_nanos() - self.now.as_nanos() % period.as_nanos());
                self.at(wait, Happening::Ready(pod.meta.namespace.clone(), pod.meta.name.clone()));
            }
        }
        let mut sets: Vec<_> =
            self.store.head().replica_sets.iter().map(|s| (s.meta.created, s.meta.revision, s.replicas)).collect();
        sets.sort_by_key(|s| s.0);
        let sizes: Vec<i64> = sets.iter().map(|s| s.2).collect();
        if !sizes.is_empty() && self.sizes.last() != Some(&sizes) {
            self.sizes.push(sizes);
        }
        self.at(LATENCY, Happening::Wake);
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((at, _), happening) = entry.remove_entry();
            self.now = at;
            self.happen(happening);
        }
        self.now = end;
    }

    fn happen(&mut self, happening: Happening) {
        let view = self.store.view_at(self.now - LATENCY).clone();
        let clock = self.clock();
        match happening {
            Happening::Timer(event) => {
                let reaction = self.controllers.handle(event, &view, &mut self.cloud, clock);
                self.react(reaction);
            }
            Happening::Write(tag, write) => {
                let result = self.write(write);
                let reaction = self.controllers.answered(tag, &result, &mut self.cloud, clock);
                self.react(reaction);
            }
            Happening::Wake => {
                let enabled: Vec<Which> = self.controllers.enabled().collect();
                for which in enabled {
                    let reaction = self.controllers.woken(which, &self.store, &view, &mut self.cloud, clock);
                    self.react(reaction);
                }
            }
            Happening::Ready(namespace, name) => self.make_ready(&namespace, &name),
        }
    }

    fn make_ready(&mut self, namespace: &str, name: &str) {
        let Some(id) = self.store.head().pods.id(namespace, name) else { return };
        let before = self.store.head().pods.by_id(id).unwrap().clone();
        let mut pod = (*before).clone();
        pod.node = Some("n1".into());
        let now = self.clock().timestamp();
        let status = Arc::make_mut(&mut pod.status);
        status.phase = crate::objects::pod::Phase::Running;
        status.ips = [std::net::IpAddr::from([10, 244, 0, id.0 as u8])].into_iter().collect();
        condition::upsert(&mut status.conditions, Condition::new("Ready", "True", "", "", now));
        self.store.replace(id, Object::Pod(before), Object::Pod(Arc::new(pod)), self.now);
        self.announce();
    }

    pub fn events(&self) -> Vec<String> {
        let mut events: Vec<_> = self.store.head().events.iter().collect();
        events.sort_by_key(|e| e.meta.revision);
        events.iter().map(|e| format!("{} {}", e.reason, e.message)).collect()
    }

    pub fn count_pods(&self) -> usize {
        self.store.head().pods.iter().filter(|p| !p.meta.deleting()).count()
    }
}

pub(super) fn deployment(replicas: i64, strategy: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "uid": "d1", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "strategy": strategy,
            "progressDeadlineSeconds": 60, "revisionHistoryLimit": 10,
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}}})
}

pub(super) const WORKLOADS: [Which; 3] = [Which::Deployment, Which::ReplicaSet, Which::Garbage];
pub(super) const DEPLOYMENT: (&str, &str) = ("apps", "Deployment");

pub(super) fn rolled_out(replicas: i64, surge: &Value, unavailable: &Value) -> Stage {
    let mut stage = Stage::new(&WORKLOADS, cloud::Config::default());
    stage.add(deployment(
        replicas,
        &json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}),
    ));
    stage.run(Duration::from_secs(30));
    stage
}

#[test]
fn a_deployment_rolls_out_and_says_so() {
    let stage = rolled_out(3, &json!("25%"), &json!("25%"));
    let d = stage.store.head().deployments.get("default", "web").unwrap().clone();
    assert_eq!(stage.count_pods(), 3);
    assert_eq!((d.status.ready, d.status.updated, d.status.available, d.status.observed), (3, 3, 3, 1));
    assert_eq!(d.meta.annotations.get("deployment.kubernetes.io/revision"), Some("1"));
    let told: Vec<String> = d.status.conditions.iter().map(|c| format!("{}={} {}", c.kind, c.status, c.reason)).collect();
    assert_eq!(told, ["Available=True MinimumReplicasAvailable", "Progressing=True NewReplicaSetAvailable"]);
    let set = stage.store.head().replica_sets.iter().next().unwrap().meta.name.clone();
    let events = stage.events();
    assert!(events.contains(&format!("ScalingReplicaSet Scaled up replica set {set} from 0 to 3")), "{events:?}");
    assert_eq!(events.iter().filter(|e| e.starts_with(&format!("SuccessfulCreate Created pod: {set}-"))).count(), 3);
}

#[test]
fn a_reverted_template_takes_its_old_set_back() {
    let mut stage = rolled_out(2, &json!(1), &json!(0));
    let set_image = |stage: &mut Stage, image: &str| {
        let image = json!(image);
        stage.change(DEPLOYMENT, "default", "web", |doc| {
            doc["spec"]["template"]["spec"]["containers"][0]["image"] = image.clone()
        });
        stage.run(Duration::from_secs(30));
    };
    set_image(&mut stage, "nginx:2");
    set_image(&mut stage, "nginx:1");
    let annotation = |set: &crate::objects::workload::ReplicaSet, key: &str| {
        set.meta.annotations.get(&format!("deployment.kubernetes.io/{key}")).unwrap_or_default().to_string()
    };
    let sets: Vec<(i64, String, String)> = stage
        .store
        .head()
        .replica_sets
        .iter()
        .map(|s| (s.replicas, annotation(s, "revision"), annotation(s, "revision-history")))
        .collect();
    assert_eq!(sets.len(), 2);
    assert!(sets.contains(&(2, "3".into(), "1".into())) && sets.contains(&(0, "2".into(), String::new())), "{sets:?}");
    let d = stage.store.head().deployments.get("default", "web").unwrap().clone();
    assert_eq!(annotation_of(&d), "3");
}

fn annotation_of(d: &crate::objects::workload::Deployment) -> String {
    d.meta.annotations.get("deployment.kubernetes.io/revision").unwrap_or_default().to_string()
}

#[test]
fn the_deadline_reports_and_nothing_more() {
    let mut stage = Stage::new(&WORKLOADS, cloud::Config::default());
    stage.ready_after = None;
    stage.add(deployment(1, &json!({})));
    stage.run(Duration::from_secs(55));
    let reason = |stage: &Stage| {
        let d = stage.store.head().deployments.get("default", "web").unwrap().clone();
        condition::find(&d.status.conditions, "Progressing").unwrap().reason.to_string()
    };
    assert_eq!(reason(&stage), "ReplicaSetUpdated");
    stage.run(Duration::from_secs(10));
    assert_eq!(reason(&stage), "ProgressDeadlineExceeded");
    let settled = stage.store.revision();
    stage.run(Duration::from_secs(300));
    assert_eq!(stage.store.revision(), settled, "then it rests");
}

#[test]
fn deleting_a_deployment_takes_its_sets_and_pods_along() {
    let mut stage = rolled_out(3, &json!(1), &json!(0));
    let kind = crate::objects::KindName { group: "apps".into(), kind: "Deployment".into() };
    stage
        .write(Write::Delete { kind, namespace: "default".into(), name: "web".into(), uid: None, grace: None, propagation: None })
        .unwrap();
    stage.run(Duration::from_secs(5));
    assert_eq!(stage.store.head().replica_sets.len(), 0);
    assert_eq!(stage.count_pods(), 0);
}

#[test]
fn a_namespace_that_ends_stops_the_creation_of_pods() {
    let mut stage = Stage::new(&WORKLOADS, cloud::Config::default());
    let mut doc = deployment(2, &json!({}));
    doc["metadata"]["namespace"] = json!("absent");
    stage.add(doc);
    stage.run(Duration::from_secs(2));
    let events = stage.events();
    assert!(events.iter().any(|e| e.starts_with("ReplicaSetCreateError Failed to create new replica set")), "{events:?}");
    let d = stage.store.head().deployments.get("absent", "web").unwrap().clone();
    assert_eq!(&*condition::find(&d.status.conditions, "Progressing").unwrap().reason, "ReplicaSetCreateError");
}

fn web_service(kind: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default", "uid": "s1"},
        "spec": {"type": kind, "clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}})
}

#[test]
fn a_service_has_its_pods_in_slices_and_endpoints() {
    let enabled = [Which::Deployment, Which::ReplicaSet, Which::EndpointSlice, Which::Endpoints];
    let mut stage = Stage::new(&enabled, cloud::Config::default());
    stage.add(web_service("ClusterIP"));
    stage.run(Duration::from_secs(1));
    let slices = |stage: &Stage| -> Vec<(usize, Vec<Option<u16>>)> {
        let one = |s: &Arc<crate::objects::endpoint_slice::EndpointSlice>| {
            (s.endpoints.len(), s.ports.iter().map(|p| p.port).collect())
        };
        stage.store.head().slices_of("default", "web").map(one).collect()
    };
    assert_eq!(slices(&stage), [(0, vec![])], "a placeholder without ports");
    stage.add(deployment(3, &json!({})));
    stage.run(Duration::from_secs(10));
    assert_eq!(slices(&stage), [(3, vec![Some(8080)])]);
    let endpoints = |stage: &Stage| stage.store.head().endpoints.get("default", "web").unwrap().subsets.clone();
    assert_eq!(endpoints(&stage)[0].ready.len(), 3);
    stage.change(DEPLOYMENT, "default", "web", |doc| doc["spec"]["replicas"] = json!(1));
    stage.run(Duration::from_secs(10));
    assert_eq!(endpoints(&stage)[0].ready.len(), 1, "terminating pods leave Endpoints");
    let head = stage.store.head();
    let terminating = head.slices_of("default", "web").flat_map(|s| &s.endpoints).filter(|e| e.terminating == Some(true)).count();
    assert_eq!(terminating, 2, "but stay in slices, as nobody here confirms their end");
}

#[test]
fn a_cloud_gives_an_address_after_a_while_and_takes_it_back() {
    let cloud = cloud::Config { provider: cloud::Provider::Generic, ..cloud::Config::default() };
    let mut stage = Stage::new(&[Which::ServiceLb], cloud);
    stage.add(web_service("LoadBalancer"));
    stage.run(Duration::from_secs(29));
    let service = |stage: &Stage| stage.store.head().services.get("default", "web").cloned();
    assert!(service(&stage).unwrap().ingress.is_empty());
    stage.run(Duration::from_secs(2));
    assert_eq!(service(&stage).unwrap().ingress.len(), 1);
    assert_eq!(service(&stage).unwrap().meta.finalizers.len(), 1);
    assert_eq!(stage.events(), ["EnsuringLoadBalancer Ensuring load balancer", "EnsuredLoadBalancer Ensured load balancer"]);
    let kind = crate::objects::KindName { group: "".into(), kind: "Service".into() };
    stage
        .write(Write::Delete { kind, namespace: "default".into(), name: "web".into(), uid: None, grace: None, propagation: None })
        .unwrap();
    assert!(service(&stage).is_some(), "held by the finalizer");
    stage.run(Duration::from_secs(5));
    assert!(service(&stage).is_none());
}

#[test]
fn a_deployment_takes_in_the_sets_it_was_made_for() {
    let mut stage = rolled_out(2, &json!(1), &json!(0));
    let kind = crate::objects::KindName { group: "apps".into(), kind: "Deployment".into() };
    let propagation = Some(crate::api::request::Propagation::Orphan);
    stage
        .write(Write::Delete { kind, namespace: "default".into(), name: "web".into(), uid: None, grace: None, propagation })
        .unwrap();
    stage.run(Duration::from_secs(5));
    let owners = |stage: &Stage| {
        let sets: Vec<_> =
            stage.store.head().replica_sets.iter().map(|s| s.meta.controller().map(|o| o.uid.to_string())).collect();
        (sets, stage.count_pods())
    };
    assert_eq!(owners(&stage), (vec![None], 2));
    let mut again = deployment(2, &json!({}));
    again["metadata"]["uid"] = json!("d2");
    stage.add(again);
    stage.run(Duration::from_secs(5));
    assert_eq!(owners(&stage), (vec![Some("d2".to_string())], 2), "no second set, no other pods");
}

#[test]
fn a_name_that_is_taken_is_counted_as_a_collision() {
    let stage = rolled_out(1, &json!(1), &json!(0));
    let taken = stage.store.head().replica_sets.iter().next().unwrap().meta.name.to_string();
    let mut stage = Stage::new(&WORKLOADS, cloud::Config::default());
    stage.add(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": taken, "namespace": "default", "uid": "other"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "other"}}, "template": {"metadata": {"labels": {"app": "other"}}}}}));
    stage.add(deployment(1, &json!({})));
    stage.run(Duration::from_secs(10));
    let made = stage.store.head().deployments.get("default", "web").unwrap().clone();
    assert_eq!((made.status.collisions, made.status.available), (Some(1), 1));
    assert_eq!(stage.store.head().replica_sets.len(), 2);
}
