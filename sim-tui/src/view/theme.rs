//! Colours and glyphs in one place. A state is a glyph and a word first; colour only repeats it, and can be turned off.

use ratatui::style::{Color, Modifier, Style};

use crate::app::scene::PodState;

/// How things look.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// Whether colours are used.
    pub coloured: bool,
}

impl Theme {
    fn coloured(self, colour: Color) -> Style {
        if self.coloured { Style::new().fg(colour) } else { Style::new() }
    }

    /// The bar at the top, and what is selected.
    pub fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A heading.
    pub fn heading(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// A key or a command.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Something beside the point.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Something that did not hold.
    pub fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Something that works.
    pub fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    /// Glyph, word and style of a pod's state.
    pub fn pod(self, state: PodState) -> (&'static str, &'static str, Style) {
        match state {
            PodState::Ready => ("●", "ready", self.good()),
            PodState::NotReady => ("◐", "not ready", self.coloured(Color::Yellow)),
            PodState::Starting => ("○", "starting", self.coloured(Color::Yellow)),
            PodState::Terminating => ("◌", "terminating", self.coloured(Color::Magenta)),
            PodState::Broken => ("✗", "broken", self.bad()),
            PodState::Done => ("✓", "done", self.faint()),
        }
    }
}
