//! Which traps lead to the monitor: [trap entry](crate::definitions::entry) for every trap of a pair.

use std::collections::BTreeMap;

use model::isa::{Isa, Part, TrapId};
use model::state::State;

use crate::definitions::entry::{self, Handler};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::theorems::choice::{self, Assignment};

/// What is known about the traps of a pair.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// By trap, in specification order: whether it leads to the monitor, with two states that show that
    /// it does not, if that is why.
    pub(crate) traps: Vec<Known>,
    /// No single choice is known under which all of them do.
    pub(crate) apart: bool,
    /// Bits that the monitor has to keep, for all of them to lead to it.
    pub(crate) needs: Assignment,
    /// One choice of the monitor's under which all of them do, as far as it matters for that.
    pub(crate) choice: Lead,
    /// There may be more of these.
    pub(crate) more: bool,
}

/// What leads traps to the monitor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lead {
    /// Components of the monitor's.
    pub(crate) parts: Assignment,
    /// Cells of the trap sequences that are not zero.
    pub(crate) cells: BTreeMap<u128, u128>,
}

impl Lead {
    fn of(isa: &Isa, state: &State, parts: impl Iterator<Item = Part>) -> Self {
        let cells = state.storage.range(..isa.least_cells());
        Self {
            parts: parts.map(|part| (part, state.part(part))).collect(),
            cells: cells.map(|(cell, value)| (*cell, *value)).collect(),
        }
    }
}

impl Entries {
    /// Traps that never lead to a monitor.
    pub(crate) fn strays(&self) -> Vec<TrapId> {
        self.of(Answer::No)
    }

    /// Traps with an answer.
    pub(crate) fn of(&self, answer: Answer) -> Vec<TrapId> {
        let ids = (0..self.traps.len()).map(|i| TrapId(i as u32));
        ids.filter(|id| self.traps[id.index()].0 == answer).collect()
    }
}

/// Judges every trap.
pub(crate) fn judge(context: Context<'_>) -> Entries {
    let setting = context.setting;
    let mut entries = Entries::default();
    let Some(class) = setting.isa.classes.first() else { return entries };
    let mut inquiry = Inquiry::new(context, class);
    let all: Vec<TrapId> = (0..setting.isa.traps.len()).map(|i| TrapId(i as u32)).collect();
    for &trap in &all {
        entries.traps.push(one(&mut inquiry, trap));
    }
    // That each of them can be led to the monitor does not say that all can be at once.
    let entering = entries.of(Answer::Yes);
    let together = enters(&mut inquiry, "all", &entering, &[]);
    entries.apart = !together.is_witnessed();
    if let Existence::Witnessed(witness) = together {
        let known = &witness.before[0];
        let relevant = entry::relevant(setting, inquiry.class(), &entering, true).into_iter();
        entries.choice = Lead::of(setting.isa, known, relevant);
        let needs = needs(&mut inquiry, &entering, known);
        entries.more = needs.is_none();
        entries.needs = needs.unwrap_or_default();
    }
    entries
}

/// The bits of the monitor's own at which each choice has them that lets all these traps lead to it; one such
/// choice is known.
fn needs(inquiry: &mut Inquiry<'_>, traps: &[TrapId], known: &State) -> Option<Assignment> {
    let setting = inquiry.setting();
    let relevant = entry::relevant(setting, inquiry.class(), traps, false);
    let mut needs = Assignment::new();
    for part in relevant {
        // The bits that some choice has at another value.
        let mut free = 0;
        let mut low = part.low;
        for bit in 0..part.width {
            let one = Part { low: part.low + bit, width: 1, ..part };
            if free >> bit & 1 == 0 {
                let other = [(one, 1 - known.part(one))];
                let name = format!("needs/{}", choice::words(setting.isa, &other));
                match enters(inquiry, &name, traps, &other) {
                    Existence::Witnessed(witness) => {
                        free |= witness.before[0].part(part) ^ known.part(part);
                    }
                    Existence::Absent(_) => {}
                    Existence::Unknown(_) => return None,
                }
            }
            if free >> bit & 1 == 1 {
                low = one.low + 1;
                continue;
            }
            // Bits beside each other are one condition.
            if one.low > low {
                needs.pop();
            }
            let bits = Part { low, width: one.low + 1 - low, ..part };
            needs.push((bits, known.part(bits)));
        }
    }
    Some(needs)
}

/// Whether a trap leads to the monitor, and why not.
type Known = (Answer, Option<Existence>);

/// Whether a trap leads to the monitor.
fn one(inquiry: &mut Inquiry<'_>, trap: TrapId) -> Known {
    let name = &inquiry.setting().isa.trap(trap).name;
    if let Some(known) = depends(inquiry, trap, Handler::Unasked) {
        return known;
    }
    match enters(inquiry, name, &[trap], &[]) {
        Existence::Witnessed(_) => {
            depends(inquiry, trap, Handler::Own).unwrap_or_else(|| given(inquiry, trap))
        }
        Existence::Absent(_) => {
            let name = format!("{name}/anywhere");
            let anywhere = enters_at(inquiry, &name, &[trap], &[], Handler::Anywhere);
            (if anywhere.is_absent() { Answer::No } else { Answer::Undecided }, None)
        }
        Existence::Unknown(_) => (Answer::Undecided, None),
    }
}

/// Whether where a trap leads depends on the guest: the place, or what is fetched there. Nothing where it does
/// not.
fn depends(inquiry: &mut Inquiry<'_>, trap: TrapId, handler: Handler) -> Option<Known> {
    let setting = inquiry.setting();
    let name = &setting.isa.trap(trap).name;
    // A choice of the monitor's may let the handler stand anywhere.
    let (depends, choice, chosen) = match handler {
        Handler::Unasked => ("depends", "choice", handler),
        Handler::Anywhere | Handler::Own => ("handler", "handler-choice", Handler::Anywhere),
    };
    let depends = inquiry.ask(&Question {
        name: format!("trap-entry/{name}/{depends}"),
        ask: &|problem| entry::ask_depends(problem, setting, trap, handler),
        shows: &|replay| entry::depends_shown_by(replay, trap, handler),
    });
    match &depends {
        Existence::Absent(_) => None,
        Existence::Unknown(_) => Some((Answer::Undecided, None)),
        Existence::Witnessed(witness) => {
            let choice = inquiry.ask(&Question {
                name: format!("trap-entry/{name}/{choice}"),
                ask: &|problem| entry::ask_choice(problem, setting, trap, witness, chosen),
                shows: &|replay| entry::choice_shown_by(replay, trap, chosen),
            });
            let answer = if choice.is_absent() { Answer::No } else { Answer::Undecided };
            Some((answer, Some(depends)))
        }
    }
}

/// Whether a trap that can lead to the monitor does so for every argument, and whatever the monitor has
/// that it does not set.
fn given(inquiry: &mut Inquiry<'_>, trap: TrapId) -> Known {
    let setting = inquiry.setting();
    let given = inquiry.ask(&Question {
        name: format!("trap-entry/{}/given", setting.isa.trap(trap).name),
        ask: &|problem| entry::ask_given(problem, setting, trap),
        shows: &|replay| entry::given_shown_by(replay, trap),
    });
    match given {
        Existence::Absent(_) => (Answer::Yes, None),
        Existence::Unknown(_) => (Answer::Undecided, None),
        Existence::Witnessed(ref witness) => {
            let choice = inquiry.ask(&Question {
                name: format!("trap-entry/{}/given-choice", setting.isa.trap(trap).name),
                ask: &|problem| entry::ask_given_choice(problem, setting, trap, witness),
                shows: &|replay| entry::given_choice_shown_by(replay, trap),
            });
            let stray = matches!(choice, Existence::Absent(_));
            (if stray { Answer::No } else { Answer::Undecided }, Some(given))
        }
    }
}

/// One choice of the monitor's, as far as it matters, under which the traps that lead to it still do where bits of its
/// own are at these values, if one is known.
pub(crate) fn lead_keeping(
    context: Context<'_>,
    entries: &Entries,
    kept: &[(Part, u128)],
) -> Option<Lead> {
    let setting = context.setting;
    let Some(class) = setting.isa.classes.first().filter(|_| !kept.is_empty()) else {
        return Some(entries.choice.clone());
    };
    let mut inquiry = Inquiry::new(context, class);
    let name = format!("keeping {}", choice::words(setting.isa, kept));
    match enters(&mut inquiry, &name, &entries.of(Answer::Yes), kept) {
        Existence::Witnessed(witness) => {
            let parts = entries.choice.parts.iter().map(|(part, _)| *part);
            Some(Lead::of(setting.isa, &witness.before[0], parts))
        }
        Existence::Absent(_) | Existence::Unknown(_) => None,
    }
}

fn enters(
    inquiry: &mut Inquiry<'_>,
    name: &str,
    traps: &[TrapId],
    kept: &[(Part, u128)],
) -> Existence {
    enters_at(inquiry, name, traps, kept, Handler::Own)
}

/// Whether there is a state from which all these traps enter, with a handler that is the monitor's or one that
/// stands anywhere.
fn enters_at(
    inquiry: &mut Inquiry<'_>,
    name: &str,
    traps: &[TrapId],
    kept: &[(Part, u128)],
    handler: Handler,
) -> Existence {
    let setting = inquiry.setting();
    inquiry.ask(&Question {
        name: format!("trap-entry/{name}/enters"),
        ask: &|problem| entry::ask_enters(problem, setting, traps, kept, handler),
        shows: &|replay| entry::enters_shown_by(replay, traps, kept),
    })
}
