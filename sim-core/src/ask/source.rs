//! Where a connection begins, as it is written: `pod/NAMESPACE/NAME`, `node/NAME`, `external`, or an address.
//!
//! Whether there is such a pod or node is not asked here: see [`super::find`].

use crate::network::wire::Source;
use crate::objects::json::parse_ip_sloppy;

/// Why a text names no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSource {
    /// It is none of the forms.
    Unknown,
    /// An address without the node at which it enters.
    EntersNowhere,
    /// A node at which it enters, for what is no address.
    EntersByItself,
}

/// Reads a source; `at_node` says where an address enters the cluster.
pub fn parse(text: &str, at_node: Option<&str>) -> Result<Source, BadSource> {
    let ip = parse_ip_sloppy(text);
    if at_node.is_some() && ip.is_none() {
        return Err(BadSource::EntersByItself);
    }
    match text.split('/').collect::<Vec<_>>()[..] {
        ["external" | "outside"] => Ok(Source::Outside),
        ["node" | "nodes", node] => Ok(Source::Node(node.into())),
        ["pod" | "pods", namespace, name] => Ok(Source::Pod { namespace: namespace.into(), name: name.into() }),
        ["pod" | "pods", name] => Ok(Source::Pod { namespace: "default".into(), name: name.into() }),
        _ => match (ip, at_node) {
            (Some(ip), Some(node)) => Ok(Source::Address { ip, at_node: node.into() }),
            (Some(_), None) => Err(BadSource::EntersNowhere),
            (None, _) => Err(BadSource::Unknown),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let pod = |namespace: &str, name: &str| Ok(Source::Pod { namespace: namespace.into(), name: name.into() });
        for (text, node, want) in [
            ("external", None, Ok(Source::Outside)),
            ("node/a", None, Ok(Source::Node("a".into()))),
            ("pod/shop/web", None, pod("shop", "web")),
            ("pod/web", None, pod("default", "web")),
            ("10.0.0.1", Some("a"), Ok(Source::Address { ip: [10, 0, 0, 1].into(), at_node: "a".into() })),
            ("10.0.0.1", None, Err(BadSource::EntersNowhere)),
            ("pod/web", Some("a"), Err(BadSource::EntersByItself)),
            ("web", None, Err(BadSource::Unknown)),
            ("pod/a/b/c", None, Err(BadSource::Unknown)),
            ("", None, Err(BadSource::Unknown)),
        ] {
            assert_eq!(parse(text, node), want, "{text}");
        }
    }
}
