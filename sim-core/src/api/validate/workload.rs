//! Validation of Deployments and ReplicaSets.
//!
//! The real thing: `pkg/apis/apps/validation/validation.go`, and the strategies in `pkg/registry/apps` for what may not change.

use serde_json::{Value, json};

use super::meta::{annotations, labels};
use super::{go_labels, invalid_go, names, pod};
use crate::api::document::{entries, is_unset, items, number, object, strings, text};
use crate::api::selectors::LabelSelector;
use crate::api::status::Cause;

const NOT_NEGATIVE: &str = "must be greater than or equal to 0";

/// The spec of a Deployment.
pub fn deployment(doc: &Value) -> Vec<Cause> {
    let mut causes = not_negative(doc, "replicas");
    causes.extend(selector_and_template(doc, true));
    causes.extend(strategy(doc));
    for field in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        causes.extend(not_negative(doc, field));
    }
    let (ready, deadline) = (number(doc, "/spec/minReadySeconds").unwrap_or(0), number(doc, "/spec/progressDeadlineSeconds"));
    if let Some(deadline) = deadline.filter(|deadline| *deadline <= ready) {
        causes.push(Cause::invalid("spec.progressDeadlineSeconds", &json!(deadline), "must be greater than minReadySeconds"));
    }
    causes
}

/// The spec of a ReplicaSet.
pub fn replica_set(doc: &Value) -> Vec<Cause> {
    let mut causes = not_negative(doc, "replicas");
    causes.extend(not_negative(doc, "minReadySeconds"));
    causes.extend(selector_and_template(doc, is_unset(doc, "/spec/template") || number(doc, "/spec/replicas") != Some(0)));
    causes
}

/// The selector of a workload never changes.
pub fn selector_change(doc: &Value, old: &Value) -> Vec<Cause> {
    if doc.pointer("/spec/selector") == old.pointer("/spec/selector") {
        return Vec::new();
    }
    vec![invalid_go("spec.selector", &go_selector(doc), "field is immutable")]
}

fn not_negative(doc: &Value, field: &str) -> Vec<Cause> {
    match number(doc, &format!("/spec/{field}")) {
        Some(n) if n < 0 => vec![Cause::invalid(format!("spec.{field}"), &json!(n), NOT_NEGATIVE)],
        _ => Vec::new(),
    }
}

fn selector_and_template(doc: &Value, must_match: bool) -> Vec<Cause> {
    let mut causes = Vec::new();
    let selector = doc.pointer("/spec/selector").filter(|s| !s.is_null());
    match selector {
        None => causes.push(Cause::required("spec.selector", "")),
        Some(_) => {
            causes.extend(label_selector(doc, "/spec/selector", "spec.selector"));
            if object(doc, "/spec/selector/matchLabels").is_none_or(|map| map.is_empty())
                && items(doc, "/spec/selector/matchExpressions").is_empty()
            {
                causes.push(invalid_go("spec.selector", &go_selector(doc), "empty selector is invalid for deployment"));
            }
        }
    }
    // An unreadable selector has been told above; a missing one matches nothing, which is told here as well.
    if let Ok(selector) = LabelSelector::from_json(selector)
        && must_match
        && !(selector == LabelSelector::All(Vec::new()) || selector.matches_labels(doc, "/spec/template/metadata/labels"))
    {
        let shown = go_labels(doc, "/spec/template/metadata/labels");
        causes.push(invalid_go("spec.template.metadata.labels", &shown, "`selector` does not match template `labels`"));
    }
    causes.extend(template(doc));
    causes
}

fn template(doc: &Value) -> Vec<Cause> {
    let mut causes = labels(doc, "/spec/template/metadata/labels", "spec.template.labels");
    causes.extend(annotations(doc, "/spec/template/metadata/annotations", "spec.template.annotations"));
    let empty = json!({});
    let spec = doc.pointer("/spec/template/spec").unwrap_or(&empty);
    causes.extend(pod::spec(spec, "spec.template.spec"));
    let policy = text(spec, "/restartPolicy");
    if !matches!(policy, "" | "Always") {
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", &json!(policy), &["Always"]));
    }
    if number(spec, "/activeDeadlineSeconds").is_some() {
        let why = "activeDeadlineSeconds in ReplicaSet is not Supported";
        causes.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", why));
    }
    causes
}

/// The object form of a label selector.
pub fn label_selector(doc: &Value, place: &str, field: &str) -> Vec<Cause> {
    let mut causes = labels(doc, &format!("{place}/matchLabels"), &format!("{field}.matchLabels"));
    for (i, expression) in items(doc, &format!("{place}/matchExpressions")).iter().enumerate() {
        let field = format!("{field}.matchExpressions[{i}]");
        let some_values = !strings(expression, "/values").is_empty();
        match (text(expression, "/operator"), some_values) {
            ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => {}
            ("In" | "NotIn", false) => {
                let why = "must be specified when `operator` is 'In' or 'NotIn'";
                causes.push(Cause::required(format!("{field}.values"), why));
            }
            ("Exists" | "DoesNotExist", true) => {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                causes.push(Cause::forbidden(format!("{field}.values"), why));
            }
            (other, _) => {
                causes.push(Cause::invalid(format!("{field}.operator"), &json!(other), "not a valid selector operator"))
            }
        }
        let key = text(expression, "/key");
        causes.extend(names::qualified_name(key).iter().map(|wrong| Cause::invalid(format!("{field}.key"), &json!(key), wrong)));
    }
    causes
}

fn strategy(doc: &Value) -> Vec<Cause> {
    const FIELD: &str = "spec.strategy";
    match text(doc, "/spec/strategy/type") {
        "Recreate" if !is_unset(doc, "/spec/strategy/rollingUpdate") => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            vec![Cause::forbidden(format!("{FIELD}.rollingUpdate"), why)]
        }
        "Recreate" => Vec::new(),
        "RollingUpdate" => rolling_update(doc),
        other => vec![Cause::not_supported(format!("{FIELD}.type"), &json!(other), &["Recreate", "RollingUpdate"])],
    }
}

fn rolling_update(doc: &Value) -> Vec<Cause> {
    const FIELD: &str = "spec.strategy.rollingUpdate";
    let mut causes = Vec::new();
    let mut amounts = Vec::new();
    for name in ["maxUnavailable", "maxSurge"] {
        let value = doc.pointer(&format!("/spec/strategy/rollingUpdate/{name}")).cloned().unwrap_or(json!(0));
        let percent = value.as_str().map(|text| text.strip_suffix('%').and_then(|n| n.parse::<u32>().ok()));
        match percent {
            Some(None) => {
                let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', \
                    regex used for validation is '[0-9]+%')";
                causes.push(Cause::invalid(format!("{FIELD}.{name}"), &value, why));
            }
            Some(Some(percent)) if percent > 100 && name == "maxUnavailable" => {
                causes.push(Cause::invalid(format!("{FIELD}.{name}"), &value, "must not be greater than 100%"));
            }
            None if value.as_i64().is_some_and(|n| n < 0) => {
                causes.push(Cause::invalid(format!("{FIELD}.{name}"), &value, NOT_NEGATIVE));
            }
            _ => {}
        }
        amounts.push((percent.flatten() == Some(0) || value == json!(0), value));
    }
    if let [(true, unavailable), (true, _)] = &amounts[..] {
        causes.push(Cause::invalid(format!("{FIELD}.maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0"));
    }
    causes
}

/// A selector as Go prints the struct.
fn go_selector(doc: &Value) -> String {
    let quote = |text: &str| format!("{text:?}");
    let labels = match entries(doc, "/spec/selector/matchLabels").next() {
        Some(_) => go_labels(doc, "/spec/selector/matchLabels"),
        None => "map[string]string(nil)".into(),
    };
    let expressions: Vec<String> = items(doc, "/spec/selector/matchExpressions")
        .iter()
        .map(|e| {
            let values: Vec<String> = strings(e, "/values").into_iter().map(quote).collect();
            let values = if values.is_empty() { "[]string(nil)".into() } else { format!("[]string{{{}}}", values.join(", ")) };
            let (key, operator) = (quote(text(e, "/key")), quote(text(e, "/operator")));
            format!("v1.LabelSelectorRequirement{{Key:{key}, Operator:{operator}, Values:{values}}}")
        })
        .collect();
    let expressions = match expressions.is_empty() {
        true => "[]v1.LabelSelectorRequirement(nil)".into(),
        false => format!("[]v1.LabelSelectorRequirement{{{}}}", expressions.join(", ")),
    };
    format!("v1.LabelSelector{{MatchLabels:{labels}, MatchExpressions:{expressions}}}")
}
