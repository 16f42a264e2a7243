//! Colour, carets and widths: text for terminals out of what the core says.

pub mod diagnostic;
pub mod escape;
