//! Progress on standard error, where that is a terminal and the work takes more than a second.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analyzer::Step;

/// The time before anything is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time between two lines.
const PERIOD: Duration = Duration::from_millis(200);

/// Shows one line, which is renewed and at last removed.
pub(crate) fn progress() -> impl Fn(Step<'_>, usize) + Sync {
    let shown = Shown(Arc::new(Mutex::new(Work::new(Instant::now()))));
    if std::io::stderr().is_terminal() {
        let work = Arc::clone(&shown.0);
        std::thread::spawn(move || show(&work));
    }
    move |step, total| {
        let mut work = shown.0.lock().unwrap_or_else(PoisonError::into_inner);
        work.step(step, total, Instant::now());
    }
}

/// The work whose line is shown as long as this lives.
struct Shown(Arc<Mutex<Work>>);

impl Drop for Shown {
    fn drop(&mut self) {
        let mut work = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work.ended = true;
        if work.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn show(work: &Mutex<Work>) {
    loop {
        std::thread::sleep(PERIOD);
        let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
        if work.ended {
            return;
        }
        if work.begun.elapsed() >= PATIENCE {
            work.shown = true;
            let _ = write!(std::io::stderr(), "\r{}\x1b[K", work.line(Instant::now()));
        }
    }
}

/// What is done, and what is being done since when.
struct Work {
    begun: Instant,
    running: BTreeMap<String, Instant>,
    done: usize,
    total: usize,
    shown: bool,
    ended: bool,
}

impl Work {
    fn new(begun: Instant) -> Self {
        Self { begun, running: BTreeMap::new(), done: 0, total: 0, shown: false, ended: false }
    }

    fn step(&mut self, step: Step<'_>, total: usize, now: Instant) {
        self.total = total;
        match step {
            Step::Begins(name) => {
                self.running.insert(name.to_owned(), now);
            }
            Step::Ends(name) => {
                self.running.remove(name);
                self.done += 1;
            }
        }
    }

    /// How much is done, for how long, how long it will take if the rest is like what is done, and what takes longest.
    fn line(&self, now: Instant) -> String {
        let Self { done, total, .. } = self;
        let elapsed = now - self.begun;
        let mut line = format!("{done} of {total}, {} s", elapsed.as_secs());
        // What is begun last may take longest of all: nothing is said then.
        if *done > 0 && done + self.running.len() < *total {
            let left = elapsed.as_millis() * (total - done) as u128 / *done as u128 / 1000;
            let _ = write!(line, ", about {left} s left");
        }
        if let Some((name, since)) = self.running.iter().min_by_key(|(_, since)| **since) {
            let _ = write!(line, "; {name} for {} s", (now - *since).as_secs());
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_what_takes_longest() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut work = Work::new(begun);
        work.step(Step::Begins("add"), 4, at(0));
        assert_eq!(work.line(at(1)), "0 of 4, 1 s; add for 1 s");
        work.step(Step::Begins("mul"), 4, at(1));
        assert_eq!(work.line(at(2)), "0 of 4, 2 s; add for 2 s");
        work.step(Step::Begins("div"), 4, at(2));
        work.step(Step::Ends("add"), 4, at(3));
        assert_eq!(work.line(at(6)), "1 of 4, 6 s, about 18 s left; mul for 5 s");
        work.step(Step::Begins("the theorems"), 4, at(6));
        assert_eq!(work.line(at(7)), "1 of 4, 7 s; mul for 6 s");
        for name in ["mul", "div", "the theorems"] {
            work.step(Step::Ends(name), 4, at(7));
        }
        assert_eq!(work.line(at(8)), "4 of 4, 8 s");
    }
}
