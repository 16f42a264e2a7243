//! What the constants of Linux add up to.

use super::*;

#[test]
fn a_syn_is_sent_at_the_times_that_linux_sends_it() {
    let mut at = Duration::ZERO;
    let mut times = vec![0];
    for wait in SYN_WAITS {
        at = at + wait;
        times.push(at.as_secs());
    }
    assert_eq!(times, [0, 1, 3, 7, 15, 31, 63, 127]);
}

#[test]
fn data_is_sent_again_fifteen_times() {
    assert_eq!(retransmissions().count(), 1 + 15, "the last wait ends with giving up");
    assert_eq!(retransmissions().fold(Duration::ZERO, |sum, wait| sum + wait), RETRANSMITS);
}
