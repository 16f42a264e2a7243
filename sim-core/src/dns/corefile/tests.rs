use insta::assert_snapshot;

use super::*;
use crate::dns::config::PodsMode;

fn why(text: &str) -> String {
    Corefile::read(text).map(|_| "understood".to_owned()).unwrap_or_else(|why| why)
}

/// The stock file says what the options say it should, and is understood again.
#[test]
fn the_stock_file() {
    let reverse = vec!["in-addr.arpa".to_owned(), "ip6.arpa".to_owned()];
    let server = ServerConfig {
        zones: [vec!["cluster.local".to_owned()], reverse.clone()].concat(),
        pods: PodsMode::Insecure,
        ttl: 30,
        fall_through: reverse,
        cache: Some(30),
        cache_except: vec!["cluster.local".to_owned()],
        ..ServerConfig::default()
    };
    let text = stock(&server);
    assert_snapshot!(text, @r"
    .:53 {
        errors
        health {
           lameduck 5s
        }
        ready
        kubernetes cluster.local in-addr.arpa ip6.arpa {
           pods insecure
           fallthrough in-addr.arpa ip6.arpa
           ttl 30
        }
        prometheus :9153
        forward . /etc/resolv.conf {
           max_concurrent 1000
        }
        cache 30 {
           disable success cluster.local
           disable denial cluster.local
        }
        loop
        reload
        loadbalance
    }
    ");
    let file = Corefile::read(&text).unwrap();
    let block = &file.blocks[0];
    assert_eq!((&block.keys[..], file.banner()), (&[(".".to_owned(), 53)][..], ".:53\n".to_owned()));
    let kubernetes = block.kubernetes.as_ref().unwrap();
    assert_eq!((kubernetes.ttl, kubernetes.pods, kubernetes.zones.len()), (30, PodsMode::Insecure, 3));
    assert_eq!(block.forward[0].files, ["/etc/resolv.conf"]);
    let cache = block.cache.as_ref().unwrap();
    assert_eq!((cache.success.ttl_max, &*cache.denial.except[0]), (30, "cluster.local."));
    assert_eq!(file.reload.unwrap().interval, Duration::from_secs(30));
    assert!(block.loop_check && block.errors && block.loadbalance && file.passed_over.is_empty());
}

#[test]
fn what_is_wrong_is_said_as_coredns_says_it() {
    let in_block = |line: &str| why(&format!(".:53 {{\n    {line}\n}}\n"));
    for (line, text) in [
        ("kubernets cluster.local", "/etc/coredns/Corefile:2 - Error during parsing: Unknown directive 'kubernets'"),
        (
            "kubernetes in.example {\n pods all\n }",
            "plugin/kubernetes: wrong value for pods: all,  must be one of: disabled, verified, insecure",
        ),
        (
            "kubernetes cluster.local {\n pods\n }",
            "plugin/kubernetes: /etc/coredns/Corefile:3 - Error during parsing: Wrong argument count or unexpected line ending after 'pods'",
        ),
        (
            "kubernetes cluster.local {\n ttl 4000\n }",
            "plugin/kubernetes: /etc/coredns/Corefile:3 - Error during parsing: ttl must be in range [0, 3600]: 4000",
        ),
        ("kubernetes cluster.local {\n ttl x\n }", "plugin/kubernetes: strconv.Atoi: parsing \"x\": invalid syntax"),
        (
            "kubernetes cluster.local {\n tll 5\n }",
            "plugin/kubernetes: /etc/coredns/Corefile:3 - Error during parsing: unknown property 'tll'",
        ),
        ("kubernetes 0.10.in-addr.arpa", "plugin/kubernetes: non-reverse zone name must be used"),
        ("cache 0", "plugin/cache: cache TTL can not be zero or negative: 0"),
        ("cache 30\n cache 20", "plugin/cache: this plugin can only be used once per Server Block"),
        (
            "forward .",
            "plugin/forward: /etc/coredns/Corefile:2 - Error during parsing: Wrong argument count or unexpected line ending after '.'",
        ),
        ("forward . dns.example", "plugin/forward: not an IP address or file: \"dns.example\""),
        ("reload 1s", "plugin/reload: interval value must be greater or equal to 2s"),
        ("reload 10", "plugin/reload: time: missing unit in duration \"10\""),
        (
            "hosts {\n fallthrough\n 1.2.3.4 x\n }",
            "plugin/hosts: /etc/coredns/Corefile:4 - Error during parsing: unknown property '1.2.3.4'",
        ),
        ("transfer {\n}", "plugin/transfer: plugin/transfer: /etc/coredns/Corefile:2 - Error during parsing: 'to' is required"),
        ("errors stderr", "plugin/errors: /etc/coredns/Corefile:2 - Error during parsing: invalid log file: stderr"),
        ("errors {", "understood"),
        ("errors {\n {", "/etc/coredns/Corefile:4 - Error during parsing: Unexpected EOF"),
        ("whoami", "understood"),
    ] {
        assert_eq!(in_block(line), text, "{line}");
    }
    for (text, error) in [
        (".:53 {\n    errors\n", "/etc/coredns/Corefile:2 - Syntax error: Unexpected token 'errors', expecting '}'"),
        (".:53 {\n}\n. {\n}\n", "cannot serve dns://.:53 - it is already defined"),
        (
            "a, {\n}\n",
            "/etc/coredns/Corefile:1 - Error during parsing: Expected another address but had '{' - check for extra comma",
        ),
        ("a:\n", "expecting data after last colon: \"a:\""),
        (
            "(x) {\n import x\n}\n. {\n import x\n}",
            "/etc/coredns/Corefile:2 - Error during parsing: maximum snippet import depth (10000) exceeded",
        ),
        (". {\n import y\n}", "/etc/coredns/Corefile:2 - Error during parsing: File to import not found: y"),
        ("", "understood"),
    ] {
        assert_eq!(why(text), error, "{text}");
    }
}

#[test]
fn blocks_ports_and_snippets() {
    let file = Corefile::read(
        "(common) {\n  errors\n  cache 10\n}\nexample.org:53, corp.example {\n  import common\n  forward . 10.9.9.9:5353\n}\n\
         . {\n  import common\n  forward . 192.0.2.1 192.0.2.2 {\n    policy sequential\n    except a.b\n  }\n  acl\n}\nx.y:1053 {\n whoami\n}\n",
    )
    .unwrap();
    let zone = |name: &str| file.block(53, name).map(|(at, _)| at);
    assert_eq!((zone("www.example.org."), zone("CORP.example"), zone("x.y"), zone(".")), (Some(0), Some(0), Some(1), Some(1)));
    assert_eq!(file.block(1053, "z.x.y.").map(|(at, _)| at), Some(2));
    assert_eq!(file.blocks[0].forward[0].to, ["10.9.9.9:5353".parse().unwrap()]);
    assert_eq!(file.blocks[1].forward[0].policy, Policy::Sequential);
    assert_eq!(file.passed_over, ["acl", "whoami"]);
    assert!(!file.listens(54));
}

proptest::proptest! {
    /// Whatever stands in the ConfigMap, reading it ends, with a file or with one line.
    #[test]
    fn any_text_is_understood_or_refused(text in "[.:{}a-c,\"\\\\#() \n]{0,60}|\\PC{0,80}|(\\. \\{\n( *(import|hosts|cache|errors|kubernetes|rewrite|\\{|\\}|x|5|\"|\n)){0,12}\\}){0,3}") {
        if let Err(why) = Corefile::read(&text) {
            proptest::prop_assert!(!why.is_empty());
        }
    }
}
