use super::*;
use crate::objects::{KindName, Object};
use serde_json::json;

fn pod(name: &str, node: &str) -> Object {
    Object::parse(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": {"nodeName": node}}),
    )
}

fn ms(n: u64) -> Instant {
    Instant::START + Duration::from_millis(n)
}

#[test]
fn a_photograph_does_not_change() {
    let mut store = Store::default();
    let (id, _) = store.insert(pod("a", "n1"), ms(1));
    store.insert(pod("b", "n1"), ms(5));
    let before = store.head().pods.by_id(id).unwrap().clone();
    store.replace(id, Object::Pod(before), pod("a", "n2"), ms(9));
    let names =
        |at: u64, node: &str| store.view_at(ms(at)).pods_on(node).map(|(_, p)| p.meta.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(4, "n1"), ["a"]);
    assert_eq!(names(6, "n1"), ["a", "b"]);
    assert_eq!((names(9, "n1"), names(9, "n2")), (vec!["b".to_string()], vec!["a".to_string()]));
}

#[test]
fn the_log_gives_what_changed_and_says_when_it_cannot() {
    let mut store = Store::default();
    for n in 0..LOG_MAX as u64 + 10 {
        store.insert(pod(&format!("p{n}"), "n1"), ms(n));
    }
    let revisions: Vec<u64> = store.changes(100, 103).unwrap().map(|c| c.revision).collect();
    assert_eq!(revisions, [101, 102, 103]);
    assert!(store.changes(3, 20).is_err(), "too old");
    assert_eq!(store.changes(store.revision(), store.revision()).unwrap().count(), 0);
}

#[test]
fn lists_are_in_the_order_of_the_api() {
    let mut store = Store::default();
    for name in ["b", "c", "a"] {
        store.insert(pod(name, "n1"), ms(1));
    }
    let kind = KindName { group: "".into(), kind: "Pod".into() };
    let names: Vec<String> = store.head().list(&kind, "default").iter().map(|o| o.meta().name.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(store.head().list(&kind, "other").is_empty());
    assert!(store.head().find(&kind, "default", "b").is_some());
}
