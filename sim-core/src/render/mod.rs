//! Typed values to text: tables, ages, and the other forms that programs of the console print.

pub mod age;
pub mod lab;
pub mod prose;
pub mod reach;
pub mod rules;
pub mod story;
pub mod table;
pub mod timers;
pub mod trace;
pub mod traffic;
pub mod transcript;
pub mod why;
