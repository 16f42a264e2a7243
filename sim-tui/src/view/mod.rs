//! Pure drawing: a scene into a buffer. No view knows the simulator, a terminal, or another view's state.

pub mod console;
pub mod help;
pub mod map;
pub mod packet;
pub mod start;
pub mod theme;
pub mod walk;

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use self::theme::Theme;
use crate::app::scene::{Body, Scene};
use crate::draw::escape::escaped;

/// Narrowest screen that is drawn.
pub const WIDTH_MIN: u16 = 40;
/// Lowest screen that is drawn.
pub const HEIGHT_MIN: u16 = 10;

/// Draws a scene; the answer is where the cursor belongs, if anything is being typed.
pub fn draw(scene: &Scene, theme: Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        let sentence = format!("Kubewalk needs a terminal of at least {WIDTH_MIN} by {HEIGHT_MIN} characters.");
        Paragraph::new(sentence).wrap(Wrap { trim: true }).render(area, buffer);
        return None;
    }
    let (above, bottom) = rows(area, area.height - 1);
    match (&scene.body, scene.help) {
        (_, Some(top)) => help::draw(top, theme, above, buffer),
        (Body::Start(scenarios, selected), _) => start::draw(scenarios, *selected, theme, above, buffer),
        (Body::Walk(walk), _) => walk::draw(walk, theme, above, buffer),
    }
    console::draw(scene, theme, bottom, buffer)
}

/// Cuts off the first `height` rows.
fn rows(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// Cuts off the first `width` columns.
fn columns(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
}

/// Draws lines one under another; what is too long is cut.
fn lines(lines: Vec<Line<'_>>, area: Rect, buffer: &mut Buffer) {
    let shown: Vec<Line<'_>> = lines.into_iter().map(harmless).collect();
    Paragraph::new(shown).render(area, buffer);
}

/// A line in which nothing commands the terminal.
fn harmless(mut line: Line<'_>) -> Line<'_> {
    for span in &mut line.spans {
        let shown = match escaped(&span.content) {
            Cow::Owned(shown) => shown,
            Cow::Borrowed(_) => continue,
        };
        span.content = shown.into();
    }
    line
}

/// Draws a heading with a rule after it, and gives back what is left below.
fn headed(heading: &str, theme: Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let (top, below) = rows(area, 1);
    let rule = "─".repeat(usize::from(area.width).saturating_sub(heading.chars().count() + 4));
    lines(vec![Line::styled(format!("─ {heading} {rule}"), theme.heading())], top, buffer);
    below
}
