//! Transcripts in the README and in the book are true: each `console` block is run, and prints what stands there.
//!
//! After a change of output: `TRYCMD=overwrite cargo test -p sim-tui --test docs`, and read what it wrote.

#[test]
fn transcripts_are_true() {
    // Paths in them are those of a clone.
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap();
    trycmd::TestCases::new().case("README.md").case("book/src/*.md");
}
