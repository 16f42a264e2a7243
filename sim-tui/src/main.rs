//! kubewalk.
fn main() {}
