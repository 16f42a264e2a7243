//! Typed values to text: tables, ages, and the other forms that programs of the console print.

pub mod age;
pub mod prose;
pub mod table;
pub mod trace;
pub mod transcript;
