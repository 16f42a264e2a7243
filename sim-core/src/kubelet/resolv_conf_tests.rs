//! The upstream cases of resolv.conf, and the hosts file.

use serde_json::{Value, json};

use super::*;

fn strings(at: At<'_>) -> Vec<String> {
    at.items().filter_map(At::text).map(str::to_string).collect()
}

fn resolv_of(at: At<'_>) -> ResolvConf {
    ResolvConf {
        servers: strings(at.at("nameservers")),
        searches: strings(at.at("searches")),
        options: strings(at.at("options")),
    }
}

fn pod_of(case: At<'_>) -> Pod {
    let p = case.at("pod");
    let value = |key: &str| p.at(key).0.cloned().unwrap_or(Value::Null);
    let spec = json!({"dnsPolicy": value("dnsPolicy"), "dnsConfig": value("dnsConfig"), "hostNetwork": value("hostNetwork")});
    Pod::parse(&json!({"metadata": {"name": "probe", "namespace": value("namespace")}, "spec": spec}))
}

fn whole(case: At<'_>) -> (ResolvConf, Vec<Warning>) {
    let (kubelet, node) = (case.at("kubelet"), case.at("node"));
    let ips = |key: &str| kubelet.at(key).items().filter_map(At::ip).collect::<Vec<_>>();
    let (cluster_dns, node_ips) = (ips("clusterDNS"), ips("nodeIPs"));
    let node_file = (node.at("resolvConfPath").text() != Some("")).then(|| node.at("resolvConf").text().unwrap_or_default());
    let cluster_domain = kubelet.at("clusterDomain").text().unwrap_or_default();
    of_pod(&pod_of(case), &Settings { cluster_dns: &cluster_dns, cluster_domain, node_ips: &node_ips, node_file })
}

/// Runs the rule that the case's kind names.
fn run(case: At<'_>) -> (ResolvConf, Vec<Warning>) {
    let node_file = case.at("node").at("resolvConf").text().unwrap_or_default();
    let mut warnings = Vec::new();
    match case.at("kind").text().expect("kind") {
        "pod" => whole(case),
        "parse" => (ResolvConf::parse(node_file), warnings),
        "limits" => (limited(resolv_of(case.at("composed")), &mut warnings), warnings),
        "merge-options" => {
            let mut resolv = resolv_of(case.at("base"));
            add_custom(&mut resolv, &pod_of(case));
            (resolv, warnings)
        }
        "node-check" => {
            let domain = case.at("kubelet").at("clusterDomain").text().unwrap_or_default();
            (ResolvConf::default(), check_node_file(node_file, domain).into_iter().collect())
        }
        other => panic!("unknown kind {other}"),
    }
}

fn check(case: At<'_>) {
    let (name, want) = (case.at("name").text().expect("name"), case.at("expect"));
    if case.at("kind").text() == Some("policy") {
        let got = match base_of(&pod_of(case)) {
            Base::Cluster => "cluster",
            Base::Node => "node",
            Base::Empty => "empty",
        };
        return assert_eq!(Some(got), want.at("base").text(), "{name}");
    }
    let (resolv, warnings) = run(case);
    let wanted = resolv_of(want);
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    if want.at("nameservers").exists() {
        assert_eq!(resolv.servers, wanted.servers, "{name}");
    }
    if want.at("searches").exists() {
        assert_eq!(resolv.searches, wanted.searches, "{name}");
    }
    if want.at("options").exists() {
        assert_eq!(sorted(resolv.options), sorted(wanted.options), "{name}");
    }
    if want.at("events").exists() {
        let key = |w: &Warning| (w.reason.to_string(), w.message.clone());
        let text = |e: At<'_>, k: &str| e.at(k).text().unwrap_or_default().to_string();
        let wanted: Vec<_> = want.at("events").items().map(|e| (text(e, "reason"), text(e, "message"))).collect();
        assert_eq!(warnings.iter().map(key).collect::<Vec<_>>(), wanted, "{name}");
    }
}

#[test]
fn upstream_cases_of_resolv_conf() {
    let cases: Vec<Value> = serde_yaml::from_str(include_str!("../../../tests/cases/resolvconf.yaml")).expect("cases");
    for case in &cases {
        check(At::top(case));
    }
}

#[test]
fn a_long_search_list_is_cut_from_its_end() {
    let cut = |searches: Vec<String>| {
        let mut warnings = Vec::new();
        let resolv = limited(ResolvConf { searches, ..ResolvConf::default() }, &mut warnings);
        (resolv.searches, warnings.len())
    };
    let names = |list: &[&str]| list.iter().map(|s| (*s).to_string()).collect::<Vec<_>>();
    assert_eq!(cut(names(&["x", &"a".repeat(254), "y"])), (names(&["x", "y"]), 1));
    let (kept, warnings) = cut((0..20).map(|n| format!("{n:0>200}")).collect());
    assert_eq!((kept.len(), warnings), (10, 1));
}

#[test]
fn hosts_as_the_kubelet_writes_them() {
    let pod = Pod::parse(&json!({"metadata": {"name": "web-0", "namespace": "d"}, "spec": {"subdomain": "web",
        "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}, {"ip": "1.2.3.5", "hostnames": ["c"]}]}}));
    let text = hosts_file(&pod, "10.244.0.5".parse().ok(), "web-0", "cluster.local");
    let end = "10.244.0.5\tweb-0.web.d.svc.cluster.local\tweb-0\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n1.2.3.5\tc\n";
    assert!(text.starts_with("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n") && text.ends_with(end), "{text}");
}
