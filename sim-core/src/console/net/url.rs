//! URLs as curl and wget take them: scheme, host, port, path; and what curl 8 says of texts that are none.
//!
//! Left out: user names, lists and ranges (`{a,b}`, `[1-9]`), international names. The real thing: curl `lib/urlapi.c`,
//! `src/tool_urlglob.c`.

use std::net::Ipv6Addr;

/// A parsed URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Scheme is https.
    pub tls: bool,
    /// Host as written, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path with query, at least `/`.
    pub path: String,
    /// The `Host` header: host, and port if it is not the scheme's own.
    pub authority: String,
}

/// Why a text is no URL, in curl's order of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// A scheme that is not HTTP.
    Scheme(String),
    /// A bracket at this position that holds no address and is no range either; curl takes brackets for ranges first.
    Range(usize),
    /// A blank or a control character.
    Malformed,
    /// The port.
    Port,
    /// No host.
    NoHost,
    /// Brackets hold no IPv6 address.
    Ipv6,
    /// A character that no host name has.
    HostName,
}

impl Rejected {
    /// What curl exits with and says of it.
    pub fn said_by_curl(&self, text: &str) -> (i32, String) {
        let rejected = |why: &str| (3, format!("URL rejected: {why}"));
        match self {
            Rejected::Scheme(scheme) => (1, format!("Protocol \"{scheme}\" not supported")),
            Rejected::Range(at) => (3, format!("bad range specification in URL position {at}:\n{text}\n{:>at$}", '^')),
            Rejected::Malformed => rejected("Malformed input to a URL function"),
            Rejected::Port => rejected("Port number was not a decimal number between 0 and 65535"),
            Rejected::NoHost => rejected("No host part in the URL"),
            Rejected::Ipv6 => rejected("Bad IPv6 address"),
            Rejected::HostName => rejected("Bad hostname"),
        }
    }
}

impl Url {
    /// Reads `[http[s]://]host[:port][/path]`.
    pub fn parse(text: &str) -> Result<Url, Rejected> {
        if let Some(at) = text.find('[').filter(|at| !text[*at..].contains(']')) {
            return Err(Rejected::Range(at + 2));
        }
        if text.contains(|c: char| c == ' ' || c.is_ascii_control()) {
            return Err(Rejected::Malformed);
        }
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some((scheme, _)) => return Err(Rejected::Scheme(scheme.to_string())),
            None => (false, text),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let (host, port, v6) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, "")) => (host, None, true),
            Some((host, tail)) => (host, Some(tail.strip_prefix(':').ok_or(Rejected::Port)?), true),
            None => authority.split_once(':').map_or((authority, None, false), |(host, port)| (host, Some(port), false)),
        };
        let scheme_port = if tls { 443 } else { 80 };
        let port = match port.filter(|port| !port.is_empty()) {
            None => scheme_port,
            // Nobody can connect to port 0, though curl would let one try.
            Some(port) => port.parse().ok().filter(|p| *p > 0).ok_or(Rejected::Port)?,
        };
        match host {
            "" => return Err(Rejected::NoHost),
            host if v6 && host.parse::<Ipv6Addr>().is_err() => return Err(Rejected::Ipv6),
            host if !v6 && host.contains(NOT_IN_NAMES) => return Err(Rejected::HostName),
            _ => {}
        }
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        Ok(Url { tls, host: host.to_string(), port, path, authority: authority.to_string() })
    }
}

/// What curl finds in no host name.
const NOT_IN_NAMES: [char; 27] = [
    '/', ':', '#', '?', '!', '@', '{', '}', '[', ']', '\\', '$', '\'', '"', '^', '`', '*', '<', '>', '=', ';', ',', '+', '&',
    '(', ')', '\t',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let cases = [
            ("http://web", Some(("web", 80, "/", false))),
            ("web:8080/x?y", Some(("web", 8080, "/x?y", false))),
            ("https://1.2.3.4/", Some(("1.2.3.4", 443, "/", true))),
            ("http://[fd00::1]:81", Some(("fd00::1", 81, "/", false))),
            ("http://web:", Some(("web", 80, "/", false))),
        ];
        for (text, want) in cases {
            let got = Url::parse(text).ok();
            assert_eq!(got.as_ref().map(|u| (u.host.as_str(), u.port, u.path.as_str(), u.tls)), want, "{text}");
        }
    }

    #[test]
    fn curl_says_what_is_wrong_with_a_url() {
        let port = "URL rejected: Port number was not a decimal number between 0 and 65535";
        for (text, exit, want) in [
            ("ftp://x", 1, "Protocol \"ftp\" not supported"),
            ("http://", 3, "URL rejected: No host part in the URL"),
            ("http:///x", 3, "URL rejected: No host part in the URL"),
            ("", 3, "URL rejected: No host part in the URL"),
            ("http://x:99999", 3, port),
            ("http://x:http/", 3, port),
            ("http://x:-1", 3, port),
            ("http://:99999", 3, port),
            ("http://[fd00::1]x", 3, port),
            ("http://[zz]/", 3, "URL rejected: Bad IPv6 address"),
            ("http://a$b", 3, "URL rejected: Bad hostname"),
            ("http://a b", 3, "URL rejected: Malformed input to a URL function"),
            ("http://[::1", 3, "bad range specification in URL position 9:\nhttp://[::1\n        ^"),
        ] {
            let rejected = Url::parse(text).expect_err(text);
            assert_eq!(rejected.said_by_curl(text), (exit, want.to_string()), "{text}");
        }
    }
}
