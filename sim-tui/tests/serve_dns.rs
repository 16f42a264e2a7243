//! `kubewalk serve-dns` asked by real programs: BIND's dig and nslookup where they are installed, and by a client of our own.

#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sim_core::dns::message::{Question, Rcode};
use sim_tui::cli::serve_dns::message;

/// A server on a free port, ended with the test.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start() -> Server {
        let input = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/serve_dns/cluster.yaml");
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubewalk"))
            .args(["serve-dns", input, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubewalk starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let port = line.split("127.0.0.1:").nth(1).and_then(|rest| rest.split(',').next()).expect("a port").to_owned();
        Server { child, port }
    }

    /// The output of a program; `None` if it is not installed.
    fn asked_by(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let port = if program == "dig" { vec!["-p".to_owned(), self.port.clone()] } else { vec![format!("-port={}", self.port)] };
        match Command::new(program).args(port).args(arguments).output() {
            Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
            Err(_) => {
                eprintln!("{program} is not installed: this part is not tested here");
                None
            }
        }
    }

    fn dig(&self, arguments: &str) -> Option<String> {
        let words: Vec<&str> = ["@127.0.0.1", "+tries=1"].into_iter().chain(arguments.split(' ')).collect();
        self.asked_by("dig", &words)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn real_clients_are_answered() {
    let server = Server::start();

    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let question = Question::new("web.default.svc.cluster.local.", "A");
    let to = format!("127.0.0.1:{}", server.port);
    client.send_to(&message::ask(1, &question).expect("a question"), to).expect("sent");
    let mut buffer = [0; 512];
    let length = client.recv(&mut buffer).expect("a reply");
    let reply = message::read(&buffer[..length]).expect("understood");
    assert_eq!((reply.rcode, &*reply.answers[0].data), (Rcode::NoError, "10.96.0.20"));

    for (arguments, lines) in [
        ("+short web.default.svc.cluster.local", "10.96.0.20\n"),
        ("+short +tcp web.default.svc.cluster.local", "10.96.0.20\n"),
        ("+short -x 10.96.0.20", "web.default.svc.cluster.local.\n"),
        ("+short -t SRV _http._tcp.web.default.svc.cluster.local", "0 100 80 web.default.svc.cluster.local.\n"),
        ("+noall +answer web.default.svc.cluster.local", "web.default.svc.cluster.local. 30 IN\tA\t10.96.0.20\n"),
    ] {
        if let Some(text) = server.dig(arguments) {
            assert_eq!(text, lines, "dig {arguments}");
        }
    }
    for (arguments, part) in [
        ("nope.default.svc.cluster.local", "status: NXDOMAIN"),
        ("nope.default.svc.cluster.local", "cluster.local.\t\t30\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local."),
        ("web.default.svc.cluster.local", "flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1"),
        ("+ignore +noedns many.default.svc.cluster.local", "flags: qr aa tc rd;"),
        ("+noedns many.default.svc.cluster.local", "ANSWER: 60,"),
        ("axfr cluster.local", "Transfer failed"),
        ("+edns=1 +noednsneg web.default.svc.cluster.local", "status: BADVERS"),
        ("-c CH web.default.svc.cluster.local", "status: REFUSED"),
    ] {
        if let Some(text) = server.dig(arguments) {
            assert!(text.contains(part), "dig {arguments}: {text}");
        }
    }
    if let Some(text) = server.asked_by("nslookup", &["web.default.svc.cluster.local", "127.0.0.1"]) {
        assert!(text.contains("Name:\tweb.default.svc.cluster.local\nAddress: 10.96.0.20\n"), "{text}");
    }
}
