//! Who reaches what, as a matrix with the reasons below, and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json as value};

use super::prose;
use crate::explain::{Outcome, Trace};

/// All pairs.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Who asks.
    pub rows: Vec<String>,
    /// What is asked: its label and its address.
    pub columns: Vec<(String, String)>,
    /// How it ends, by row and column.
    pub cells: Vec<Vec<Cell>>,
}

/// How one pair ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Of so many ways,
    pub ways: usize,
    /// so many are delivered.
    pub delivered: usize,
    /// How the others end, or all.
    pub outcome: Outcome,
    /// Why: code and sentence of the last decision, if it was not delivered.
    pub reason: Option<(&'static str, String)>,
}

impl Cell {
    /// Sums up a way.
    pub fn of(trace: &Trace) -> Cell {
        let delivered = trace.branches.iter().filter(|b| b.outcome == Outcome::Delivered).count();
        let bad = trace.branches.iter().map(|b| b.outcome).find(|o| *o != Outcome::Delivered);
        let outcome = bad.unwrap_or(trace.outcome);
        let last = trace.hops.last().filter(|_| trace.outcome != Outcome::Delivered);
        Cell {
            ways: trace.branches.len(),
            delivered,
            outcome,
            reason: last.map(|hop| (hop.reason.code(), prose::reason(&hop.reason))),
        }
    }

    /// `ok`, `2/3`, or the letter of how it ends.
    fn mark(&self) -> String {
        match (self.delivered, self.ways) {
            (0, _) => letter(self.outcome).to_string(),
            (n, ways) if n == ways => "ok".to_string(),
            (n, ways) => format!("{n}/{ways}"),
        }
    }
}

fn letter(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "ok",
        Outcome::Refused => "R",
        Outcome::TimedOut => "T",
        Outcome::Unreachable => "U",
        Outcome::Reset => "X",
        Outcome::Unresolved => "N",
        Outcome::Unknown => "?",
    }
}

/// The text form: rows, lettered columns, and below what letters and numbers mean.
pub fn text(matrix: &Matrix) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    let mut sentences: BTreeMap<&str, (Outcome, &str, usize)> = BTreeMap::new();
    for cell in matrix.cells.iter().flatten() {
        let Some((code, sentence)) = &cell.reason else { continue };
        if !reasons.contains(code) {
            reasons.push(code);
        }
        sentences.entry(code).or_insert((cell.outcome, sentence, 0)).2 += 1;
    }
    let mark = |cell: &Cell| {
        let number = cell.reason.as_ref().and_then(|(code, _)| reasons.iter().position(|c| c == code));
        format!("{}{}", cell.mark(), number.map_or(String::new(), |n| (n + 1).to_string()))
    };
    let marks: Vec<Vec<String>> = matrix.cells.iter().map(|row| row.iter().map(mark).collect()).collect();
    let heads: Vec<String> = (0..matrix.columns.len()).map(column).collect();
    let width = marks.iter().flatten().chain(&heads).map(String::len).max().unwrap_or(2);
    let label = matrix.rows.iter().map(|r| r.chars().count()).max().unwrap_or_default();
    let line = |head: &str, cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| format!("{c:>width$}")).collect();
        format!("{head:<label$}  {}", cells.join("  ")).trim_end().to_string()
    };
    let mut lines = vec![line("", &heads)];
    lines.extend(matrix.rows.iter().zip(&marks).map(|(row, cells)| line(row, cells)));
    lines.push(String::new());
    lines.extend(matrix.columns.iter().zip(&heads).map(|((label, address), head)| format!("{head:>3}  {label}  {address}")));
    if !reasons.is_empty() {
        lines.push(String::new());
    }
    for (number, code) in reasons.iter().enumerate() {
        let (outcome, sentence, times) = &sentences[code];
        let more = if *times > 1 { format!(" ({times} pairs; this is the first)") } else { String::new() };
        lines.push(format!("{}{}  {}, {code}: {sentence}{more}", letter(*outcome), number + 1, outcome.text()));
    }
    let ok = matrix.cells.iter().flatten().filter(|c| c.ways > 0 && c.delivered == c.ways).count();
    let all = matrix.rows.len() * matrix.columns.len();
    lines.push(format!("{ok} of {all} pairs always get through"));
    lines.join("\n") + "\n"
}

/// `A` to `Z`, then `AA`, `AB` and so on.
fn column(index: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap_or_default());
    match index / 26 {
        0 => letter(index).to_string(),
        above => format!("{}{}", column(above - 1), letter(index)),
    }
}

/// The JSON form.
pub fn json(matrix: &Matrix) -> Value {
    let cell = |c: &Cell| value!({"outcome": c.outcome.text(), "delivered": c.delivered, "ways": c.ways, "reason": c.reason.as_ref().map(|r| r.0)});
    let columns = matrix.columns.iter().map(|(label, address)| value!({"target": label, "address": address}));
    value!({
        "from": matrix.rows,
        "to": columns.collect::<Vec<_>>(),
        "cells": matrix.cells.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>()).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn columns_have_letters_as_in_a_spreadsheet() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(column), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
