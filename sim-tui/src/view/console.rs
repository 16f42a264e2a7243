//! The bottom line: what is being typed, or a remark, or the keys that matter most.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::lines;
use super::theme::Theme;
use crate::app::scene::{Body, Scene};

/// Draws it; the answer is where the cursor belongs.
pub fn draw(scene: &Scene, theme: Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let Some((prompt, text, cursor)) = &scene.line else {
        lines(vec![resting(scene, theme)], area, buffer);
        return None;
    };
    let start = Line::raw(prompt.as_str()).width();
    let before: String = text.chars().take(*cursor).collect();
    // The part around the cursor is shown, with one column for the cursor itself.
    let room = usize::from(area.width).saturating_sub(start + 1);
    let mut skipped = 0;
    while Line::raw(before.chars().skip(skipped).collect::<String>()).width() > room {
        skipped += 1;
    }
    let shown: String = text.chars().skip(skipped).collect();
    let column = start + Line::raw(before.chars().skip(skipped).collect::<String>()).width();
    lines(vec![Line::from(vec![Span::styled(prompt.as_str(), theme.strong()), Span::raw(shown)])], area, buffer);
    let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    Some(Position { x: area.x + column, y: area.y })
}

fn resting(scene: &Scene, theme: Theme) -> Line<'_> {
    if let Some(note) = &scene.note {
        return Line::styled(note.as_str(), theme.strong());
    }
    match &scene.body {
        _ if scene.help.is_some() => Line::styled("Esc closes the help   ↑ ↓ scrolls", theme.faint()),
        Body::Start(..) => Line::default(),
        Body::Walk(_) => Line::styled("? help  Space next  ← back  i console", theme.faint()),
    }
}
