//! Labels and the selectors that objects carry.
//!
//! In a real cluster labels are a map of short texts, and a selector is a list of requirements that must all hold.
//! Left out: nothing. The text form that users type after `-l` is parsed in [`crate::api`].
//! The real thing: `k8s.io/apimachinery/pkg/labels`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Name;
use super::json::At;

/// A sorted map of short texts: labels, annotations, node selectors.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(pub BTreeMap<Name, Name>);

impl Labels {
    /// Reads a map of texts; other values are passed over.
    pub fn parse(at: At<'_>) -> Labels {
        Labels(at.entries().filter_map(|(k, v)| Some((k.into(), v.text()?.into()))).collect())
    }

    /// Labels from pairs.
    pub fn of(pairs: &[(&str, &str)]) -> Labels {
        Labels(pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|v| &**v)
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every pair of `self` is also in `labels`; the empty map is contained in all.
    pub fn contained_in(&self, labels: &Labels) -> bool {
        self.0.iter().all(|(k, v)| labels.get(k) == Some(v))
    }

    /// A copy with one more pair.
    pub fn with(&self, key: &str, value: &str) -> Labels {
        let mut copy = self.clone();
        copy.0.insert(key.into(), value.into());
        copy
    }

    /// As a JSON map.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.iter().map(|(k, v)| (k.to_string(), Value::from(&**v))).collect())
    }
}

/// A selector as objects carry it: `matchLabels` and `matchExpressions`. The empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// All requirements; each must hold.
    pub requirements: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The label it looks at.
    pub key: Name,
    /// How.
    pub operator: Operator,
    /// The values of `In` and `NotIn`; the single number of `Gt` and `Lt`.
    pub values: Vec<Name>,
}

/// How a requirement compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Gt,
    Lt,
}

impl Selector {
    /// The selector that demands exactly these labels.
    pub fn from_labels(labels: &Labels) -> Selector {
        let one = |(k, v): (&Name, &Name)| Requirement { key: k.clone(), operator: Operator::In, values: vec![v.clone()] };
        Selector { requirements: labels.0.iter().map(one).collect() }
    }

    /// Reads `{matchLabels, matchExpressions}`. An unknown operator matches nothing.
    pub fn parse(at: At<'_>) -> Selector {
        let mut selector = Selector::from_labels(&Labels::parse(at.at("matchLabels")));
        selector.requirements.extend(at.at("matchExpressions").items().map(Requirement::parse));
        selector
    }

    /// The pairs that it demands, to look objects up by.
    pub fn equalities(&self) -> Labels {
        let pairs = self.requirements.iter().filter(|r| r.operator == Operator::In && r.values.len() == 1);
        Labels(pairs.filter_map(|r| Some((r.key.clone(), r.values.first()?.clone()))).collect())
    }

    /// Whether all requirements hold.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|r| r.matches(labels))
    }
}

impl Requirement {
    /// Reads `{key, operator, values}`, as label selectors and node selector terms write it.
    pub fn parse(at: At<'_>) -> Requirement {
        let (operator, values) = match at.at("operator").text() {
            Some("In") => (Operator::In, at.at("values").names()),
            Some("NotIn") => (Operator::NotIn, at.at("values").names()),
            Some("Exists") => (Operator::Exists, Vec::new()),
            Some("DoesNotExist") => (Operator::DoesNotExist, Vec::new()),
            Some("Gt") => (Operator::Gt, at.at("values").names()),
            Some("Lt") => (Operator::Lt, at.at("values").names()),
            _ => (Operator::In, Vec::new()),
        };
        Requirement { key: at.at("key").text().unwrap_or_default().into(), operator, values }
    }

    /// Whether `labels` meet it.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let number = |text: &str| text.parse::<i64>().ok();
        let compare = |test: fn(&i64, &i64) -> bool| {
            let bound = self.values.first().and_then(|v| number(v));
            value.and_then(number).zip(bound).is_some_and(|(have, bound)| test(&have, &bound))
        };
        match self.operator {
            Operator::In => value.is_some_and(|v| self.values.iter().any(|w| &**w == v)),
            Operator::NotIn => !value.is_some_and(|v| self.values.iter().any(|w| &**w == v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => compare(|a, b| a > b),
            Operator::Lt => compare(|a, b| a < b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_match_as_upstream() {
        let labels = Labels::of(&[("app", "web"), ("tier", "3")]);
        let cases = [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "web", "x": "y"}}), false),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "web"]}]}), true),
            (json!({"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["a"]}]}), true),
            (json!({"matchExpressions": [{"key": "x", "operator": "Exists"}]}), false),
            (json!({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "Gt", "values": ["2"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "Lt", "values": ["2"]}]}), false),
        ];
        for (doc, want) in cases {
            assert_eq!(Selector::parse(At::top(&doc)).matches(&labels), want, "{doc}");
        }
    }
}
