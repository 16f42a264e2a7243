//! URLs as curl and wget take them: scheme, host, port, path.

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

impl Url {
    /// Reads `[http[s]://]host[:port][/path]`; `None` if it is none.
    pub fn parse(text: &str) -> Option<Url> {
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return None,
            None => (false, text),
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let authority = authority.rsplit('@').next()?;
        let (host, port) = match authority.strip_prefix('[') {
            Some(inner) => {
                let (host, tail) = inner.split_once(']')?;
                (host, tail.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let scheme_port = if tls { 443 } else { 80 };
        let port = port.map_or(Some(scheme_port), |p| p.parse().ok().filter(|p| *p > 0))?;
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        (!host.is_empty()).then(|| Url { tls, host: host.to_string(), port, path, authority: authority.to_string() })
    }
}

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
            ("ftp://x", None),
            ("http://", None),
            ("http://x:0", None),
            ("http://x:99999", None),
        ];
        for (text, want) in cases {
            let got = Url::parse(text);
            assert_eq!(got.as_ref().map(|u| (u.host.as_str(), u.port, u.path.as_str(), u.tls)), want, "{text}");
        }
    }
}
