//! Amounts of CPU and memory: summed, divided, and taken from pods.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::table::document::{list, object, plain, text};
use crate::objects::quantity;

const NANO: i128 = 1_000_000_000;

/// An amount and whether it is written with binary suffixes; Go's sums take the style of their first summand that is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    nanos: i128,
    binary: bool,
}

/// Amounts by resource name.
pub type Amounts = BTreeMap<String, Amount>;

impl Amount {
    /// Reads a quantity; what is none counts as zero.
    pub fn read(value: &Value) -> Amount {
        let text = plain(value);
        Amount { nanos: quantity::nanos(&text).unwrap_or(0), binary: text.ends_with('i') }
    }

    /// Adds another amount.
    pub fn add(&mut self, other: Amount) {
        if self.nanos == 0 {
            self.binary = other.binary;
        }
        self.nanos += other.nanos;
    }

    /// The share of `whole` in whole percent, rounded down. For nothing of nothing this is what Go's conversion of "not a
    /// number" gives, if `guarded` is false.
    pub fn percent_of(self, whole: Amount, guarded: bool) -> i64 {
        match whole.nanos {
            0 if guarded => 0,
            0 => i64::MIN,
            whole => i64::try_from(self.nanos * 100 / whole).unwrap_or(i64::MAX),
        }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = self.nanos / NANO + i128::from(self.nanos % NANO > 0);
        if !self.binary || whole < 1024 {
            return f.write_str(&quantity::canonical(&format!("{}n", self.nanos)).unwrap_or_default());
        }
        let (mut mantissa, mut suffixes) = (whole, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].into_iter());
        let mut suffix = suffixes.next().unwrap_or("");
        while mantissa % 1024 == 0 {
            let Some(next) = suffixes.next() else { break };
            (mantissa, suffix) = (mantissa / 1024, next);
        }
        write!(f, "{mantissa}{suffix}")
    }
}

/// A quantity as the typed client prints it.
pub fn canonical(value: &Value) -> String {
    let text = plain(value);
    quantity::canonical(&text).unwrap_or(text)
}

/// What a pod asks for in `field` (`requests` or `limits`): the sum of its containers, or its largest init container.
pub fn of_pod(pod: &Value, field: &str) -> Amounts {
    let path = format!("resources.{field}");
    let mut total = Amounts::new();
    let mut sidecars = Amounts::new();
    for container in list(pod, "spec.containers") {
        add_all(&mut total, &read(container, &path));
    }
    let mut largest = Amounts::new();
    for container in list(pod, "spec.initContainers") {
        let own = read(container, &path);
        let mut at_start = sidecars.clone();
        add_all(&mut at_start, &own);
        if text(container, "restartPolicy") == "Always" {
            add_all(&mut total, &own);
            add_all(&mut sidecars, &own);
        }
        take_larger(&mut largest, &at_start);
    }
    take_larger(&mut total, &largest);
    let overhead = read(pod, "spec.overhead");
    if field == "requests" {
        add_all(&mut total, &overhead);
    }
    total
}

fn read(document: &Value, path: &str) -> Amounts {
    let entries = object(document, path).into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), Amount::read(value))).collect()
}

/// Adds each amount to its resource.
pub fn add_all(total: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        total.entry(name.clone()).or_default().add(*amount);
    }
}

fn take_larger(total: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let entry = total.entry(name.clone()).or_default();
        if amount.nanos > entry.nanos {
            *entry = *amount;
        }
    }
}

/// What an environment variable shows of its container's resources, in units of the divisor, rounded up.
pub fn of_container(container: &Value, reference: &Value) -> String {
    let resource = text(reference, "resource");
    let amount = crate::api::table::document::at(container, "resources")
        .pointer(&format!("/{}", resource.replacen('.', "/", 1)))
        .map_or(0, |value| Amount::read(value).nanos);
    let divisor = match reference.get("divisor").map(|value| Amount::read(value).nanos) {
        None | Some(0) => NANO,
        Some(divisor) => divisor,
    };
    (amount / divisor + i128::from(amount % divisor > 0)).to_string()
}

/// The quality-of-service class that the server would give the pod.
pub fn qos_class(pod: &Value) -> &'static str {
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    let mut guaranteed = true;
    for container in list(pod, "spec.containers").iter().chain(list(pod, "spec.initContainers")) {
        let counted = |path| {
            let mut amounts = read(container, path);
            amounts.retain(|name, amount| matches!(name.as_str(), "cpu" | "memory") && amount.nanos > 0);
            amounts
        };
        let own = counted("resources.limits");
        guaranteed &= own.len() == 2;
        add_all(&mut limits, &own);
        add_all(&mut requests, &counted("resources.requests"));
    }
    let equal = || requests.len() == limits.len() && requests.iter().all(|(name, r)| limits[name].nanos == r.nanos);
    match () {
        () if requests.is_empty() && limits.is_empty() => "BestEffort",
        () if guaranteed && equal() => "Guaranteed",
        () => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sums_keep_the_style_of_the_first() {
        let sum = |texts: &[&str]| {
            let mut total = Amount::default();
            texts.iter().for_each(|text| total.add(Amount::read(&json!(text))));
            total.to_string()
        };
        assert_eq!(sum(&["500m", "0.5"]), "1");
        assert_eq!(sum(&["1Gi", "512Mi"]), "1536Mi");
        assert_eq!(sum(&[]), "0");
        assert_eq!(sum(&["128M", "1Mi"]), "129048576");
    }

    #[test]
    fn quality_of_service_follows_requests_and_limits() {
        let pod = |resources: Value| json!({"spec": {"containers": [{"resources": resources}]}});
        assert_eq!(qos_class(&pod(json!({}))), "BestEffort");
        assert_eq!(qos_class(&pod(json!({"requests": {"cpu": "1"}}))), "Burstable");
        let both = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(qos_class(&pod(json!({"requests": both, "limits": both}))), "Guaranteed");
    }
}
