//! Sessions: line by line, commands of several lines, nested shells.

use std::cell::RefCell;
use std::rc::Rc;

use insta::assert_snapshot;

use super::{FakeWorld, session_in};
use crate::console::session::Fed;

/// Feeds lines and shows each with what it came to.
fn transcript(lines: &str) -> String {
    let world = Rc::new(RefCell::new(FakeWorld::new()));
    let mut session = session_in(&world);
    let mut out = String::new();
    for line in lines.lines() {
        if line == "(container ends)" {
            world.borrow_mut().running = false;
            continue;
        }
        out.push_str(&format!("{}{line}\n", session.prompt()));
        match session.feed(line) {
            Fed::Nothing => out.push_str("  nothing\n"),
            Fed::NeedsMore => {}
            Fed::Ran(result) => {
                let o = result.outcome;
                out.push_str(&format!("{}{}  -> {}\n", o.stdout, o.stderr, o.exit));
            }
        }
    }
    for result in session.finish() {
        out.push_str(&format!("at the end: {:?} {:?}\n", result.command, result.outcome));
    }
    out + &format!("ended: {}, status {}", session.ended(), session.status())
}

#[test]
fn a_session_remembers() {
    assert_snapshot!(transcript("x=1\n\n# comment\necho $x\nfalse\necho $?\ncd /tmp\npwd\necho )\necho $?\nexit 3"), @r#"
        $ x=1
          -> 0
        $ 
          nothing
        $ # comment
          nothing
        $ echo $x
        1
          -> 0
        $ false
          -> 1
        $ echo $?
        1
          -> 0
        $ cd /tmp
          -> 0
        $ pwd
        /tmp
          -> 0
        $ echo )
        sh: 1: Syntax error: ")" unexpected
          -> 2
        $ echo $?
        2
          -> 0
        $ exit 3
          -> 3
        ended: true, status 3
        "#);
}

#[test]
fn commands_of_several_lines_wait_for_their_end() {
    assert_snapshot!(transcript(
        "for i in 1 2\ndo\necho $i\ndone\ncat <<EOF\nfor done\n\nEOF\necho 'a\n# not a comment\nb'\necho x |\n\ntr x y\necho a \\\nb\nif true\nthen echo yes\nfi\necho $(echo\n)"
    ), @r#"
        $ for i in 1 2
        > do
        > echo $i
        > done
        1
        2
          -> 0
        $ cat <<EOF
        > for done
        > 
        > EOF
        for done

          -> 0
        $ echo 'a
        > # not a comment
        > b'
        a
        # not a comment
        b
          -> 0
        $ echo x |
        > 
        > tr x y
        y
          -> 0
        $ echo a \
        > b
        a b
          -> 0
        $ if true
        > then echo yes
        > fi
        yes
          -> 0
        $ echo $(echo
        > )

          -> 0
        ended: false, status 0
        "#);
}

#[test]
fn nested_shells_run_elsewhere_until_exit() {
    assert_snapshot!(transcript(
        "v=out\nexec web\nhostname\necho [$v] $WEB_SERVICE_HOST\ncd /etc\nssh x\nexit 4\necho $? $v\nssh node-1\nhostname\nexit\nexec web\nhostname"
    ), @r#"
        $ v=out
          -> 0
        $ exec web
          -> 0
        / # hostname
        web
          -> 0
        / # echo [$v] $WEB_SERVICE_HOST
        [] 10.96.0.20
          -> 0
        / # cd /etc
          -> 0
        /etc # ssh x
        sh: ssh: not found
          -> 127
        /etc # exit 4
        pod deleted
        command terminated with exit code 4
          -> 4
        $ echo $? $v
        4 out
          -> 0
        $ ssh node-1
          -> 0
        root@node-1:~# hostname
        node-1
          -> 0
        root@node-1:~# exit
          -> 0
        $ exec web
          -> 0
        / # hostname
        web
          -> 0
        at the end: "exit" Outcome { stdout: "pod deleted\n", stderr: "", exit: 0 }
        ended: false, status 0
        "#);
}

#[test]
fn a_nested_shell_dies_with_its_container() {
    assert_snapshot!(transcript("exec web\nhostname\n(container ends)\nhostname\nhostname"), @r#"
        $ exec web
          -> 0
        / # hostname
        web
          -> 0
        / # hostname
        pod deleted
        command terminated with exit code 137
          -> 137
        $ hostname
        workstation
          -> 0
        ended: false, status 0
        "#);
}

#[test]
fn an_image_without_a_shell_opens_none() {
    assert_snapshot!(transcript("exec bare\nhostname"), @r#"
        $ exec bare
        OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": executable file not found in $PATH: unknown
        command terminated with exit code 126
          -> 126
        $ hostname
        workstation
          -> 0
        ended: false, status 0
        "#);
}

#[test]
fn an_unfinished_command_is_refused_or_run_at_the_end() {
    assert_snapshot!(transcript("while true; do"), @r#"
        $ while true; do
        at the end: "while true; do" Outcome { stdout: "", stderr: "sh: 2: Syntax error: end of file unexpected (expecting \"done\")\n", exit: 2 }
        ended: false, status 2
        "#);
    assert_snapshot!(transcript("cat <<EOF\nlast words"), @r#"
        $ cat <<EOF
        > last words
        at the end: "cat <<EOF\nlast words" Outcome { stdout: "last words\n", stderr: "", exit: 0 }
        ended: false, status 0
        "#);
}
