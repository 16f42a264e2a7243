//! The last packet: the command that sent it and what is known of its way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::headed;
use super::theme::Theme;
use crate::draw::escape::escaped;

/// Draws it.
pub fn draw(packet: Option<&(String, Vec<String>)>, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let below = headed("Last packet", theme, area, buffer);
    let all = match packet {
        None => vec![Line::styled("none yet: curl or trace something", theme.faint())],
        Some((command, text)) => {
            let command = escaped(command.lines().next().unwrap_or_default());
            let command = Line::styled(format!("$ {command}"), theme.strong());
            std::iter::once(command).chain(text.iter().map(|line| Line::raw(escaped(line)))).collect()
        }
    };
    Paragraph::new(all).wrap(Wrap { trim: false }).render(below, buffer);
}
