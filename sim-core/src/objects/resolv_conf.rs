//! The lines of a resolver file, `/etc/resolv.conf`.
//!
//! Two programs read such files, each with rules of its own: the C library in a container, and the kubelet, which composes a pod's
//! file from its node's. They share how a line is read. The real thing: resolv.conf(5).

/// One line that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'t> {
    /// `nameserver ADDRESS`.
    Nameserver(&'t str),
    /// `search DOMAIN...`; may be empty.
    Search(Vec<&'t str>),
    /// `domain DOMAIN`.
    Domain(&'t str),
    /// `options OPTION...`.
    Options(Vec<&'t str>),
}

/// The lines of a file. Comments, and lines that make no sense, are passed over.
///
/// ```
/// use sim_core::objects::resolv_conf::{Line, lines};
/// let text = "# mine\nsearch a.b c\nnameserver\nnameserver 10.96.0.10 # ours\n";
/// assert_eq!(lines(text).collect::<Vec<_>>(), [Line::Search(vec!["a.b", "c"]), Line::Nameserver("10.96.0.10")]);
/// ```
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])).filter_map(|line| {
        let mut words = line.split_whitespace();
        match words.next()? {
            "nameserver" => words.next().map(Line::Nameserver),
            "search" => Some(Line::Search(words.collect())),
            "domain" => words.next().map(Line::Domain),
            "options" => Some(Line::Options(words.collect())),
            _ => None,
        }
    })
}

/// A domain without its final dot.
pub fn without_dot(domain: &str) -> &str {
    domain.strip_suffix('.').unwrap_or(domain)
}
