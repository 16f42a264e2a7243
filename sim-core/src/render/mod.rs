//! Typed values to text: tables, ages, and the other forms that programs of the console print.

pub mod age;
pub mod table;
