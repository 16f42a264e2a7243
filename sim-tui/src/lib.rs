//! Everything testable without a terminal.
