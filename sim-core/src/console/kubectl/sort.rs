//! `--sort-by`: objects in the order of one of their fields.
//!
//! The real thing: `k8s.io/kubectl/pkg/cmd/get/sorter.go`.

use std::cmp::Ordering;

use serde_json::Value;

use super::failure::Failure;
use super::targets::Target;
use crate::jsonpath::Template;
use crate::objects::quantity;

/// Sorts by the first value that `path` finds in each; objects without it come first.
pub fn by_path(targets: &mut Vec<Target>, path: &Template) -> Result<(), Failure> {
    let mut keyed = Vec::with_capacity(targets.len());
    for target in targets.drain(..) {
        let key = path.values(&target.object)?.into_iter().next().map(std::borrow::Cow::into_owned);
        keyed.push((key, target));
    }
    if !keyed.is_empty() && keyed.iter().all(|(key, _)| key.is_none()) {
        targets.extend(keyed.into_iter().map(|(_, target)| target));
        return Err("couldn't find any field with the given path in the list of objects".into());
    }
    keyed.sort_by(|(a, _), (b, _)| compare(a.as_ref(), b.as_ref()));
    targets.extend(keyed.into_iter().map(|(_, target)| target));
    Ok(())
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => match (quantity::nanos(a), quantity::nanos(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => natural(a, b),
        },
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_i64().cmp(&b.as_i64()),
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Text order in which runs of digits count as numbers: `web-2` before `web-10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (digits_a, digits_b) = (digits(a), digits(b));
        if digits_a > 0 && digits_b > 0 {
            let number = |text: &str, end: usize| text[..end].trim_start_matches('0').to_string();
            let (x, y) = (number(a, digits_a), number(b, digits_b));
            let order = x.len().cmp(&y.len()).then(x.cmp(&y)).then(digits_a.cmp(&digits_b));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[digits_a..], &b[digits_b..]);
            continue;
        }
        match (a.chars().next(), b.chars().next()) {
            (Some(x), Some(y)) if x == y => (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]),
            (x, y) => return x.cmp(&y),
        }
    }
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_inside_names_count() {
        let mut names = vec!["web-10", "web-2", "api", "web-02"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["api", "web-2", "web-02", "web-10"]);
    }
}
