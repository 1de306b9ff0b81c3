//! What every step of the analysis of a pair shares.

use std::sync::Mutex;

use crate::decide::By;
use crate::prove::counts::Counts;
use crate::prove::setting::Setting;
use crate::prove::settle::Settle;
use crate::prove::verdict::Verdict;

/// The setting of the questions, who answers them, and what it has taken.
#[derive(Clone, Copy)]
pub(crate) struct Context<'i> {
    pub(crate) setting: Setting<'i>,
    pub(crate) settle: &'i dyn Settle,
    pub(crate) tally: &'i Tally,
}

/// Questions answered so far, by any thread.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

impl Tally {
    pub(crate) fn count(&self, verdict: &Verdict, by: By) {
        self.0.lock().expect("no holder panics").count(verdict, by);
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.0.lock().expect("no holder panics")
    }
}
