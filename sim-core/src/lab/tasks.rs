//! Programs that wait inside simulated time, and the executor that goes on with them when their time has come.
//!
//! In real life the kernel of each machine does this: a program sleeps in a system call until a timer fires or something
//! arrives. Here a program is an `async fn`, so that its code reads from top to bottom; wherever it waits, it tells the
//! [`Clock`] for what. The executor polls all tasks in the order in which they were started, then moves the world to the
//! earliest thing that one of them waits for, and so on. There are no threads and no wakers: after each move every task is
//! polled whose condition holds. So the same tasks in the same world run in the same order, on every machine.
//!
//! Left out: priorities, signals that a program could catch.

use std::cell::{Cell, RefCell, RefMut};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::world::{Lent, Stopped, World, WorldRef};
use crate::engine::time::{Duration, Instant};

/// A program under way.
pub type Running = Pin<Box<dyn Future<Output = ()>>>;

/// Most tasks at one time; another is refused.
pub const TASKS_MAX: usize = 256;

/// Number of a task, in the order in which they were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// What the pending waits of one task come to.
#[derive(Clone, Copy, Debug)]
struct Wake {
    /// It goes on at this time.
    at: Instant,
    /// It goes on when an object changed.
    on_change: bool,
    /// It goes on when another task did something.
    on_progress: bool,
}

impl Wake {
    const NEVER: Wake = Wake { at: Instant::FAR_FUTURE, on_change: false, on_progress: false };
    const NOW: Wake = Wake { at: Instant::START, ..Wake::NEVER };
}

/// What tasks share with the executor.
struct Shared {
    world: Rc<RefCell<dyn World>>,
    /// What the task being polled waits for.
    wake: Cell<Wake>,
    /// Why the task being polled is to end, if it is.
    stop: RefCell<Option<Stopped>>,
    started: RefCell<Vec<(TaskId, Running)>>,
    killed: RefCell<Vec<TaskId>>,
    /// All but the task being polled are to end.
    end_others: Cell<bool>,
    count: Cell<usize>,
    next: Cell<u64>,
    /// Counts what tasks did that others may wait for: an end, output.
    progress: Cell<u64>,
}

/// The clock as programs see it: they ask what time it is, wait, and start others. Copies are the same clock.
#[derive(Clone)]
pub struct Clock(Rc<Shared>);

impl Clock {
    /// The world, lent until the program waits.
    pub fn world(&self) -> WorldRef<'_> {
        Lent::Shared(self.0.world.borrow_mut())
    }

    /// The same, as a plain borrow.
    pub fn borrow(&self) -> RefMut<'_, dyn World + 'static> {
        self.0.world.borrow_mut()
    }

    /// Simulated time.
    pub fn now(&self) -> Instant {
        self.0.world.borrow().elapsed()
    }

    /// Waits until that moment.
    pub fn until(&self, at: Instant) -> Waiting {
        Waiting::On(Wait { clock: self.clone(), at, seen: None })
    }

    /// Waits so long.
    pub fn sleep(&self, by: Duration) -> Waiting {
        self.until(self.now() + by)
    }

    /// Waits until an object changes, at most until that moment.
    pub fn change(&self, at: Instant) -> Waiting {
        let seen = self.0.world.borrow().revision();
        Waiting::On(Wait { clock: self.clone(), at, seen: Some(seen) })
    }

    /// Waits until `done` says so; it is asked again after each thing that another task did.
    pub fn progress<'d>(&self, done: impl Fn() -> bool + 'd) -> Progress<'d> {
        Progress { clock: self.clone(), done: Box::new(done) }
    }

    /// Tells the others that something was done for which they may wait.
    pub fn tell(&self) {
        self.0.progress.set(self.0.progress.get() + 1);
    }

    /// Starts a task beside the others; `None` if there are too many. It runs first when the present one waits.
    pub fn start(&self, running: Running) -> Option<TaskId> {
        if self.0.count.get() >= TASKS_MAX {
            return None;
        }
        let id = TaskId(self.0.next.get());
        self.0.next.set(id.0 + 1);
        self.0.count.set(self.0.count.get() + 1);
        self.0.started.borrow_mut().push((id, running));
        Some(id)
    }

    /// Ends a task where it stands. What it printed stays.
    pub fn kill(&self, task: TaskId) {
        self.0.killed.borrow_mut().push(task);
        self.tell();
    }

    /// Ends all tasks but the present one where they stand.
    pub fn end_others(&self) {
        self.0.end_others.set(true);
    }

    /// Why the present task has to end, if it has to.
    pub fn stopped(&self) -> Option<Stopped> {
        self.0.stop.borrow().clone()
    }

    fn wait_for(&self, wake: Wake) {
        let mine = self.0.wake.get();
        self.0.wake.set(Wake {
            at: mine.at.min(wake.at),
            on_change: mine.on_change || wake.on_change,
            on_progress: mine.on_progress || wake.on_progress,
        });
    }
}

/// A wait for a time or for a change.
pub struct Wait {
    clock: Clock,
    at: Instant,
    /// The revision after which a change is new.
    seen: Option<u64>,
}

/// Waiting. An error: a budget ran out or the user interrupted, and the program has to end.
pub enum Waiting {
    /// In a world that several tasks share.
    On(Wait),
    /// In a world that moved at once.
    Over(Result<(), Stopped>),
}

impl Future for Waiting {
    type Output = Result<(), Stopped>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = match &*self {
            Waiting::Over(result) => return Poll::Ready(result.clone()),
            Waiting::On(wait) => wait,
        };
        if let Some(stopped) = wait.clock.stopped() {
            return Poll::Ready(Err(stopped));
        }
        let (now, revision) = {
            let world = wait.clock.borrow();
            (world.elapsed(), world.revision())
        };
        if now >= wait.at || wait.seen.is_some_and(|seen| seen != revision) {
            return Poll::Ready(Ok(()));
        }
        wait.clock.wait_for(Wake { at: wait.at, on_change: wait.seen.is_some(), on_progress: false });
        Poll::Pending
    }
}

/// A wait for another task.
pub struct Progress<'d> {
    clock: Clock,
    done: Box<dyn Fn() -> bool + 'd>,
}

impl Future for Progress<'_> {
    type Output = Result<(), Stopped>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(stopped) = self.clock.stopped() {
            return Poll::Ready(Err(stopped));
        }
        if (self.done)() {
            return Poll::Ready(Ok(()));
        }
        self.clock.wait_for(Wake { on_progress: true, ..Wake::NEVER });
        Poll::Pending
    }
}

/// The first of two to end; the other is dropped where it stands.
pub enum First<A, B> {
    /// The first ended.
    A(A),
    /// The second did.
    B(B),
}

/// Runs two futures side by side until one of them ends. At the same moment the first one wins.
pub async fn first<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> First<A, B> {
    let (mut a, mut b) = (Box::pin(a), Box::pin(b));
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(done) = a.as_mut().poll(cx) {
            return Poll::Ready(First::A(done));
        }
        b.as_mut().poll(cx).map(First::B)
    })
    .await
}

/// Runs something that never has to wait, as in a world that moves at once.
#[cfg(test)]
pub(crate) fn at_once<T>(doing: impl Future<Output = T>) -> T {
    match Box::pin(doing).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits for something that this world does not have"),
    }
}

struct Task {
    id: TaskId,
    running: Running,
    wake: Wake,
}

/// The tasks of a world. Copies are the same tasks.
#[derive(Clone)]
pub struct Tasks {
    clock: Clock,
    live: Rc<RefCell<Vec<Task>>>,
}

impl Tasks {
    /// No tasks yet, in this world.
    pub fn new(world: Rc<RefCell<dyn World>>) -> Tasks {
        let shared = Shared {
            world,
            wake: Cell::new(Wake::NEVER),
            stop: RefCell::new(None),
            started: RefCell::new(Vec::new()),
            killed: RefCell::new(Vec::new()),
            end_others: Cell::new(false),
            count: Cell::new(0),
            next: Cell::new(1),
            progress: Cell::new(0),
        };
        Tasks { clock: Clock(Rc::new(shared)), live: Rc::new(RefCell::new(Vec::new())) }
    }

    /// The clock for programs.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether that task has not ended.
    pub fn lives(&self, id: TaskId) -> bool {
        self.live.borrow().iter().any(|task| task.id == id) || self.clock.0.started.borrow().iter().any(|(new, _)| *new == id)
    }

    /// How many tasks have not ended.
    pub fn count(&self) -> usize {
        self.clock.0.count.get()
    }

    /// Ends all tasks where they stand.
    pub fn clear(&self) {
        self.clock.0.started.borrow_mut().clear();
        // A task that is dropped may still speak to the clock.
        let live = std::mem::take(&mut *self.live.borrow_mut());
        drop(live);
        self.clock.0.count.set(0);
    }

    /// Lets the world live until that task has ended, or until the moment `until`. An error ends the task: a budget ran out, or
    /// the user interrupted; other tasks go on when the world next moves. Tells whether the task has ended.
    pub fn drive(&self, task: TaskId, until: Instant) -> Result<bool, Stopped> {
        loop {
            self.poll_all();
            if !self.lives(task) {
                return Ok(true);
            }
            if self.clock.now() >= until {
                return Ok(false);
            }
            if let Err(stopped) = self.move_on(until) {
                self.stop(task, &stopped);
                return Err(stopped);
            }
        }
    }

    /// Runs something to its end while the world lives.
    pub fn block_on<T: 'static>(&self, doing: impl Future<Output = T> + 'static) -> Result<T, Stopped> {
        let slot = Rc::new(RefCell::new(None));
        let result = slot.clone();
        let running = Box::pin(async move {
            let value = doing.await;
            *result.borrow_mut() = Some(value);
        });
        let full = || Stopped::limit("too many commands run in the background; `kill` some of them");
        let task = self.clock.start(running).ok_or_else(full)?;
        self.drive(task, Instant::FAR_FUTURE)?;
        slot.take().ok_or_else(|| Stopped::limit("the command was ended"))
    }

    /// Lets the world live until the moment `until`, with whatever tasks there are.
    pub fn advance_to(&self, until: Instant) -> Result<(), Stopped> {
        loop {
            self.poll_all();
            if self.clock.now() >= until {
                return Ok(());
            }
            self.move_on(until)?;
        }
    }

    /// Moves the world to the next thing that a task waits for, at most to `until`.
    fn move_on(&self, until: Instant) -> Result<(), Stopped> {
        let mut world = self.clock.borrow();
        let (mut at, mut on_change) = (until, false);
        for task in self.live.borrow().iter() {
            at = at.min(task.wake.at);
            on_change |= task.wake.on_change;
        }
        let by = at.since(world.elapsed());
        if !on_change {
            return world.advance(by);
        }
        let seen = world.revision();
        world.advance_until(by, &mut |world| world.revision() != seen).map(|_| ())
    }

    /// Polls every task whose condition holds, until none can go on at this moment.
    pub fn poll_all(&self) {
        let mut revision = self.clock.0.world.borrow().revision();
        let mut changed = true;
        loop {
            self.settle();
            let told = self.clock.0.progress.get();
            let now = self.clock.now();
            let mut polled = false;
            let mut last = TaskId(0);
            while let Some(id) = self.due(last, now, changed) {
                polled = true;
                last = id;
                self.poll_one(id);
                // One that was ended by another at this moment does nothing more.
                self.drop_killed();
            }
            let fresh = self.clock.0.world.borrow().revision();
            changed = fresh != revision;
            revision = fresh;
            let has_moved = self.clock.now() != now;
            let is_told = self.clock.0.progress.get() != told;
            if is_told {
                self.wake_the_told();
            }
            let has_new = !self.clock.0.started.borrow().is_empty() || !self.clock.0.killed.borrow().is_empty();
            let goes_on = has_new || is_told || has_moved || (polled && changed);
            if !goes_on {
                return;
            }
        }
    }

    /// The first task after that one that can go on; they lie in the order of their numbers.
    fn due(&self, after: TaskId, now: Instant, changed: bool) -> Option<TaskId> {
        let is_due = |task: &&Task| task.id > after && (task.wake.at <= now || (changed && task.wake.on_change));
        self.live.borrow().iter().find(is_due).map(|task| task.id)
    }

    fn poll_one(&self, id: TaskId) {
        let Some(place) = self.live.borrow().iter().position(|task| task.id == id) else { return };
        let mut task = self.live.borrow_mut().remove(place);
        self.clock.0.wake.set(Wake::NEVER);
        let ended = task.running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        task.wake = self.clock.0.wake.get();
        let mut place = place;
        if self.clock.0.end_others.take() {
            let others = std::mem::take(&mut *self.live.borrow_mut());
            self.clock.0.count.set(self.clock.0.count.get() - others.len());
            drop(others);
            place = 0;
        }
        if ended {
            self.clock.0.count.set(self.clock.0.count.get().saturating_sub(1));
            self.clock.tell();
            return;
        }
        self.live.borrow_mut().insert(place, task);
    }

    fn wake_the_told(&self) {
        self.live.borrow_mut().iter_mut().filter(|task| task.wake.on_progress).for_each(|task| task.wake = Wake::NOW);
    }

    /// Drops what was killed.
    fn drop_killed(&self) {
        for id in std::mem::take(&mut *self.clock.0.killed.borrow_mut()) {
            let place = self.live.borrow().iter().position(|task| task.id == id);
            let dead = place.map(|place| self.live.borrow_mut().remove(place));
            if dead.is_some() {
                self.clock.0.count.set(self.clock.0.count.get().saturating_sub(1));
            }
            // It may speak to the clock while it is dropped.
            drop(dead);
        }
    }

    /// Takes in what was started, and drops what was killed.
    fn settle(&self) {
        let started = std::mem::take(&mut *self.clock.0.started.borrow_mut());
        self.live.borrow_mut().extend(started.into_iter().map(|(id, running)| Task { id, running, wake: Wake::NOW }));
        self.drop_killed();
    }

    /// Tells a task that it has to end. One that does not take the hint is dropped.
    fn stop(&self, id: TaskId, why: &Stopped) {
        *self.clock.0.stop.borrow_mut() = Some(why.clone());
        self.poll_one(id);
        *self.clock.0.stop.borrow_mut() = None;
        if self.lives(id) {
            self.clock.kill(id);
        }
        self.settle();
    }
}
