//! The list of scenarios.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::theme::Theme;
use super::{headed, lines, rows};

/// Draws the list, with the selected entry in sight.
pub fn draw(scenarios: &[(String, String)], selected: usize, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let (top, below) = rows(area, 3);
    let about = vec![Line::styled("Kubewalk", theme.strong()), Line::raw("For any packet: where it went, and why.")];
    lines(about, top, buffer);
    let (list, hint) = rows(below, below.height.saturating_sub(1));
    let list = headed("Scenarios", theme, list, buffer);
    let skipped = (selected + 1).saturating_sub(usize::from(list.height));
    let width = usize::from(list.width);
    let entry = |(number, (name, title)): (usize, &(String, String))| {
        let mark = if number == selected { ">" } else { " " };
        let text = format!("{mark} {name:<18} {title}");
        if number == selected { Line::styled(format!("{text:<width$}"), theme.bar()) } else { Line::raw(text) }
    };
    lines(scenarios.iter().enumerate().skip(skipped).map(entry).collect(), list, buffer);
    lines(vec![Line::styled("Enter opens  ↑↓ select  ? help  q quits", theme.faint())], hint, buffer);
}
