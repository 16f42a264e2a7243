//! What lets simulated time pass.

use insta::assert_snapshot;
use serde_json::json;

use super::world::{FakeHost, FakeWorld};
use super::{deployment, pod, run_all};
use crate::console::host::World;
use crate::engine::time::{Duration, Instant};

fn at(host: &mut FakeHost, seconds: u64, change: impl FnOnce(&mut FakeWorld) + 'static) {
    host.world.script.push((Instant::START + Duration::from_secs(seconds), Box::new(change)));
}

fn new(objects: Vec<serde_json::Value>) -> FakeHost {
    FakeHost::new(objects, "2026-01-01T12:00:00Z")
}

#[test]
fn rollout_status_tells_each_stage_once() {
    let mut web = deployment("web");
    web["status"]["updatedReplicas"] = json!(1);
    let mut host = new(vec![web.clone()]);
    for (second, available) in [(2, 1), (4, 2)] {
        let mut next = web.clone();
        next["status"]["updatedReplicas"] = json!(2);
        next["status"]["availableReplicas"] = json!(available);
        at(&mut host, second, move |world| world.put(next));
    }
    assert_snapshot!(run_all(&mut host, &["kubectl rollout status deploy/web"]), @r#"
    $ kubectl rollout status deploy/web
    Waiting for deployment "web" rollout to finish: 1 out of 2 new replicas have been updated...
    Waiting for deployment "web" rollout to finish: 1 of 2 updated replicas are available...
    deployment "web" successfully rolled out
    "#);
    assert_eq!(host.world.elapsed().as_nanos(), 4_000_000_000);
}

#[test]
fn wait_ends_when_the_condition_holds_or_the_time_is_over() {
    let mut host = new(vec![deployment("web"), pod("web-1")]);
    at(&mut host, 31, |world| world.remove("", "pods", "default", "web-1"));
    assert_snapshot!(run_all(&mut host, &[
        "kubectl wait --for=condition=available deploy/web", "kubectl wait --for=condition=Complete pod/web-1",
        "kubectl wait --for=delete pod/web-1 --timeout=60s", "kubectl wait --for=delete pod/web-1",
        "kubectl wait --for=condition=ready pod -l app=none", "kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 deploy/web",
        "kubectl wait pod/web-1 --for=condition=ready",
    ]), @r#"
    $ kubectl wait --for=condition=available deploy/web
    deployment.apps/web condition met
    $ kubectl wait --for=condition=Complete pod/web-1
    ! error: timed out waiting for the condition on pods/web-1
    exit 1
    $ kubectl wait --for=delete pod/web-1 --timeout=60s
    pod/web-1 condition met
    $ kubectl wait --for=delete pod/web-1
    $ kubectl wait --for=condition=ready pod -l app=none
    ! error: no matching resources found
    exit 1
    $ kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 deploy/web
    deployment.apps/web condition met
    $ kubectl wait pod/web-1 --for=condition=ready
    ! Error from server (NotFound): pods "web-1" not found
    exit 1
    "#);
    assert_eq!(host.world.elapsed().as_nanos(), 31_000_000_000);
}

#[test]
fn a_watch_ends_after_half_a_minute_of_quiet() {
    let mut host = new(vec![pod("web-1")]);
    at(&mut host, 5, |world| world.put(pod("a-pod-with-a-long-name")));
    at(&mut host, 20, |world| world.put(deployment("other")));
    at(&mut host, 34, |world| world.remove("", "pods", "default", "web-1"));
    assert_snapshot!(run_all(&mut host, &["kubectl get pods -w --output-watch-events"]), @r#"
    $ kubectl get pods -w --output-watch-events
    EVENT      NAME    READY   STATUS    RESTARTS   AGE
    ADDED      web-1   1/1     Running   0          5m
    ADDED      a-pod-with-a-long-name   1/1     Running   0          5m5s
    DELETED    web-1                    1/1     Running   0          5m34s
    "#);
    assert_eq!(host.world.elapsed().as_nanos(), 64_000_000_000);
}

#[test]
fn run_interactively_enters_the_pod_and_leaves_no_trace() {
    let mut host = new(vec![]);
    at(&mut host, 3, |world| world.put(pod("tmp")));
    assert_snapshot!(run_all(&mut host, &["kubectl run -it --rm tmp --image=busybox"]), @r#"
    $ kubectl run -it --rm tmp --image=busybox
    ! If you don't see a command prompt, try pressing enter.
    "#);
    assert_snapshot!(format!("{:?}", host.entered), @r#"[(Pod { namespace: "default", pod: "tmp", container: "tmp" }, Some(["kubectl", "delete", "pod", "tmp", "-n", "default"]))]"#);
    assert_snapshot!(run_all(&mut host, &[
        "kubectl exec -it tmp -- sh", "kubectl delete pod tmp -n default", "kubectl run -i tmp --image=busybox --restart=Never -- date",
    ]), @r#"
    $ kubectl exec -it tmp -- sh
    $ kubectl delete pod tmp -n default
    pod "tmp" deleted
    $ kubectl run -i tmp --image=busybox --restart=Never -- date
    ! error: timed out waiting for the condition
    exit 1
    "#);
}
