//! Who reaches what, as a matrix with the reasons below, and as JSON.

use serde_json::{Value, json as value};

use super::prose;
use super::table::{TERMINAL, wrapped};
use crate::explain::{Branch, Outcome, Trace};

/// All pairs.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Who asks.
    pub rows: Vec<String>,
    /// What is asked: its label and its address.
    pub columns: Vec<(String, String)>,
    /// How it ends, by row and column.
    pub cells: Vec<Vec<Cell>>,
    /// What was named and has no address that could be asked, each with why.
    pub left_out: Vec<String>,
}

/// How one pair ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Of so many ways,
    pub ways: usize,
    /// so many are delivered.
    pub delivered: usize,
    /// How the others end, each kind once, in the order of the ways.
    pub ends: Vec<End>,
}

/// An end of ways that are not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// The code of the decision that it ended with,
    pub code: &'static str,
    /// and its sentence.
    pub sentence: String,
}

impl Cell {
    /// Sums up all ways of a connection, not only the one that was drawn.
    pub fn of(trace: &Trace) -> Cell {
        let mut ends: Vec<End> = Vec::new();
        for branch in trace.branches.iter().filter(|b| b.outcome != Outcome::Delivered) {
            let end = End::of(branch);
            if !ends.iter().any(|known| known.same_kind(&end)) {
                ends.push(end);
            }
        }
        let delivered = trace.branches.iter().filter(|b| b.outcome == Outcome::Delivered).count();
        Cell { ways: trace.branches.len(), delivered, ends }
    }

    /// The first end that is not a delivery; that of a cell where all is well is one.
    fn outcome(&self) -> Outcome {
        self.ends.first().map_or(Outcome::Delivered, |end| end.outcome)
    }
}

impl End {
    fn of(branch: &Branch) -> End {
        let outcome = branch.outcome;
        match &branch.end {
            Some(reason) => End { outcome, code: reason.code(), sentence: prose::reason(reason) },
            None => {
                let sentence = "there are more ways than are followed one by one".to_string();
                End { outcome, code: "not-followed", sentence }
            }
        }
    }

    fn same_kind(&self, other: &End) -> bool {
        (self.outcome, self.code) == (other.outcome, other.code)
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

/// A kind of end with its number, the first pair's sentence, and in how many pairs it occurs.
struct Note<'m> {
    end: &'m End,
    pairs: usize,
}

/// Every kind of end in a matrix, by first occurrence.
fn notes(matrix: &Matrix) -> Vec<Note<'_>> {
    let mut notes: Vec<Note<'_>> = Vec::new();
    for end in matrix.cells.iter().flatten().flat_map(|cell| &cell.ends) {
        match notes.iter_mut().find(|note| note.end.same_kind(end)) {
            Some(note) => note.pairs += 1,
            None => notes.push(Note { end, pairs: 1 }),
        }
    }
    notes
}

/// `ok`; `T1`, letter and number of the note; `2/3 T1` if only some of the ways are delivered.
fn mark(cell: &Cell, notes: &[Note<'_>]) -> String {
    let number = |end: &End| notes.iter().position(|note| note.end.same_kind(end)).map_or(0, |n| n + 1);
    let ends = cell.ends.iter().map(|end| format!("{}{}", letter(end.outcome), number(end)));
    let share = (cell.delivered > 0 && !cell.ends.is_empty()).then(|| format!("{}/{}", cell.delivered, cell.ways));
    let parts: Vec<String> = share.into_iter().chain(ends).collect();
    if parts.is_empty() { letter(Outcome::Delivered).to_string() } else { parts.join(" ") }
}

/// The text form: rows, lettered columns, and below what letters and numbers mean.
pub fn text(matrix: &Matrix) -> String {
    let notes = notes(matrix);
    let marks: Vec<Vec<String>> = matrix.cells.iter().map(|row| row.iter().map(|cell| mark(cell, &notes)).collect()).collect();
    let heads: Vec<String> = (0..matrix.columns.len()).map(column).collect();
    let mut lines = table(&matrix.rows, &heads, &marks);
    lines.push(String::new());
    for ((label, address), head) in matrix.columns.iter().zip(&heads) {
        lines.extend(wrapped(&format!("{head:>3}  "), &format!("{label}  {address}"), 7));
    }
    if !notes.is_empty() || !matrix.left_out.is_empty() {
        lines.push(String::new());
    }
    for (number, Note { end, pairs }) in (1..).zip(&notes) {
        let more = if *pairs > 1 { format!(" ({pairs} pairs; this is the first)") } else { String::new() };
        let (letter, outcome) = (letter(end.outcome), end.outcome.text());
        let head = format!("{letter}{number}  ");
        lines.extend(wrapped(&head, &format!("{outcome}, {}: {}{more}", end.code, end.sentence), head.len()));
    }
    lines.extend(matrix.left_out.iter().flat_map(|text| wrapped("Not asked  ", text, 11)));
    let ok = matrix.cells.iter().flatten().filter(|c| c.ways > 0 && c.delivered == c.ways).count();
    let all = matrix.rows.len() * matrix.columns.len();
    lines.push(format!("{ok} of {all} pairs always get through"));
    lines.join("\n") + "\n"
}

/// The matrix, in blocks of as many columns as fit beside the names of the rows.
fn table(rows: &[String], heads: &[String], marks: &[Vec<String>]) -> Vec<String> {
    let width = marks.iter().flatten().chain(heads).map(String::len).max().unwrap_or(2);
    let label = rows.iter().map(|r| r.chars().count()).max().unwrap_or_default();
    let fit = (TERMINAL.saturating_sub(label) / (width + 2)).max(1);
    let line = |head: &str, cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| format!("{c:>width$}")).collect();
        format!("{head:<label$}  {}", cells.join("  ")).trim_end().to_string()
    };
    let mut lines = Vec::new();
    for first in (0..heads.len()).step_by(fit) {
        let last = (first + fit).min(heads.len());
        if first > 0 {
            lines.push(String::new());
        }
        lines.push(line("", &heads[first..last]));
        lines.extend(rows.iter().zip(marks).map(|(row, cells)| line(row, &cells[first..last])));
    }
    lines
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
    let end = |e: &End| value!({"outcome": e.outcome.text(), "reason": e.code, "text": e.sentence});
    let cell = |c: &Cell| {
        value!({"outcome": c.outcome().text(), "delivered": c.delivered, "ways": c.ways, "reason": c.ends.first().map(|e| e.code),
            "ends": c.ends.iter().map(end).collect::<Vec<_>>()})
    };
    let columns = matrix.columns.iter().map(|(label, address)| value!({"target": label, "address": address}));
    value!({
        "from": matrix.rows,
        "to": columns.collect::<Vec<_>>(),
        "left_out": matrix.left_out,
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
