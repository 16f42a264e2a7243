//! `expr`: integer arithmetic and comparison, an operator a word.

use super::not_modelled;
use crate::console::host::{Host, Outcome};
use crate::console::shell::arith::{self, Variables};

struct NoVariables;

impl Variables for NoVariables {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
    fn set(&mut self, _: &str, _: i64) {}
}

/// `expr A + B`; exit 1 if the result is zero.
pub(super) fn expr(_: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    if argv.len() == 1 {
        return Outcome::err(2, "expr: missing operand\nTry 'expr --help' for more information.");
    }
    let operators = ["+", "-", "*", "/", "%", "(", ")", "<", "<=", "=", "!=", ">", ">="];
    let known = |word: &str| operators.contains(&word) || word.parse::<i64>().is_ok();
    if let Some(word) = argv[1..].iter().find(|word| !known(word)) {
        return not_modelled("expr", &format!("only whole numbers and + - * / % ( ) < <= = != >= > are modelled, not '{word}'"));
    }
    let spelled: Vec<&str> = argv[1..].iter().map(|word| if word == "=" { "==" } else { word.as_str() }).collect();
    match arith::evaluate(&spelled.join(" "), &mut NoVariables) {
        Ok(value) => Outcome { stdout: format!("{value}\n"), exit: i32::from(value == 0), ..Outcome::default() },
        Err(why) if why.contains("division by zero") => Outcome::err(2, "expr: division by zero"),
        Err(_) => Outcome::err(2, "expr: syntax error"),
    }
}
