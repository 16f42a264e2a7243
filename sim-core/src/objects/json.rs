//! Reading JSON documents totally: a field that is absent, null or of another type reads as "not there".
//!
//! Strictness is the business of [`crate::api`]; what is stored may come from `api::restore` with anything missing, and each
//! component then treats it as upstream's code treats nil. So records are parsed by functions that cannot fail.

use std::net::IpAddr;

use serde_json::Value;

use super::Name;
use super::time::Timestamp;

/// A place in a document that may not exist.
#[derive(Clone, Copy, Debug)]
pub struct At<'a>(pub Option<&'a Value>);

impl<'a> At<'a> {
    /// The top of a document.
    pub fn top(doc: &'a Value) -> Self {
        At(Some(doc))
    }

    /// The field `key` below this place.
    pub fn at(self, key: &str) -> At<'a> {
        At(self.0.and_then(|v| v.get(key)).filter(|v| !v.is_null()))
    }

    /// The elements of a list; empty if it is none.
    pub fn items(self) -> impl Iterator<Item = At<'a>> {
        self.0.and_then(Value::as_array).into_iter().flatten().map(|v| At(Some(v)))
    }

    /// The entries of a map; empty if it is none.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, At<'a>)> {
        self.0.and_then(Value::as_object).into_iter().flatten().map(|(k, v)| (k.as_str(), At(Some(v))))
    }

    /// Whether something other than null stands here.
    pub fn exists(self) -> bool {
        self.0.is_some_and(|v| !v.is_null())
    }

    /// A text.
    pub fn text(self) -> Option<&'a str> {
        self.0.and_then(Value::as_str)
    }

    /// A text that is not empty.
    pub fn name(self) -> Option<Name> {
        self.text().filter(|t| !t.is_empty()).map(Name::from)
    }

    /// The texts of a list of texts.
    pub fn names(self) -> Vec<Name> {
        self.items().filter_map(|i| i.text().map(Name::from)).collect()
    }

    /// A whole number.
    pub fn int(self) -> Option<i64> {
        self.0.and_then(Value::as_i64)
    }

    /// A whole number between 1 and 65535.
    pub fn port(self) -> Option<u16> {
        self.int().and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0)
    }

    /// A truth value.
    pub fn flag(self) -> Option<bool> {
        self.0.and_then(Value::as_bool)
    }

    /// A timestamp.
    pub fn time(self) -> Option<Timestamp> {
        self.text().and_then(Timestamp::parse)
    }

    /// An address, read as kube-proxy reads it: leading zeros are decimal (see [`parse_ip_sloppy`]).
    pub fn ip(self) -> Option<IpAddr> {
        self.text().and_then(parse_ip_sloppy)
    }
}

/// An IP address as `k8s.io/utils/net.ParseIPSloppy` reads it: like the standard form, but leading zeros in IPv4 are allowed
/// and decimal.
pub fn parse_ip_sloppy(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if text.contains(':') {
        return text.parse().ok();
    }
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        let digits = !part.is_empty() && part.len() <= 12 && part.bytes().all(|b| b.is_ascii_digit());
        *octet = digits
            .then(|| part.trim_start_matches('0'))?
            .parse()
            .or_else(|e| if part.contains('0') && part.trim_start_matches('0').is_empty() { Ok(0) } else { Err(e) })
            .ok()?;
    }
    parts.next().is_none().then_some(IpAddr::from(octets))
}

/// Sets `doc[a][b].. = value`, making the maps on the way.
pub fn set(doc: &mut Value, path: &[&str], value: impl Into<Value>) {
    let mut place = doc;
    for key in path {
        if !place.is_object() {
            *place = Value::Object(serde_json::Map::new());
        }
        place = &mut place[*key];
    }
    *place = value.into();
}

/// Removes `doc[a][b]..` if it is there.
pub fn remove(doc: &mut Value, path: &[&str]) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut place = doc;
    for key in parents {
        match place.get_mut(*key) {
            Some(next) => place = next,
            None => return,
        }
    }
    if let Some(map) = place.as_object_mut() {
        map.remove(*last);
    }
}

/// Sets the field if there is a value, removes it otherwise.
pub fn set_or_remove<V: Into<Value>>(doc: &mut Value, path: &[&str], value: Option<V>) {
    match value {
        Some(value) => set(doc, path, value),
        None => remove(doc, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_sloppily() {
        let cases = [
            ("010.020.030.040", Some("10.20.30.40")),
            ("0.0.0.0", Some("0.0.0.0")),
            ("1.2.3", None),
            ("256.1.1.1", None),
            ("fd00::1", Some("fd00::1")),
            ("1.2.3.4.5", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_ip_sloppy(text).map(|ip| ip.to_string()).as_deref(), want, "{text}");
        }
    }
}
