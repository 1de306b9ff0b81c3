//! The questions about one class, put one after the other in one live session.

use model::isa::Class;

use crate::definitions::statewise::{Case, Guests};
use crate::prove::context::Context;
use crate::prove::setting::Setting;
use crate::prove::settle::{Docket, Question};
use crate::prove::verdict::Verdict;

/// One class under questioning: what was asked before, and who answers.
pub(crate) struct Inquiry<'i> {
    pub(crate) docket: Docket<'i>,
    context: Context<'i>,
}

impl<'i> Inquiry<'i> {
    pub(crate) fn new(context: Context<'i>, class: &'i Class) -> Self {
        Self { docket: Docket::new(context.setting, class), context }
    }

    pub(crate) fn setting(&self) -> Setting<'i> {
        self.context.setting
    }

    pub(crate) fn class(&self) -> &'i Class {
        self.docket.problem.class
    }

    /// Puts a question and counts it.
    pub(crate) fn ask(&mut self, question: &Question<'_>) -> Verdict {
        let (verdict, by) = self.context.settle.settle(&mut self.docket, question);
        self.context.tally.count(&verdict, by);
        verdict
    }

    /// A small witness.
    pub(crate) fn small(&mut self, question: &Question<'_>) -> Verdict {
        let small = self.context.settle.small(&mut self.docket, question);
        small.unwrap_or_else(|| Verdict::Open("no witness is asked for".into()))
    }

    /// A statement that has to hold in every case of f: the first failure, else what is open, else the
    /// proof that took the most.
    pub(crate) fn by_case(
        &mut self,
        guests: Guests,
        put: impl Fn(&mut Self, Case) -> Verdict,
    ) -> Verdict {
        if model::map::VmMap::of(self.setting().isa).is_none() {
            return Verdict::Open("the machine has no relocation and bounds".into());
        }
        let mut verdict: Option<Verdict> = None;
        for case in guests.cases() {
            let one = put(self, *case);
            if one.is_shown() {
                return one;
            }
            verdict = Some(match verdict.take() {
                Some(known) => known.weaker(one),
                None => one,
            });
        }
        verdict.unwrap_or_else(|| Verdict::Open("f has no case".into()))
    }
}
