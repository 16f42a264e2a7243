//! Typed values to text: answers, tables, ages, and the other forms that programs of the console print. All sentences of ours stand
//! here.

pub mod age;
pub mod answer;
pub mod assumption;
pub mod cause;
pub mod curl;
pub mod fault;
pub mod hint;
pub mod lab;
pub mod limit;
pub mod policies;
pub mod prose;
pub mod reach;
pub mod resolve;
pub mod rules;
pub mod story;
pub mod table;
pub mod timers;
pub mod trace;
pub mod traffic;
pub mod transcript;
pub mod unanswerable;
pub mod why;
pub mod words;
