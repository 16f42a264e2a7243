//! The rows of `tests/cases/controllers.yaml`: what upstream's controllers, scheduler and kubelet do with small inputs.
//!
//! Each kind of row is judged by the box it is about, next to that box. All rows of a kind are run before any failure is told.

use serde_json::Value;

/// One row.
pub struct Row {
    /// Its name.
    pub name: String,
    /// The input.
    pub given: Value,
    /// What upstream makes of it.
    pub expect: Value,
}

impl Row {
    /// A number of the input; 0 if it is not there.
    pub fn number(&self, key: &str) -> i64 {
        self.given[key].as_i64().unwrap_or(0)
    }

    /// A text of the input; empty if it is not there.
    pub fn text(&self, key: &str) -> &str {
        self.given[key].as_str().unwrap_or_default()
    }

    /// A list of the input; empty if it is not there.
    pub fn list(&self, key: &str) -> &[Value] {
        self.given[key].as_array().map_or(&[], Vec::as_slice)
    }

    /// A flag of the input; `false` if it is not there.
    pub fn flag(&self, key: &str) -> bool {
        self.given[key] == true
    }

    /// A list of numbers.
    pub fn numbers(&self, key: &str) -> Vec<i64> {
        self.list(key).iter().filter_map(Value::as_i64).collect()
    }
}

/// All rows of a kind.
pub fn rows(kind: &str) -> Vec<Row> {
    let all: Vec<Value> = serde_yaml::from_str(include_str!("../../../tests/cases/controllers.yaml")).unwrap();
    let row =
        |c: Value| Row { name: c["name"].as_str().unwrap().to_string(), given: c["given"].clone(), expect: c["expect"].clone() };
    all.into_iter().filter(|c| c["kind"] == kind).map(row).collect()
}

/// The rows of a kind whose operation or plugin (`field` of the input) is `value`.
pub fn rows_where(kind: &str, field: &str, value: &str) -> Vec<Row> {
    rows(kind).into_iter().filter(|row| row.given[field] == value).collect()
}

/// Runs rows, of which there must be `count`: what `judge` says must be among what is expected, and must say something.
pub fn check(rows: &[Row], count: usize, judge: impl Fn(&Row) -> Value) {
    assert_eq!(rows.len(), count, "rows that are run");
    let mut wrong = Vec::new();
    for row in rows {
        let got = judge(row);
        let said = got.as_object().expect("an object");
        assert!(!said.is_empty(), "{}: nothing is judged", row.name);
        if said.iter().any(|(key, value)| row.expect.get(key) != Some(value)) {
            wrong.push(format!("{}\n  got  {got}\n  want {}", row.name, row.expect));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} rows:\n{}", wrong.len(), wrong.join("\n"));
}
