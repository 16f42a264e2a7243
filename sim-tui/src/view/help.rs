//! The help: the table of keys, by mode, and what the glyphs mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use super::{columns, headed, lines};
use crate::app::keys::KEYS;
use crate::app::scene::PodState;
use crate::app::state::Mode;

const STATES: [PodState; 6] =
    [PodState::Ready, PodState::NotReady, PodState::Starting, PodState::Terminating, PodState::Broken, PodState::Done];
/// Width from which the two lists stand side by side.
const SIDE_BY_SIDE: u16 = 64;

/// Draws the help from its line `top` on.
pub fn draw(top: usize, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let below = headed("Keys", theme, area, buffer);
    let key = |(shown, does): (&'static str, &'static str)| {
        Line::from(vec![Span::styled(format!("{shown:<11}"), theme.strong()), Span::raw(does)])
    };
    let bindings = KEYS.iter().filter(|b| b.modes != [Mode::Help]).map(|b| (b.shown, b.does));
    let mut left: Vec<Line<'_>> = bindings.map(key).collect();
    let pod = |state| {
        let (glyph, word, style) = theme.pod(state);
        Line::from(vec![Span::styled(format!("{glyph} "), style), Span::raw(format!("pod {word}"))])
    };
    if area.width >= SIDE_BY_SIDE {
        let (keys, glyphs) = columns(below, below.width - 20);
        lines(left.into_iter().skip(top).collect(), keys, buffer);
        lines(STATES.into_iter().map(pod).collect(), glyphs, buffer);
    } else {
        left.extend(STATES.into_iter().map(pod));
        lines(left.into_iter().skip(top).collect(), below, buffer);
    }
}
