//! What `curl -v` tells of a transfer, in the words of curl 8.9: `*` what it does, `>` what it sends, `<` what it hears.
//!
//! Left out: the two lines about the "bundle" of connections, which hold an address in curl's memory (and went with 8.10); the
//! date that servers send; the progress meter, as on a terminal. The real thing: `infof` all over curl's `lib/`.

use std::net::{IpAddr, SocketAddr};

use crate::network::wire::HttpRequest;

/// The version that is spoken.
const VERSION: &str = "8.9.1";

/// The lines told so far; nothing is noted unless they are wanted.
#[derive(Debug, Default)]
pub struct Verbose {
    wanted: bool,
    lines: String,
}

impl Verbose {
    /// A transfer begins.
    pub fn new(wanted: bool) -> Verbose {
        Verbose { wanted, lines: String::new() }
    }

    /// What was told.
    pub fn into_lines(self) -> String {
        self.lines
    }

    fn line(&mut self, mark: char, text: &str) {
        if self.wanted {
            self.lines.extend([mark, ' ']);
            self.lines.push_str(text);
            self.lines.push('\n');
        }
    }

    /// A line about what curl does.
    pub fn info(&mut self, text: impl AsRef<str>) {
        self.line('*', text.as_ref());
    }

    /// A name was looked up.
    pub fn resolved(&mut self, host: &str, port: u16, addresses: &[IpAddr]) {
        let of = |v6: bool| {
            let all: Vec<String> = addresses.iter().filter(|ip| ip.is_ipv6() == v6).map(IpAddr::to_string).collect();
            if all.is_empty() { "(none)".to_string() } else { all.join(", ") }
        };
        self.info(format!("Host {host}:{port} was resolved."));
        self.info(format!("IPv6: {}", of(true)));
        self.info(format!("IPv4: {}", of(false)));
    }

    /// A connection is tried.
    pub fn trying(&mut self, to: SocketAddr) {
        self.info(format!("  Trying {to}..."));
    }

    /// The request as it is sent.
    pub fn sent(&mut self, request: &HttpRequest) {
        self.line('>', &format!("{} {} HTTP/1.1", request.method, request.path));
        self.line('>', &format!("Host: {}", request.host));
        self.line('>', &format!("User-Agent: curl/{VERSION}"));
        self.line('>', "Accept: */*");
        self.line('>', "");
        self.info("Request completely sent off");
    }

    /// The head of the answer.
    pub fn heard(&mut self, headers: &str) {
        for line in headers.lines() {
            self.line('<', line);
        }
    }
}
