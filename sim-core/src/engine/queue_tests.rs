use proptest::prelude::*;

use super::*;

/// The law, as plainly as it can be said: a list that is sorted before each look.
struct Plain {
    ties: Ties,
    events: Vec<Scheduled<u32>>,
}

impl Plain {
    fn pop_until(&mut self, limit: Instant) -> Option<Scheduled<u32>> {
        self.events.sort_by_key(|s| Reverse(s.key(self.ties)));
        self.events.pop_if(|next| next.at <= limit)
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// Schedule so long after the present.
    Push(u64),
    /// So many events, one nanosecond apart, beginning that long after the present.
    Burst(u64, u64),
    /// So many events at one instant.
    Crowd(u64, u64),
    /// Before the present, as only a bare queue can be asked to do.
    Past(u64),
    Pop(usize),
    PopUntil(u64),
    Peek,
    Clone,
}

fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..64_u64, 0..5_000_u64, 0..10_000_000_000_u64, any::<u64>(), (0..64_u32).prop_map(|b| 1 << b)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => delay().prop_map(Op::Push),
        1 => (delay(), 60..200_u64).prop_map(|(d, n)| Op::Burst(d, n)),
        1 => (delay(), 60..200_u64).prop_map(|(d, n)| Op::Crowd(d, n)),
        1 => delay().prop_map(Op::Past),
        4 => (1..90_usize).prop_map(Op::Pop),
        2 => delay().prop_map(Op::PopUntil),
        2 => Just(Op::Peek),
        1 => Just(Op::Clone),
    ]
}

fn ties() -> impl Strategy<Value = Ties> {
    prop_oneof![Just(Ties::Scheduled), any::<u64>().prop_map(Ties::Shuffled)]
}

proptest! {
    #[test]
    fn it_pops_what_a_sorted_list_pops(ties in ties(), ops in prop::collection::vec(op(), 1..80)) {
        let mut queue = EventQueue::new(ties);
        let mut plain = Plain { ties, events: Vec::new() };
        let mut present = 0_u64;
        for op in ops {
            let times: Vec<u64> = match op {
                Op::Push(d) => vec![present.saturating_add(d)],
                Op::Burst(d, n) => (0..n).map(|i| present.saturating_add(d).saturating_add(i)).collect(),
                Op::Crowd(d, n) => vec![present.saturating_add(d); n as usize],
                Op::Past(d) => vec![present.saturating_sub(d)],
                _ => Vec::new(),
            };
            for time in times {
                let at = Instant::from_nanos(time);
                let sequence = queue.push(at, None, time as u32);
                plain.events.push(Scheduled { at, sequence, cause: None, event: time as u32 });
            }
            let (pops, limit) = match op {
                Op::Pop(n) => (n, Instant::FAR_FUTURE),
                Op::PopUntil(d) => (usize::MAX, Instant::from_nanos(present.saturating_add(d))),
                _ => (0, Instant::START),
            };
            for _ in 0..pops {
                let got = queue.pop_until(limit);
                prop_assert_eq!(&got, &plain.pop_until(limit));
                let Some(got) = got else { break };
                present = present.max(got.at.as_nanos());
            }
            match op {
                Op::Peek => prop_assert_eq!(queue.next_at(), plain.events.iter().map(|s| s.at).min()),
                Op::Clone => queue = queue.clone(),
                _ => {}
            }
            prop_assert_eq!(queue.len(), plain.events.len());
        }
        let pending: Vec<_> = queue.pending().into_iter().cloned().collect();
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        prop_assert_eq!(&pending, &rest);
        prop_assert_eq!(rest, std::iter::from_fn(|| plain.pop_until(Instant::FAR_FUTURE)).collect::<Vec<_>>());
    }
}

/// Events of one instant, in the order in which they come out.
fn order(ties: Ties) -> Vec<u32> {
    let mut queue = EventQueue::new(ties);
    for event in 0..6 {
        queue.push(Instant::from_nanos(9), None, event);
    }
    std::iter::from_fn(|| queue.pop()).map(|s| s.event).collect()
}

#[test]
fn ties_run_as_scheduled_or_as_drawn() {
    assert_eq!(order(Ties::Scheduled), [0, 1, 2, 3, 4, 5]);
    let drawn: Vec<_> = (0..20).map(|salt| order(Ties::Shuffled(salt))).collect();
    assert!(drawn.iter().any(|o| *o != [0, 1, 2, 3, 4, 5]));
    assert!(drawn.windows(2).any(|pair| pair[0] != pair[1]));
    assert_eq!(order(Ties::Shuffled(3)), order(Ties::Shuffled(3)));
}

/// A burst that lands before an event already brought to the front must not make every push slower than the last.
#[test]
fn a_burst_before_a_distant_event_goes_to_buckets() {
    let mut queue = EventQueue::new(Ties::Scheduled);
    queue.push(Instant::from_nanos(60_000_000_000), None, 0);
    assert!(queue.next_at().is_some());
    for i in 0..100_000 {
        queue.push(Instant::from_nanos(1 + i * 7), None, 1);
    }
    assert!(queue.late.len() <= LATE_MAX, "{} latecomers", queue.late.len());
    assert_eq!(std::iter::from_fn(|| queue.pop()).count(), 100_001);
}

#[test]
fn emptied_buckets_give_their_memory_back() {
    let mut queue = EventQueue::new(Ties::Scheduled);
    for round in 0..40_u64 {
        for i in 0..2_000 {
            queue.push(Instant::from_nanos(round * 1_000_000_000 + i * 7_919 % 500_000_000), None, 1);
        }
        while queue.pop().is_some() {}
    }
    let kept: usize = queue.buckets.iter().chain(&queue.spare).map(Vec::capacity).sum();
    assert!(kept <= SPARE_MAX * SPARE_CAPACITY_MAX, "{kept}");
}
