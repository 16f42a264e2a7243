//! Who reaches what, as a matrix with the reasons below, and as JSON.

use serde_json::{Value, json as value};

use super::prose;
use super::table::{TERMINAL, wrapped};
use crate::ask::reach::{Behind, Cell, Column, End, Label, LeftOut, Matrix, SYSTEM};
use crate::explain::Outcome;
use crate::network::wire::Source;

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
    let rows: Vec<String> = matrix.rows.iter().map(source).collect();
    let mut lines = table(&rows, &heads, &marks);
    lines.push(String::new());
    for (column, head) in matrix.columns.iter().zip(&heads) {
        lines.extend(wrapped(&format!("{head:>3}  "), &format!("{}  {}", label(&column.label), address(column)), 7));
    }
    if !notes.is_empty() || !matrix.left_out.is_empty() {
        lines.push(String::new());
    }
    for (number, Note { end, pairs }) in (1..).zip(&notes) {
        let more = if *pairs > 1 { format!(" ({pairs} pairs; this is the first)") } else { String::new() };
        let (letter, outcome) = (letter(end.outcome), end.outcome.text());
        let head = format!("{letter}{number}  ");
        lines.extend(wrapped(&head, &format!("{outcome}, {}: {}{more}", end.code(), sentence(end)), head.len()));
    }
    lines.extend(matrix.left_out.iter().flat_map(|one| wrapped("Not asked  ", &left_out(one), 11)));
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
    let end = |e: &End| value!({"outcome": e.outcome.text(), "reason": e.code(), "text": sentence(e)});
    let cell = |c: &Cell| {
        value!({"outcome": c.outcome().text(), "delivered": c.delivered, "ways": c.ways, "reason": c.ends.first().map(End::code),
            "ends": c.ends.iter().map(end).collect::<Vec<_>>()})
    };
    let columns = matrix.columns.iter().map(|c| value!({"target": label(&c.label), "address": address(c)}));
    value!({
        "from": matrix.rows.iter().map(source).collect::<Vec<_>>(),
        "to": columns.collect::<Vec<_>>(),
        "left_out": matrix.left_out.iter().map(left_out).collect::<Vec<_>>(),
        "cells": matrix.cells.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>()).collect::<Vec<_>>(),
    })
}

/// Who asks, as it is typed.
fn source(source: &Source) -> String {
    match source {
        Source::Outside => "external".to_string(),
        Source::Node(node) => format!("node/{node}"),
        Source::Pod { namespace, name } => format!("pod/{namespace}/{name}"),
        Source::Address { ip, .. } => ip.to_string(),
    }
}

/// What is asked.
fn label(label: &Label) -> String {
    match label {
        Label::Service(service, port) => format!("svc/{service}:{port}"),
        Label::Endpoint(service, port, Behind::Pod(pod)) => format!("svc/{service}:{port} at {pod}"),
        Label::Endpoint(service, port, Behind::Address(ip)) => format!("svc/{service}:{port} at {ip}"),
        Label::Pod(pod, port) => format!("pod/{pod}:{port}"),
        Label::NodePort(node, port) => format!("node/{node}:{port}"),
    }
}

/// `10.96.0.10:53/UDP`.
fn address(column: &Column) -> String {
    format!("{}/{}", column.to, column.protocol.text())
}

fn sentence(end: &End) -> String {
    end.reason.as_ref().map_or_else(|| "there are more ways than are followed one by one".to_string(), prose::reason)
}

/// Why something that was named cannot be asked.
fn left_out(left_out: &LeftOut) -> String {
    match left_out {
        LeftOut::NoPods => format!("no pod outside {SYSTEM} runs; let time pass: `advance to converged`"),
        LeftOut::NoServices => format!("there is no Service outside {SYSTEM}"),
        LeftOut::NoPodsIn(namespace) => format!("no pod of ns/{namespace} runs"),
        LeftOut::NoServicesIn(namespace) => format!("namespace {namespace} has no Service"),
        LeftOut::NoNodePorts(node) => format!("no Service has a node port, so node/{node} has none"),
        LeftOut::NoNodes => "this cluster has no node".to_string(),
        LeftOut::Alias(service, other) => {
            format!("svc/{service} is only an alias of {other}: it has no address here")
        }
        LeftOut::NoPort(service) => format!("svc/{service} has no port"),
        LeftOut::Headless(service) => format!("svc/{service} is headless and no pod behind it is ready"),
        LeftOut::PodWithoutAddress(pod) => format!("pod/{pod} has no address of its own yet"),
        LeftOut::PodWithoutPort(pod) => {
            format!("pod/{pod} declares no port, so there is none to ask for; trace asks for any")
        }
    }
}

/// All of them in a line.
pub(super) fn all_left_out(list: &[LeftOut]) -> String {
    list.iter().map(left_out).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told() {
        for (one, want) in [
            (LeftOut::NoPods, "no pod outside kube-system runs; let time pass: `advance to converged`"),
            (LeftOut::NoServices, "there is no Service outside kube-system"),
            (LeftOut::NoPodsIn("a".into()), "no pod of ns/a runs"),
            (LeftOut::NoServicesIn("a".into()), "namespace a has no Service"),
            (LeftOut::NoNodePorts("n".into()), "no Service has a node port, so node/n has none"),
            (LeftOut::NoNodes, "this cluster has no node"),
            (LeftOut::Alias("a/b".into(), "x.org".into()), "svc/a/b is only an alias of x.org: it has no address here"),
            (LeftOut::NoPort("a/b".into()), "svc/a/b has no port"),
            (LeftOut::Headless("a/b".into()), "svc/a/b is headless and no pod behind it is ready"),
            (LeftOut::PodWithoutAddress("a/b".into()), "pod/a/b has no address of its own yet"),
            (LeftOut::PodWithoutPort("a/b".into()), "pod/a/b declares no port, so there is none to ask for; trace asks for any"),
        ] {
            assert_eq!(left_out(&one), want);
        }
        assert_eq!(
            all_left_out(&[LeftOut::NoNodes, LeftOut::NoPort("a/b".into())]),
            "this cluster has no node; svc/a/b has no port"
        );
    }

    #[test]
    fn ends_are_named_as_they_are_typed() {
        let endpoint = |behind| Label::Endpoint("a/b".into(), "http".into(), behind);
        for (one, want) in [
            (Label::Service("a/b".into(), "http".into()), "svc/a/b:http"),
            (endpoint(Behind::Pod("p".into())), "svc/a/b:http at p"),
            (endpoint(Behind::Address([10, 0, 0, 1].into())), "svc/a/b:http at 10.0.0.1"),
            (Label::Pod("a/p".into(), 80), "pod/a/p:80"),
            (Label::NodePort("n".into(), 30_080), "node/n:30080"),
        ] {
            assert_eq!(label(&one), want);
        }
        assert_eq!(source(&Source::Outside), "external");
    }

    #[test]
    fn columns_have_letters_as_in_a_spreadsheet() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(column), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
