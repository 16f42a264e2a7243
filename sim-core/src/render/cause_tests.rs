use super::*;
use crate::cluster::faults::{ActiveFault, Fault, NodeFault};
use crate::dns::message::Rcode;
use crate::engine::time::Duration;
use crate::explain::origin::FileLine;
use crate::objects::labels::Selector;
use crate::objects::pod_spec::Protocol::{Tcp, Udp};

fn labels() -> Labels {
    Labels::of(&[("app", "web")])
}

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| Name::from(*name)).collect()
}

#[test]
fn each_cause_is_told() {
    let old = |lack, gone, changed| Cause::OldRules { age: Duration::from_secs(5), lack, gone, changed };
    let placed = |unspread: Option<&str>, by_node: &[(Option<&str>, usize)]| Cause::Placement {
        unspread: unspread.map(Name::from),
        by_node: by_node.iter().map(|(node, n)| (node.map(Name::from), *n)).collect(),
    };
    let ports = |asked| Cause::Ports { ports: vec![(80, Tcp), (53, Udp)], asked };
    let taken = |why| Cause::NodePortNotTaken { port: 30_080, node: "n".into(), why };
    let power = ActiveFault { fault: Fault::Node("n".into(), NodeFault::PowerOff), link: None };
    for (cause, want) in [
        (Cause::Field("targetPort", "80".into()), "targetPort: 80"),
        (Cause::SourceRanges(names(&["10.0.0.0/8", "x"])), "loadBalancerSourceRanges: [10.0.0.0/8, x]"),
        (Cause::Selector(labels()), "selector app=web"),
        (Cause::NodeSelector("disk".into(), "ssd".into()), "nodeSelector disk=ssd"),
        (Cause::PodSelector(Selector::default()), "podSelector all"),
        (Cause::PolicySelectsPod, "podSelector selects the pod"),
        (Cause::Concerns(ObjectName::new("Service", "a", "b")), "Service a/b"),
        (
            Cause::Finds { selector: Some(labels()), endpoints: 1, able: Some(1) },
            "selector app=web finds 1 endpoint, of which 1 may answer here",
        ),
        (Cause::Finds { selector: None, endpoints: 2, able: None }, "endpoints made by hand: 2"),
        (Cause::FindsNobody(labels(), Nobody::NoPod("a".into())), "selector app=web matches no pod of namespace a"),
        (Cause::FindsNobody(labels(), Nobody::NotReady(2, names(&["p"]))), "selector app=web matches 2 pods, 1 not ready: p"),
        (
            Cause::FindsNobody(labels(), Nobody::NoPortNumber(1)),
            "selector app=web matches 1 pod, but none gives this port a number",
        ),
        (
            Cause::FindsNobody(labels(), Nobody::NotSeenReady(1)),
            "selector app=web matches 1 pod, whose endpoints are not ready as this node last saw them",
        ),
        (old(1, 0, 2), "has rules that are 5.0s old: they lack 1 endpoint, hold 2 endpoints in a state that has changed"),
        (old(0, 1, 0), "has rules that are 5.0s old: they name 1 endpoint that is gone by now"),
        (placed(None, &[(Some("n"), 1)]), "its one pod is on n"),
        (placed(Some("web"), &[(Some("n"), 2)]), "Deployment web has no spread, both pods are on n"),
        (placed(None, &[(None, 3)]), "all 3 pods are on no node"),
        (placed(None, &[(Some("m"), 1), (Some("n"), 2)]), "its pods: 1 on m, 2 on n"),
        (Cause::Listening { asked: 81, open: vec![] }, "no program there listens at all, so not on 81 either"),
        (Cause::Listening { asked: 81, open: vec![(80, Tcp)] }, "the programs there listen on 80/TCP"),
        (taken(NotTaken::Protocol(Tcp, Udp)), "has 30080 as a node port of n, for TCP only, and UDP was asked for"),
        (
            taken(NotTaken::Closed(Closed::Loopback, vec![])),
            "has 30080 as a node port of n, and kube-proxy takes none on that loopback address, as this cluster is set; n takes them nowhere",
        ),
        (
            taken(NotTaken::Closed(Closed::FirstAddressOnly, vec![[10, 0, 0, 1].into()])),
            "has 30080 as a node port of n, and nftables mode takes node ports on a node's first address of a family only; \
             n takes them at 10.0.0.1",
        ),
        (
            taken(NotTaken::Closed(Closed::LeftOut([10, 0, 0, 2].into()), vec![])),
            "has 30080 as a node port of n, and nodePortAddresses leaves 10.0.0.2 out; n takes them nowhere",
        ),
        (
            Cause::NotProgrammed(NotProgrammed::OtherProxy),
            "the label service.kubernetes.io/service-proxy-name leaves it to another proxy than kube-proxy",
        ),
        (
            Cause::NotProgrammed(NotProgrammed::OldRules("n".into(), Duration::from_secs(5))),
            "has this port, and n has no rule for it: its rules are 5.0s old",
        ),
        (Cause::NotProgrammed(NotProgrammed::NotMet), "has this port, and no rule for it was met"),
        (Cause::SourceKept("n".into(), [10, 0, 0, 1].into()), "n leaves the source 10.0.0.1 as it is"),
        (
            Cause::NodeDown { fault: Some(power.clone()), ready: Some(true) },
            "has no power (`heal node/n` mends it); kubectl get nodes says Ready",
        ),
        (Cause::NodeDown { fault: None, ready: None }, "has no power; kubectl get nodes says nothing of it"),
        (Cause::StillReady(1), "its endpoint still counts as ready"),
        (Cause::StillReady(2), "its 2 endpoints still count as ready"),
        (Cause::PodGone, "the pod that had this address is gone, and the rules of the node still name it"),
        (Cause::NobodyHas([10, 0, 0, 1].into()), "no Service and no pod has 10.0.0.1"),
        (ports((81, Tcp)), "ports: 80/TCP, 53/UDP; 81 is none of them"),
        (ports((53, Tcp)), "ports: 80/TCP, 53/UDP; 53 is UDP only, and TCP was asked for"),
        (Cause::Broken(power), "has no power (`heal node/n` mends it)"),
    ] {
        assert_eq!(sentence(&cause), want);
    }
    assert!(sentence(&Cause::BindsLoopback(80)).starts_with("the program binds port 80 to 127.0.0.1;"));
    assert!(sentence(&Cause::NoSelector).starts_with("no selector, so nobody fills its endpoints but you:"));
}

#[test]
fn each_cause_of_a_name_is_told() {
    let asks = |asker, servers: &[[u8; 4]]| NameCause::AsksElsewhere {
        asker,
        servers: servers.iter().map(|ip| IpAddr::from(*ip)).collect(),
        full: "web.a.svc.x".to_string(),
    };
    for (cause, want) in [
        (
            asks(Asker::Outside, &[[192, 0, 2, 53]]),
            "a machine outside asks 192.0.2.53, which is not cluster DNS; only that knows web.a.svc.x",
        ),
        (asks(Asker::Node, &[]), "asks nobody, which is not cluster DNS; only that knows web.a.svc.x"),
        (
            asks(Asker::Pod("Default".into(), true), &[[192, 0, 2, 53]]),
            "hostNetwork: true, dnsPolicy: Default, so it asks 192.0.2.53, which is not cluster DNS; only that knows web.a.svc.x",
        ),
        (NameCause::NotSearched("web.a.svc.x".into()), "is web.a.svc.x in full; the client's search list does not lead there"),
        (NameCause::AliasWithoutAddress("10.0.0.1".into()), "externalName: 10.0.0.1, which is an address, not a name"),
        (
            NameCause::AliasWithoutAddress("x.org".into()),
            "externalName: x.org, and no server that cluster DNS asks gives x.org an address",
        ),
        (
            NameCause::HeadlessWithout(0),
            "clusterIP: None, so its name stands for the addresses of its ready pods, and it has none",
        ),
        (
            NameCause::HeadlessWithout(1),
            "clusterIP: None, so its name stands for the addresses of its ready pods, and it has 1 address by now",
        ),
        (NameCause::NotTold, "exists; the server that answered does not tell of it, by an older view or by its Corefile"),
        (NameCause::ServerAnswers([10, 0, 0, 1].into(), Rcode::ServFail), "10.0.0.1 answers SERVFAIL"),
        (NameCause::ServerSilent(([10, 0, 0, 1], 53).into()), "a way to 10.0.0.1:53/UDP is open, but no answer comes"),
    ] {
        assert_eq!(sentence(&Cause::Name(cause)), want);
    }
}

#[test]
fn a_place_stands_for_the_object() {
    let field = Because::of(ObjectName::new("Service", "a", "b"), Cause::Field("type", "NodePort".into()));
    assert_eq!(text(&field), "Service a/b type: NodePort");
    let placed = field.clone().at(Some(FileLine { file: "svc.yaml".into(), line: 7 }));
    assert_eq!(text(&placed), "svc.yaml:7 type: NodePort");
    assert_eq!(json(&placed), json!({"object": "Service a/b", "place": "svc.yaml:7", "text": "type: NodePort"}));
    assert_eq!(text(&Because::fact(Cause::StillReady(1))), "its endpoint still counts as ready");
    let cut = ActiveFault { fault: Fault::Proxy("n".into()), link: None };
    assert_eq!(text(&Because::fact(Cause::Broken(cut))), "proxy/n is stopped (`heal proxy/n` mends it)");
}
