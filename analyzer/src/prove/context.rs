//! What every step of the analysis of a pair shares.

use std::sync::Mutex;

use crate::decide::By;
use crate::prove::answer::Existence;
use crate::prove::counts::Counts;
use crate::prove::question::Backend;
use crate::prove::setting::Setting;

/// The setting of the questions, who answers them, and what it has taken.
#[derive(Clone, Copy)]
pub(crate) struct Context<'i> {
    pub(crate) setting: Setting<'i>,
    pub(crate) backend: &'i dyn Backend,
    pub(crate) tally: &'i Tally,
}

/// Questions answered so far, by any thread.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

impl Tally {
    pub(crate) fn count(&self, verdict: &Existence, by: By) {
        self.0.lock().expect("no holder panics").count(verdict, by);
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.0.lock().expect("no holder panics")
    }
}
