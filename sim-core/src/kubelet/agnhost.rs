//! agnhost's servers: which ports each of its commands listens on.
//!
//! In a real cluster it is the image of Kubernetes' own end-to-end tests and of many tutorials: one program, and the first
//! argument says what it is. We model the ports of the commands below and their flags; other commands are guessed to listen on the
//! ports that the pod declares. Left out: what `porter` reads from the environment, TLS, the answers of each but `netexec`.
//! The real thing: `test/images/agnhost` of Kubernetes.

use super::images::{Listener, tcp};
use crate::objects::pod_spec::{Container, Protocol};

/// What a container of agnhost listens on; `None` if that command is not known. The image's own command is `pause`.
pub(super) fn listeners(container: &Container) -> Option<Vec<Listener>> {
    let words = container.command.iter().chain(&container.args).map(|word| &**word);
    let mut words = words.skip_while(|word| *word == "agnhost" || *word == "/agnhost");
    let command = words.next().unwrap_or("pause");
    let flags: Vec<&str> = words.collect();
    let on = |protocol, port: Option<u16>| port.map(|port| Listener { port, bind: None, protocol });
    Some(match command {
        "pause" => Vec::new(),
        "netexec" => [
            on(Protocol::Tcp, flag(&flags, "--http-port", Some(8080))),
            on(Protocol::Udp, flag(&flags, "--udp-port", Some(8081))),
            on(Protocol::Sctp, flag(&flags, "--sctp-port", None)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        "serve-hostname" => {
            let port = flag(&flags, "--port", Some(9376));
            let is_on = |name: &str| flags.iter().any(|f| *f == name || *f == format!("{name}=true"));
            let web = !flags.contains(&"--http=false") || is_on("--tcp");
            let protocols = [(web, Protocol::Tcp), (is_on("--udp"), Protocol::Udp)];
            protocols.into_iter().filter(|(wanted, _)| *wanted).filter_map(|(_, protocol)| on(protocol, port)).collect()
        }
        "liveness" | "nettest" => vec![tcp(8080)],
        "test-webserver" => vec![tcp(80)],
        _ => return None,
    })
}

/// The port that a flag gives (`--port=80` or `--port 80`), or the usual one; a negative number switches it off.
fn flag(flags: &[&str], name: &str, usual: Option<u16>) -> Option<u16> {
    let given = flags.iter().enumerate().rev().find_map(|(at, flag)| match flag.strip_prefix(name)? {
        "" => flags.get(at + 1).copied(),
        tail => tail.strip_prefix('='),
    });
    given.map_or(usual, |text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_argument_says_what_it_is() {
        let cases: [(&[&str], &[&str], Option<&str>); 9] = [
            (&[], &[], Some("")),
            (&[], &["netexec"], Some("8080/TCP 8081/UDP")),
            (&[], &["netexec", "--http-port=9000", "--udp-port", "53"], Some("9000/TCP 53/UDP")),
            (&["/agnhost", "netexec"], &["--udp-port=-1", "--sctp-port=38412"], Some("8080/TCP 38412/SCTP")),
            (&[], &["serve-hostname"], Some("9376/TCP")),
            (&[], &["serve-hostname", "--http=false", "--udp", "--port=80"], Some("80/UDP")),
            (&["/agnhost"], &["pause"], Some("")),
            (&[], &["test-webserver"], Some("80/TCP")),
            (&[], &["webhook"], None),
        ];
        for (command, args, want) in cases {
            let words = |list: &[&str]| list.iter().map(|w| (*w).into()).collect::<Vec<_>>();
            let container = Container { command: words(command), args: words(args), ..Container::default() };
            let found = listeners(&container)
                .map(|list| list.iter().map(|l| format!("{}/{}", l.port, l.protocol.text())).collect::<Vec<_>>().join(" "));
            assert_eq!(found.as_deref(), want, "{command:?} {args:?}");
        }
    }
}
