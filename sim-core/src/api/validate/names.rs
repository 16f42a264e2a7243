//! What strings may name things: DNS labels, qualified names, ports, IP addresses.
//!
//! Each function returns what is wrong with a string, in the server's words; nothing means it is fine.
//! The real thing: `k8s.io/apimachinery/pkg/util/validation/validation.go`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest DNS label (RFC 1123).
const LABEL_MAX: usize = 63;
/// Longest DNS subdomain (RFC 1123).
const SUBDOMAIN_MAX: usize = 253;
/// Longest IANA service name (RFC 6335).
const PORT_NAME_MAX: usize = 15;

/// RFC 1123 label: container names, service port names, namespaces.
pub fn dns_label(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, LABEL_MAX);
    if !is_label(name) {
        wrong.push(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
             alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
                .into(),
        );
    }
    wrong
}

/// RFC 1123 subdomain: most object names.
pub fn dns_subdomain(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, SUBDOMAIN_MAX);
    if !name.split('.').all(is_label) {
        wrong.push(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end \
             with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
                .into(),
        );
    }
    wrong
}

/// RFC 1035 label: service names.
pub fn dns1035_label(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, LABEL_MAX);
    if !is_label(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        wrong.push(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end \
             with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
                .into(),
        );
    }
    wrong
}

/// A name that can be one segment of a URL path: RBAC objects.
pub fn path_segment(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    ["/", "%"].iter().filter(|bad| name.contains(**bad)).map(|bad| format!("may not contain '{bad}'")).collect()
}

/// A label key or another qualified name: an optional DNS subdomain and a slash, then up to 63 characters.
pub fn qualified_name(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let parts: Vec<&str> = name.split('/').collect();
    let local = match parts[..] {
        [local] => local,
        [prefix, local] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".into());
            } else {
                wrong.extend(dns_subdomain(prefix).into_iter().map(|w| format!("prefix part {w}")));
            }
            local
        }
        _ => {
            return vec![format!(
                "a qualified name {QUALIFIED_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if local.is_empty() {
        wrong.push("name part must be non-empty".into());
    } else {
        wrong.extend(too_long(local, LABEL_MAX).into_iter().map(|w| format!("name part {w}")));
    }
    if !is_name_part(local) {
        wrong.push(format!("name part {QUALIFIED_RULE}"));
    }
    wrong
}

const QUALIFIED_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
    character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// The value of a label.
pub fn label_value(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, LABEL_MAX);
    if !value.is_empty() && !is_name_part(value) {
        wrong.push(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end \
             with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
             '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                .into(),
        );
    }
    wrong
}

/// The name of an environment variable (the relaxed rule, on by default since 1.32).
pub fn env_var_name(name: &str) -> Vec<String> {
    if name.is_empty() {
        return vec!["environment variable name must be non-empty".into()];
    }
    if name.chars().all(|c| (' '..='~').contains(&c) && c != '=') {
        return Vec::new();
    }
    vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".into()]
}

/// A key of a ConfigMap or Secret.
pub fn config_key(key: &str) -> Vec<String> {
    let mut wrong = too_long(key, SUBDOMAIN_MAX);
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
        wrong.push(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or \
             'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .into(),
        );
    }
    if key == "." || key == ".." {
        wrong.push(format!("must not be '{key}'"));
    }
    wrong
}

/// A port number.
pub fn port_number(port: i64) -> Vec<String> {
    if (1..=65535).contains(&port) { Vec::new() } else { vec!["must be between 1 and 65535, inclusive".into()] }
}

/// The name of a container port, or a name used as targetPort.
pub fn port_name(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, PORT_NAME_MAX);
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        wrong.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !name.contains(|c: char| c.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)".into());
    }
    if name.contains("--") {
        wrong.push("must not contain consecutive hyphens".into());
    }
    if !name.is_empty() && (name.starts_with('-') || name.ends_with('-')) {
        wrong.push("must not begin or end with a hyphen".into());
    }
    wrong
}

/// An IP address of either family.
pub fn ip(text: &str) -> Vec<String> {
    match parse_ip(text) {
        Some(_) => Vec::new(),
        None => vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".into()],
    }
}

/// An address prefix.
pub fn cidr(text: &str) -> Vec<String> {
    match parse_cidr(text) {
        Some(_) => Vec::new(),
        None => vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".into()],
    }
}

/// An address that traffic may be sent to: not unspecified, loopback, link-local or link-local multicast.
pub fn non_special_ip(text: &str) -> Vec<String> {
    let mut wrong: Vec<String> = ip(text);
    let Some(address) = parse_ip(text) else { return wrong };
    let (link_local, multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (v6.segments()[0] & 0xffc0 == 0xfe80, v6.segments()[0] & 0xff0f == 0xff02),
    };
    for (is, text) in [
        (address.is_unspecified(), "may not be unspecified (0.0.0.0 or ::)"),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ] {
        if is {
            wrong.push(text.into());
        }
    }
    wrong
}

/// Parses an address as the API's older fields do: leading zeros in IPv4 octets are decimal, and IPv4-mapped IPv6 is IPv4.
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        let v6: Ipv6Addr = text.parse().ok()?;
        return Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4));
    }
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 16 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *octet = part
            .trim_start_matches('0')
            .parse()
            .or_else(|e| if part.bytes().all(|b| b == b'0') { Ok(0) } else { Err(e) })
            .ok()?;
    }
    parts.next().is_none().then(|| IpAddr::V4(Ipv4Addr::from(octets)))
}

/// Parses `ADDRESS/BITS`.
pub fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address = parse_ip(address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u8 = if bits.bytes().all(|b| b.is_ascii_digit()) { bits.parse().ok()? } else { return None };
    (bits <= most).then_some((address, bits))
}

fn too_long(text: &str, most: usize) -> Vec<String> {
    if text.len() > most { vec![format!("must be no more than {most} characters")] } else { Vec::new() }
}

fn is_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_name_part(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_accepts_and_refuses() {
        type Rule = fn(&str) -> Vec<String>;
        let long = "a".repeat(64);
        let cases: &[(Rule, &[&str], &[&str])] = &[
            (dns_label, &["a", "0-b"], &["", "-a", "a-", "A", "a.b", &long]),
            (dns_subdomain, &["a.b", "1.2"], &["", "a..b", ".a", "A.b"]),
            (dns1035_label, &["web", "a1"], &["1web", "-x", "a.b", &long]),
            (qualified_name, &["app", "k8s.io/Name_1.x", "A"], &["", "/x", "a/", "a/b/c", "~x", &long]),
            (label_value, &["", "x", "A_b.c"], &["-x", "a b", &long]),
            (port_name, &["http", "a-1"], &["", "1", "a--b", "-a", "my_port", "a-very-long-name"]),
            (ip, &["10.0.0.1", "010.0.0.001", "::1", "0.0.0.0"], &["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "a", "1.2.3.4/8"]),
            (cidr, &["10.0.0.0/8", "::/0"], &["10.0.0.0", "10.0.0.0/33", "foo.bar", "1.2.3.4/+1"]),
            (
                non_special_ip,
                &["1.2.3.4", "2001:db8::1"],
                &["0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.5", "fe80::1", "ff02::1", "x"],
            ),
        ];
        for (at, (rule, good, bad)) in cases.iter().enumerate() {
            good.iter().for_each(|text| assert!(rule(text).is_empty(), "{at} {text:?} {:?}", rule(text)));
            bad.iter().for_each(|text| assert!(!rule(text).is_empty(), "{at} {text:?}"));
        }
    }
}
