//! What holds for any input: no panic, an end, the same again.

use proptest::prelude::*;

use super::session;
use crate::console::session::Fed;
use crate::console::shell::{Parsed, parse};

/// Pieces of shell text, so that random scripts are often valid.
fn fragment() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "echo ",
        "x=1 ",
        "$x",
        "${x:-a}",
        "${x#*}",
        "$((1+",
        "))",
        "$(",
        ")",
        "`",
        "'",
        "\"",
        "\\",
        "\n",
        ";",
        " && ",
        " || ",
        "|",
        "for i in a b; do ",
        "done",
        "if true; then ",
        "fi",
        "while false; do ",
        "case a in ",
        "a) ",
        ";; ",
        "esac",
        "{ ",
        "}",
        "(",
        "<<EOF\n",
        "EOF\n",
        "> f ",
        "< f ",
        "2>&1 ",
        "f() ",
        "!",
        "[ a = b ]",
        "grep -o . ",
        "sed s/a/b/ ",
        "awk '{print $1}' ",
        "jq .a ",
        "é",
        "*",
        "#",
        "&",
        "printf %5s ",
        "sort ",
        "cut -c1 ",
        "tr a-z A-Z ",
        "test ( ",
        "seq 3 ",
        "xargs ",
        "watch ",
        "read y ",
        "timeout 1 ",
        "sleep 1 ",
        "exec web ",
        "ssh node-1 ",
        "exit ",
        "head -c 1 ",
        "tail -n +2 ",
        "wc ",
        "uniq -c ",
        "export ",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,200}") {
        let _ = parse(&text, true);
        let _ = parse(&text, false);
    }

    #[test]
    fn scripts_of_shell_pieces_run_to_an_end_and_the_same_again(pieces in prop::collection::vec(fragment(), 0..25)) {
        let text = pieces.concat();
        let run = || {
            let mut session = session();
            let fed: Vec<Fed> = text.lines().map(|line| session.feed(line)).collect();
            (fed, session.finish())
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn filters_take_any_arguments(program in proptest::sample::select(vec![
        "grep", "sed", "awk", "jq", "tr", "cut", "sort", "printf", "head", "date", "test", "seq", "xargs", "expr", "sed -E", "grep -E", "echo -e", "uniq", "wc", "sleep", "watch", "timeout",
    ]), argument in "\\PC{0,40}", input in "\\PC{0,60}") {
        let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let line = format!("printf %s {} | {program} {}", quote(&input), quote(&argument));
        session().run(&line);
    }
}

#[test]
fn nesting_is_refused_before_it_hurts() {
    for (open, close) in [
        ("(", ")"),
        ("$(", ")"),
        ("{ ", "; }"),
        ("${x:-", "}"),
        ("`", "`"),
        ("$((", "))"),
        ("if ", "fi"),
        ("! ", ""),
        ("\"$(", ")\""),
    ] {
        for depth in [10, 45, 100_000] {
            let text = format!("{}x{}", open.repeat(depth), close.repeat(depth));
            let _ = parse(&text, true);
            session().run(&text);
            session().run(&format!("echo {}x{}", open.repeat(depth), close.repeat(depth)));
        }
    }
    for program in ["awk", "jq", "expr", "test", "grep -E", "sed -E -n s"] {
        for open in ["(", "[", "{", "!", "-", "$", "if ", "..", "not ", ".a", "1+", "a ", ".,", "a|", "++"] {
            let text = format!("{program} '{}'", open.repeat(50_000));
            session().run(&text);
        }
    }
}

#[test]
fn shells_that_run_shells_are_refused_before_it_hurts() {
    for script in [
        "sh s",
        "f() { if [ $1 -gt 0 ]; then f $(($1-1)); else sh s; fi; }; f 9",
        "echo $(sh s)",
        "echo 1 2 | xargs -n1 sh s",
        "watch -t -n 9 sh s | head",
        ". ./s",
        "eval '. ./s'",
        "timeout 5 sh s",
        "{ { { ( ( sh s ) ) } } } | cat",
    ] {
        let outcome = session().run(&format!("cat > s <<'EOF'\n{script}\nEOF\nsh s"));
        assert!((outcome.stdout + &outcome.stderr).contains("deep"), "{script}");
    }
}

#[test]
fn every_beginning_of_a_script_is_incomplete_or_whole() {
    let script = "for i in 1 2; do\n  if [ $i = 1 ]; then echo \"a $(echo 'b c') ${x:-d}\"; else cat <<EOF\nx\nEOF\n  fi\ndone\n";
    for (end, _) in script.match_indices([' ', '\n']) {
        assert!(!matches!(parse(&script[..=end], false), Parsed::Error(_)), "{:?}", &script[..=end]);
    }
}
