//! Selectors: which objects a list, a controller or a Service means.
//!
//! In a real cluster the same label selector has two spellings, the text of `-l` and the object of `spec.selector`; field
//! selectors are text only and know few fields of each kind. We model all of it. The real thing:
//! `k8s.io/apimachinery/pkg/labels/selector.go`, `pkg/fields/selector.go`, `pkg/apis/core/v1/conversion.go`.

mod field;
mod parse;

pub use field::FieldSelector;

use serde_json::Value;

use super::document::{entries, items, object, strings, text};
use super::validate::names;
use crate::objects::labels::Labels;

/// Text that is no selector; displays as the server's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Hash)]
#[error("{0}")]
pub struct SelectorError(pub(crate) String);

/// What one requirement asks of the value of its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Present with one of these values.
    In(Vec<String>),
    /// Absent, or present with none of these values.
    NotIn(Vec<String>),
    /// Present.
    Exists,
    /// Absent.
    DoesNotExist,
    /// Present and a greater integer.
    Greater(i64),
    /// Present and a smaller integer.
    Less(i64),
}

/// A key and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Label key.
    pub key: String,
    /// What its value must fulfil.
    pub test: Test,
}

/// A label selector: all requirements together, or nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LabelSelector {
    /// Selects no object: an absent `spec.selector`.
    Nothing,
    /// Selects the objects that fulfil every requirement; without requirements, all.
    All(Vec<Requirement>),
}

impl LabelSelector {
    /// Reads the text of `-l`: `app=web,tier in (a, b),!canary`. Empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut requirements =
            parse::requirements(text).map_err(|why| SelectorError(format!("unable to parse requirement: {why}")))?;
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(LabelSelector::All(requirements))
    }

    /// Reads `{matchLabels, matchExpressions}`; `None` selects nothing, `{}` everything.
    pub fn from_json(selector: Option<&Value>) -> Result<Self, SelectorError> {
        let Some(selector) = selector.filter(|s| !s.is_null()) else { return Ok(LabelSelector::Nothing) };
        let mut requirements = equalities(selector, "/matchLabels");
        for expression in items(selector, "/matchExpressions") {
            let values = strings(expression, "/values").into_iter().map(String::from).collect();
            let test = match text(expression, "/operator") {
                "In" => Test::In(values),
                "NotIn" => Test::NotIn(values),
                "Exists" => Test::Exists,
                "DoesNotExist" => Test::DoesNotExist,
                other => return Err(SelectorError(format!("{other:?} is not a valid label selector operator"))),
            };
            requirements.push(Requirement { key: text(expression, "/key").into(), test });
        }
        Ok(LabelSelector::All(requirements))
    }

    /// Reads a plain map of labels, as in a Service; an absent or empty one selects nothing.
    pub fn from_map(doc: &Value, place: &str) -> Self {
        match object(doc, place) {
            Some(map) if !map.is_empty() => LabelSelector::All(equalities(doc, place)),
            _ => LabelSelector::Nothing,
        }
    }

    /// The pairs that it demands, to look objects up by; none for a selector that selects nothing.
    pub fn equalities(&self) -> Labels {
        let LabelSelector::All(requirements) = self else { return Labels::default() };
        let pair = |r: &Requirement| match &r.test {
            Test::In(values) if values.len() == 1 => Some((r.key.as_str().into(), values[0].as_str().into())),
            _ => None,
        };
        Labels(requirements.iter().filter_map(pair).collect())
    }

    /// Whether an object with these labels is selected; `label` gives the value of a key.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            LabelSelector::Nothing => false,
            LabelSelector::All(requirements) => requirements.iter().all(|r| r.test.holds(label(&r.key))),
        }
    }

    /// Whether a document is selected by its `metadata.labels`, or those at another `place`.
    pub fn matches_labels(&self, doc: &Value, place: &str) -> bool {
        let labels = object(doc, place);
        self.matches(|key| labels.and_then(|map| map.get(key)).and_then(Value::as_str))
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let among = |list: &[String]| value.is_some_and(|v| list.iter().any(|l| l == v));
        let number = value.and_then(|v| v.parse::<i64>().ok());
        match self {
            Test::In(list) => among(list),
            Test::NotIn(list) => !among(list),
            Test::Exists => value.is_some(),
            Test::DoesNotExist => value.is_none(),
            Test::Greater(than) => number.is_some_and(|n| n > *than),
            Test::Less(than) => number.is_some_and(|n| n < *than),
        }
    }
}

/// The canonical text, as it stands in a query or in `kubectl describe`.
impl std::fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let LabelSelector::All(requirements) = self else { return Ok(()) };
        for (i, Requirement { key, test }) in requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match test {
                Test::In(list) if list.len() == 1 => write!(f, "{key}={}", list[0])?,
                Test::NotIn(list) if list.len() == 1 => write!(f, "{key}!={}", list[0])?,
                Test::In(list) => write!(f, "{key} in ({})", list.join(","))?,
                Test::NotIn(list) => write!(f, "{key} notin ({})", list.join(","))?,
                Test::Exists => write!(f, "{key}")?,
                Test::DoesNotExist => write!(f, "!{key}")?,
                Test::Greater(than) => write!(f, "{key}>{than}")?,
                Test::Less(than) => write!(f, "{key}<{than}")?,
            }
        }
        Ok(())
    }
}

fn equalities(doc: &Value, place: &str) -> Vec<Requirement> {
    entries(doc, place).map(|(key, value)| Requirement { key: key.into(), test: Test::In(vec![value.into()]) }).collect()
}

fn checked(key: &str, test: Test) -> Result<Requirement, String> {
    if let Some(wrong) = names::qualified_name(key).first() {
        return Err(format!("<nil>: Invalid value: {key:?}: {wrong}"));
    }
    if let Test::In(values) | Test::NotIn(values) = &test {
        for (i, value) in values.iter().enumerate() {
            if let Some(wrong) = names::label_value(value).first() {
                return Err(format!("values[{i}][{key}]: Invalid value: {value:?}: {wrong}"));
            }
        }
    }
    Ok(Requirement { key: key.into(), test })
}

#[cfg(test)]
mod tests;
