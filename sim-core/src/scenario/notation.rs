//! Small notations inside strings: `2m`, `10.96.0.0/12`, `30000-32767`, `>= 99%`. Each is parsed where it is read, so that a
//! mistake is reported at the value, and kept as written, so that saving a scenario does not rewrite it.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::condition::Condition;
use super::format::Quantity;
use super::target;
use crate::ask::target::TraceTarget;
use crate::console::meter::STEPS_MAX;
use crate::console::programs::regex::states;
use crate::engine::time::{Duration, Unread};
use crate::jsonpath::Template;
use crate::lab::simulation::TIME_MAX;
use crate::objects::time::Timestamp;

/// Why a text is not in a notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Mistake { message: message.into(), help: help.into() }
    }
}

/// A value that is written as a string.
pub trait Notation: Sized {
    /// Name in the JSON Schema's `format`.
    const FORMAT: &'static str;
    /// Reads it.
    fn parse(text: &str) -> Result<Self, Mistake>;
}

/// A parsed value together with the text that the author wrote.
#[derive(Clone, Debug)]
pub struct Written<T> {
    text: String,
    value: T,
}

/// Equal means written the same.
impl<T> PartialEq for Written<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for Written<T> {}

impl<T: Notation> Written<T> {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        Ok(Written { text: text.to_string(), value: T::parse(text)? })
    }

    /// A default of the format, known to be legal.
    pub(crate) fn known(text: &str) -> Self {
        Written::parse(text).unwrap_or_else(|m| panic!("invariant: a default is legal: {}", m.message))
    }
}

impl<T> Written<T> {
    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<T> Deref for Written<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Display for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T: Notation> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Written::parse(&text).map_err(|m| serde::de::Error::custom(m.message))
    }
}

impl<T: Notation> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        T::FORMAT.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": T::FORMAT})
    }
}

/// Checks a text against the notation that a schema names; other formats say nothing.
pub fn judge(format: &str, text: &str) -> Result<(), Mistake> {
    type Judge = fn(&str) -> Result<(), Mistake>;
    fn of<T: Notation>() -> (&'static str, Judge) {
        (T::FORMAT, |text| T::parse(text).map(drop))
    }
    let judges = [
        of::<Duration>(),
        of::<Timestamp>(),
        of::<Cidr>(),
        of::<CidrOrPrimary>(),
        of::<IpAddr>(),
        of::<PortRange>(),
        of::<Rate>(),
        of::<Share>(),
        of::<Pattern>(),
        of::<DocRef>(),
        of::<ObjectRef>(),
        of::<Source>(),
        of::<crate::cluster::traffic::plan::Sender>(),
        of::<crate::network::client::Target>(),
        of::<Condition>(),
        of::<Quantity>(),
        of::<Template>(),
        (<TraceTarget as Notation>::FORMAT, target::judge_step),
    ];
    judges.iter().find(|(name, _)| *name == format).map_or(Ok(()), |(_, judge)| judge(text))
}

impl Notation for Duration {
    const FORMAT: &'static str = "duration-text";
    fn parse(text: &str) -> Result<Self, Mistake> {
        match Duration::read(text) {
            Ok(time) if time <= TIME_MAX => Ok(time),
            Ok(_) | Err(Unread::TooLong) => Err(Mistake::new(
                format!("`{text}` is too long"),
                "ten years, 87600h, are the most that can be simulated at once",
            )),
            Err(Unread::NotATime) => Err(Mistake::new(
                format!("`{text}` is not a length of time"),
                "write a number with its unit: 200ms, 30s, 2m or 1h30m",
            )),
        }
    }
}

/// What is looked at in an object.
impl Notation for Template {
    const FORMAT: &'static str = "json-path";
    fn parse(text: &str) -> Result<Self, Mistake> {
        Template::parse(text).map_err(|why| {
            Mistake::new(format!("`{text}` is not a JSONPath: {why}"), "write one as kubectl takes it: {.spec.type}")
        })
    }
}

impl Notation for Timestamp {
    const FORMAT: &'static str = "timestamp";
    fn parse(text: &str) -> Result<Self, Mistake> {
        Timestamp::parse(text)
            .ok_or_else(|| Mistake::new(format!("`{text}` is not a moment"), "write date, time and zone: 2026-01-01T12:00:00Z"))
    }
}

impl Notation for IpAddr {
    const FORMAT: &'static str = "ip-address";
    fn parse(text: &str) -> Result<Self, Mistake> {
        text.parse().map_err(|_| {
            Mistake::new(
                format!("`{text}` is not an IP address"),
                "write four numbers up to 255 (192.168.0.2) or an IPv6 address (fd00::2)",
            )
        })
    }
}

/// A network: an address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr {
    /// First address.
    pub address: IpAddr,
    /// Leading bits that all its addresses share.
    pub prefix: u8,
}

impl Notation for Cidr {
    const FORMAT: &'static str = "cidr";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let wrong = |why: &str| {
            Mistake::new(
                format!("`{text}` is not a CIDR: {why}"),
                "write an address and a prefix length: 10.96.0.0/12 or fd00:10:96::/108",
            )
        };
        let (address, prefix) = text.split_once('/').ok_or_else(|| wrong("the `/` and the prefix length are missing"))?;
        let address: IpAddr = address.parse().map_err(|_| wrong("what stands before the `/` is no IP address"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u8 =
            prefix.parse().ok().filter(|p| *p <= bits).ok_or_else(|| wrong(&format!("the prefix length must be 0 to {bits}")))?;
        let cidr = Cidr { address, prefix };
        if cidr.first() != address {
            return Err(Mistake::new(
                format!("`{text}` has bits set behind its prefix of {prefix}"),
                format!("the network that contains this address is {}/{prefix}", cidr.first()),
            ));
        }
        Ok(cidr)
    }
}

impl Cidr {
    /// True when the network has this address.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Cidr { address, ..*self }.first() == self.first()
    }

    /// The address with all bits behind the prefix cleared.
    fn first(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(a) => IpAddr::V4((a.to_bits() & u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)).into()),
            IpAddr::V6(a) => IpAddr::V6((a.to_bits() & u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0)).into()),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// An entry of `nodePortAddresses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CidrOrPrimary {
    /// The node's primary addresses.
    Primary,
    /// Node addresses inside this network.
    Cidr(Cidr),
}

impl Notation for CidrOrPrimary {
    const FORMAT: &'static str = "cidr-or-primary";
    fn parse(text: &str) -> Result<Self, Mistake> {
        if text == "primary" { Ok(CidrOrPrimary::Primary) } else { Cidr::parse(text).map(CidrOrPrimary::Cidr) }
    }
}

/// Ports from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl Notation for PortRange {
    const FORMAT: &'static str = "port-range";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let port = |part: &str| part.trim().parse::<u16>().ok().filter(|p| *p > 0);
        let range = text.split_once('-').and_then(|(first, last)| Some(PortRange { first: port(first)?, last: port(last)? }));
        range.filter(|r| r.first <= r.last).ok_or_else(|| {
            Mistake::new(
                format!("`{text}` is not a range of ports"),
                "write the lowest and the highest port, 1 to 65535: 30000-32767",
            )
        })
    }
}

/// Requests per time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many requests ...
    pub count: u64,
    /// ... start in this time.
    pub per: Duration,
}

impl Notation for Rate {
    const FORMAT: &'static str = "rate";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let rate = text.split_once('/').and_then(|(count, per)| {
            let unit = if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_string() } else { format!("1{per}") };
            Some(Rate { count: count.trim().parse().ok()?, per: Duration::parse(&unit)? })
        });
        rate.filter(|r| r.count > 0 && r.per > Duration::ZERO)
            .ok_or_else(|| Mistake::new(format!("`{text}` is not a rate"), "write requests per time: 50/s, 10/m or 1/200ms"))
    }
}

/// A bound on a share, in millionths: `>= 99.5%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How the share is compared with `millionths`.
    pub comparison: Comparison,
    /// The bound; 1,000,000 is everything.
    pub millionths: u32,
}

/// How a measured share stands to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `==`, also when nothing is written.
    Equal,
}

impl Notation for Share {
    const FORMAT: &'static str = "share";
    fn parse(text: &str) -> Result<Self, Mistake> {
        use Comparison::{Above, AtLeast, AtMost, Below, Equal};
        let signs = [(">=", AtLeast), ("<=", AtMost), ("==", Equal), (">", Above), ("<", Below)];
        let body = text.trim();
        let (comparison, number) =
            signs.into_iter().find_map(|(sign, c)| body.strip_prefix(sign).map(|rest| (c, rest))).unwrap_or((Equal, body));
        let millionths = number.trim().strip_suffix('%').and_then(|n| percent(n.trim_end()));
        millionths.map(|millionths| Share { comparison, millionths }).ok_or_else(|| {
            Mistake::new(
                format!("`{text}` is not a share"),
                "write a comparison and a percentage from 0% to 100%: \">= 99%\" or \"== 100%\"",
            )
        })
    }
}

/// `99.5` to 995,000.
fn percent(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.len() <= 4 && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: u32 = format!("{fraction:0<4}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(fraction).filter(|m| *m <= 1_000_000)
}

/// A regular expression.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: regex_lite::Regex,
    states: u64,
}

impl Pattern {
    /// True when some part of the text matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.affordable(text) && self.regex.is_match(text)
    }

    /// Whether matching that text takes no more steps than a line of the console may take.
    pub fn affordable(&self, text: &str) -> bool {
        self.states.saturating_mul(text.len() as u64) <= STEPS_MAX
    }
}

impl Notation for Pattern {
    const FORMAT: &'static str = "pattern";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let built = regex_lite::RegexBuilder::new(text).multi_line(true).build();
        built.map(|regex| Pattern { regex, states: states(text) }).map_err(|e| {
            Mistake::new(
                format!("not a regular expression: {e}"),
                "a backslash makes ( ) [ ] { } . * + ? | literal; use `contains` for plain text",
            )
        })
    }
}

/// Names a manifest among the further documents of a scenario: `service/web`, `service/web@2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocRef {
    /// Kind as written, any case.
    pub kind: String,
    /// Its `metadata.name`.
    pub name: String,
    /// Which of several documents with that kind and name, from 1.
    pub occurrence: usize,
}

impl Notation for DocRef {
    const FORMAT: &'static str = "document";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let wrong = || {
            Mistake::new(
                format!("`{text}` does not name a document"),
                "write KIND/NAME, and @2 for the second of that name: service/web or service/web@2",
            )
        };
        let (reference, occurrence) = match text.rsplit_once('@') {
            None => (text, 1),
            Some((reference, n)) => (reference, n.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?),
        };
        let (kind, name) = reference.split_once('/').filter(|(k, n)| !k.is_empty() && !n.is_empty()).ok_or_else(wrong)?;
        Ok(DocRef { kind: kind.to_string(), name: name.to_string(), occurrence })
    }
}

/// Names an object of the cluster: `service/web`, `service/prod/web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Kind as written: `svc`, `Service`, `deployments.apps`.
    pub kind: String,
    /// Namespace; `None` is the default one, or none for kinds that have none.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl Notation for ObjectRef {
    const FORMAT: &'static str = "object";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts[..] {
            [kind, name] => (kind, None, name),
            [kind, namespace, name] => (kind, Some(namespace.to_string()), name),
            _ => ("", None, ""),
        };
        if parts.iter().any(|part| part.is_empty()) || kind.is_empty() {
            let help = "write KIND/NAME or KIND/NAMESPACE/NAME: service/web, pod/prod/web-0";
            return Err(Mistake::new(format!("`{text}` does not name an object"), help));
        }
        Ok(ObjectRef { kind: kind.to_string(), namespace, name: name.to_string() })
    }
}

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A client outside the cluster.
    External,
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A process of a node.
    Node(String),
    /// Whoever has this address.
    Address(IpAddr),
}

impl Notation for Source {
    const FORMAT: &'static str = "source";
    fn parse(text: &str) -> Result<Self, Mistake> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["external"] => Ok(Source::External),
            ["node", name] if !name.is_empty() => Ok(Source::Node(name.to_string())),
            ["pod", namespace, name] if !namespace.is_empty() && !name.is_empty() => {
                Ok(Source::Pod { namespace: namespace.to_string(), name: name.to_string() })
            }
            _ => text.parse().map(Source::Address).map_err(|_| {
                let help = "write external, pod/NAMESPACE/NAME, node/NAME or an IP address";
                Mistake::new(format!("`{text}` names nothing that connects"), help)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: Notation>(text: &str) -> String {
        T::parse(text).map(|_| ()).expect_err(text).message
    }

    #[test]
    fn networks() {
        for text in ["10.96.0.0/12", "0.0.0.0/0", "fd00::/108", "::/0", "10.0.0.1/32"] {
            assert_eq!(Cidr::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(refused::<Cidr>("10.96.0.0"), "`10.96.0.0` is not a CIDR: the `/` and the prefix length are missing");
        assert_eq!(refused::<Cidr>("10.96.0.0/33"), "`10.96.0.0/33` is not a CIDR: the prefix length must be 0 to 32");
        assert_eq!(Cidr::parse("10.97.0.1/12").unwrap_err().help, "the network that contains this address is 10.96.0.0/12");
    }

    #[test]
    fn ranges_rates_and_shares() {
        assert_eq!(PortRange::parse("1-65535").unwrap(), PortRange { first: 1, last: 65535 });
        for text in ["0-10", "10-5", "80", "1-65536", "a-b"] {
            refused::<PortRange>(text);
        }
        assert_eq!(Rate::parse("50/s").unwrap(), Rate { count: 50, per: Duration::from_secs(1) });
        assert_eq!(Rate::parse("1/200ms").unwrap(), Rate { count: 1, per: Duration::from_millis(200) });
        for text in ["50", "0/s", "1/0s", "x/s", "1/"] {
            refused::<Rate>(text);
        }
        assert_eq!(Share::parse(">= 99.5%").unwrap(), Share { comparison: Comparison::AtLeast, millionths: 995_000 });
        assert_eq!(Share::parse("100%").unwrap(), Share { comparison: Comparison::Equal, millionths: 1_000_000 });
        for text in ["99", ">= 101%", "> x%", "%", "1.23456%"] {
            refused::<Share>(text);
        }
    }

    #[test]
    fn objects_and_sources() {
        let object = |text: &str| ObjectRef::parse(text).map(|o| (o.kind, o.namespace.unwrap_or_default(), o.name));
        let named = |kind: &str, namespace: &str, name: &str| Ok((kind.to_string(), namespace.to_string(), name.to_string()));
        assert_eq!(object("service/web"), named("service", "", "web"));
        assert_eq!(object("pod/prod/web-0"), named("pod", "prod", "web-0"));
        for text in ["", "web", "svc/", "/web", "a/b/c/d", "a//c"] {
            refused::<ObjectRef>(text);
        }
        assert_eq!(Source::parse("pod/a/b").unwrap(), Source::Pod { namespace: "a".into(), name: "b".into() });
        assert_eq!(Source::parse("fd00::1").unwrap(), Source::Address("fd00::1".parse().unwrap()));
        for text in ["", "pod/b", "node/", "pods/a/b", "1.2.3"] {
            refused::<Source>(text);
        }
    }

    #[test]
    fn networks_contain_addresses() {
        let holds = |cidr: &str, ip: &str| Cidr::parse(cidr).unwrap().contains(ip.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && holds("0.0.0.0/0", "1.2.3.4") && holds("fd00::/64", "fd00::9"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1") && !holds("::/0", "1.2.3.4"));
    }

    #[test]
    fn documents() {
        let reference = DocRef::parse("service/web@2").unwrap();
        assert_eq!((reference.kind.as_str(), reference.name.as_str(), reference.occurrence), ("service", "web", 2));
        for text in ["web", "service/", "/web", "service/web@0", "service/web@x"] {
            refused::<DocRef>(text);
        }
    }
}
