//! Why an object is as it is, as text and JSON.

use serde_json::{Value, json as value};

use crate::explain::why::{Finding, Why};

/// The text form: the verdict, then each finding with what it consists of and a way out.
pub fn text(why: &Why) -> String {
    let mut lines = vec![format!("{} {}", why.object, why.verdict.phrase())];
    for (number, finding) in why.findings.iter().enumerate() {
        lines.push(format!("{:>2}  {}", number + 1, finding.text));
        lines.extend(finding.details.iter().map(|d| format!("      {d}")));
        lines.extend(field(finding).map(|f| format!("    Because  {f}")));
        lines.push(format!("    Way out  {}", finding.way_out));
    }
    lines.join("\n") + "\n"
}

fn field(finding: &Finding) -> Option<String> {
    let cause = finding.field.as_ref()?;
    Some(format!("{} {}", cause.place.as_ref().unwrap_or(&cause.object), cause.text))
}

/// The JSON form.
pub fn json(why: &Why) -> Value {
    let one = |f: &Finding| {
        let field = f.field.as_ref().map(|c| value!({"object": c.object, "place": c.place, "text": c.text}));
        value!({"code": f.code, "text": f.text, "details": f.details, "field": field, "way_out": f.way_out})
    };
    value!({"object": why.object, "verdict": why.verdict.text, "findings": why.findings.iter().map(one).collect::<Vec<_>>()})
}
