//! The questions about one class, put one after the other in one live session.

use model::isa::Class;

use crate::definitions::statewise::{Case, Guests};
use crate::prove::answer::Existence;
use crate::prove::context::Context;
use crate::prove::question::{Question, Session};
use crate::prove::setting::Setting;

/// One class under questioning: what was asked before, and who answers.
pub(crate) struct Inquiry<'i> {
    pub(crate) session: Session<'i>,
    context: Context<'i>,
}

impl<'i> Inquiry<'i> {
    pub(crate) fn new(context: Context<'i>, class: &'i Class) -> Self {
        Self { session: Session::new(context.setting, class), context }
    }

    pub(crate) fn setting(&self) -> Setting<'i> {
        self.context.setting
    }

    pub(crate) fn class(&self) -> &'i Class {
        self.session.problem.class
    }

    /// Puts a question and counts it.
    pub(crate) fn ask(&mut self, question: &Question<'_>) -> Existence {
        let (verdict, by) = self.context.backend.discharge(&mut self.session, question);
        self.context.tally.count(&verdict, by);
        verdict
    }

    /// A small witness.
    pub(crate) fn small(&mut self, question: &Question<'_>) -> Existence {
        let small = self.context.backend.small(&mut self.session, question);
        small.unwrap_or_else(|| Existence::Unknown("no witness is asked for".into()))
    }

    /// A statement that has to hold in every case of f: the first failure, else what is open, else the
    /// proof that took the most.
    pub(crate) fn by_case(
        &mut self,
        guests: Guests,
        put: impl Fn(&mut Self, Case) -> Existence,
    ) -> Existence {
        if model::map::VmMap::of(self.setting().isa).is_none() {
            return Existence::Unknown("the machine has no relocation and bounds".into());
        }
        let mut verdict: Option<Existence> = None;
        for case in guests.cases() {
            let one = put(self, *case);
            if one.is_witnessed() {
                return one;
            }
            verdict = Some(match verdict.take() {
                Some(known) => known.weaker(one),
                None => one,
            });
        }
        verdict.unwrap_or_else(|| Existence::Unknown("f has no case".into()))
    }
}
