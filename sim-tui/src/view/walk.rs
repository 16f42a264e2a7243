//! A walkthrough: the step's text over what was printed, the cluster and the last packet beside it where there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::theme::Theme;
use super::{columns, headed, lines, map, packet, rows};
use crate::app::scene::WalkScene;
use crate::app::walk::Pane;
use crate::draw::escape::escaped;

/// Width from which the panes stand side by side.
const WIDE: u16 = 76;
/// Height from which they do.
const HIGH: u16 = 16;

/// Draws it.
pub fn draw(walk: &WalkScene, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let (top, below) = rows(area, 1);
    header(walk, theme, top, buffer);
    if area.width < WIDE || area.height < HIGH {
        let (text, pane) = rows(below, (below.height / 3).max(2));
        told(walk, theme, text, buffer);
        match walk.pane {
            Pane::Output => output(walk, theme, pane, buffer),
            Pane::Map => map::draw(&walk.map, theme, pane, buffer),
            Pane::Packet => packet::draw(walk.packet.as_ref(), theme, pane, buffer),
        }
        return;
    }
    let (left, right) = columns(below, below.width - below.width * 2 / 5);
    let (left, _gap) = columns(left, left.width - 1);
    let (text, printed) = rows(left, (left.height / 3).clamp(5, 12));
    told(walk, theme, text, buffer);
    output(walk, theme, printed, buffer);
    let (cluster, last) = rows(right, right.height - right.height * 2 / 5);
    map::draw(&walk.map, theme, cluster, buffer);
    packet::draw(walk.packet.as_ref(), theme, last, buffer);
}

/// Title on the left; step and clock on the right.
fn header(walk: &WalkScene, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let right = format!(" step {}/{}  {} ", walk.step, walk.steps, walk.clock);
    let room = usize::from(area.width).saturating_sub(right.chars().count() + 1);
    let title: String = walk.title.chars().take(room).collect();
    lines(vec![Line::styled(format!(" {title:<room$}{right}"), theme.bar())], area, buffer);
}

/// The text of the step, and what of it did not hold.
fn told(walk: &WalkScene, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let mut all = Vec::new();
    match &walk.told {
        None => all.push(Line::raw("Space plays the first step.")),
        Some((verb, text)) if verb == "say" => all.extend(paragraphs(text)),
        Some((verb, text)) => {
            let first = text.lines().next().unwrap_or_default();
            // What is typed looks as on a terminal; what only the simulator does has its verb before it.
            let before = if matches!(verb.as_str(), "until" | "wait" | "expect" | "traffic") { verb } else { "$" };
            all.push(Line::from(vec![Span::styled(format!("{before} "), theme.strong()), first.into()]));
            all.extend(text.lines().skip(1).map(Line::raw));
        }
    }
    all.extend(walk.failures.iter().map(|failure| Line::styled(format!("✗ {failure}"), theme.bad())));
    Paragraph::new(all).wrap(Wrap { trim: true }).render(area, buffer);
}

/// A text whose lines are joined, so that they break where the screen ends; blank lines stay.
fn paragraphs(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.split("\n\n").map(|paragraph| Line::raw(paragraph.lines().collect::<Vec<_>>().join(" ")))
}

/// The end of what was printed, or as far above it as the user has scrolled.
fn output(walk: &WalkScene, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let heading = if walk.scrolled == 0 { "Output".to_string() } else { format!("Output, {} lines below", walk.scrolled) };
    let below = headed(&heading, theme, area, buffer);
    let end = walk.output.len().saturating_sub(walk.scrolled);
    let room = usize::from(below.height);
    let mut rows = Vec::new();
    for line in walk.output[..end].iter().rev().take(room) {
        rows.extend(
            folded(&escaped(line), usize::from(below.width)).into_iter().rev().map(|row| Line::styled(row, style(line, theme))),
        );
    }
    rows.truncate(room);
    rows.reverse();
    lines(rows, below, buffer);
}

/// A line in pieces as wide as the pane.
fn folded(line: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut used = 0;
    for c in line.chars() {
        let wide = Span::raw(c.to_string()).width();
        if used + wide > width {
            rows.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(row) = rows.last_mut() {
            row.push(c);
        }
    }
    rows
}

fn style(line: &str, theme: Theme) -> Style {
    match () {
        () if line.starts_with("!!") => theme.bad(),
        () if line.starts_with("$ ") => theme.strong(),
        () => Style::new(),
    }
}
