//! Why an object is as it is, as text and JSON.

mod finding;
mod standing;

use serde_json::{Value, json as value};

use self::finding::{detail, text as sentence, way_out};
use self::standing::{phrase, verdict};
use super::cause;
use crate::ask::why::{Detail, Found, Why};

/// The text form: how it stands, then each finding with what it consists of and a way out.
pub fn text(why: &Why) -> String {
    let mut lines = vec![format!("{} {}", why.object, phrase(&why.standing))];
    for (number, found) in why.findings.iter().enumerate() {
        lines.push(format!("{:>2}  {}", number + 1, sentence(&found.finding)));
        lines.extend(details(&found.details).iter().map(|d| format!("      {d}")));
        lines.extend(field(found).map(|f| format!("    Because  {f}")));
        lines.push(format!("    Way out  {}", way_out(&found.finding)));
    }
    lines.join("\n") + "\n"
}

fn details(details: &[Detail]) -> Vec<String> {
    details.iter().map(detail).collect()
}

fn field(found: &Found) -> Option<String> {
    let because = found.field.as_ref()?;
    let object = because.about.as_ref().map(ToString::to_string).unwrap_or_default();
    let place = because.place.as_ref().map_or(object, ToString::to_string);
    Some(format!("{place} {}", cause::sentence(&because.cause)))
}

/// The JSON form.
pub fn json(why: &Why) -> Value {
    let one = |f: &Found| {
        let (text, way_out) = (sentence(&f.finding), way_out(&f.finding));
        value!({"code": f.finding.code(), "text": text, "details": details(&f.details), "field": f.field.as_ref().map(cause::json),
            "way_out": way_out})
    };
    let findings: Vec<Value> = why.findings.iter().map(one).collect();
    value!({"object": why.object.to_string(), "verdict": verdict(&why.standing).1, "findings": findings})
}
