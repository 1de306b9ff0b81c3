//! Which traps lead to the monitor: [trap entry](crate::definitions::entry) for every trap of a pair.

use model::isa::{Part, TrapId};

use crate::choice;
use crate::counts::Counts;
use crate::definitions::entry;
use crate::inquiry::Inquiry;
use crate::setting::Setting;
use crate::settle::{Question, Settle};
use crate::verdict::{Answer, Verdict};

/// What is known about the traps of a pair.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// By trap, in specification order: whether it leads to the monitor, with two states that show that
    /// it does not, if that is why.
    pub(crate) traps: Vec<(Answer, Option<Verdict>)>,
    /// No single choice is known under which all of them do.
    pub(crate) apart: bool,
    pub(crate) counts: Counts,
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
pub(crate) fn judge(setting: Setting<'_>, settle: &dyn Settle) -> Entries {
    let mut entries = Entries::default();
    let Some(class) = setting.isa.classes.first() else { return entries };
    let mut inquiry = Inquiry::new(setting, class, settle);
    let all: Vec<TrapId> = (0..setting.isa.traps.len()).map(|i| TrapId(i as u32)).collect();
    for &trap in &all {
        entries.traps.push(one(&mut inquiry, trap));
    }
    // That each of them can be led to the monitor does not say that all can be at once.
    let entering = entries.of(Answer::Yes);
    if entering.len() > 1 {
        entries.apart = !enters(&mut inquiry, "all", &entering, &[]).is_shown();
    }
    entries.counts = inquiry.counts;
    entries
}

/// Whether a trap leads to the monitor.
fn one(inquiry: &mut Inquiry<'_>, trap: TrapId) -> (Answer, Option<Verdict>) {
    let setting = inquiry.setting();
    let name = &setting.isa.trap(trap).name;
    let depends = inquiry.ask(&Question {
        name: format!("trap-entry/{name}/depends"),
        ask: &|problem| entry::ask_depends(problem, setting, trap),
        shows: &|replay| entry::depends_shown_by(replay, trap),
    });
    match &depends {
        Verdict::Proved(_) => match enters(inquiry, name, &[trap], &[]) {
            Verdict::Shown(_) => given(inquiry, trap),
            Verdict::Proved(_) => (Answer::No, None),
            Verdict::Open(_) => (Answer::Undecided, None),
        },
        Verdict::Open(_) => (Answer::Undecided, None),
        Verdict::Shown(witness) => {
            let choice = inquiry.ask(&Question {
                name: format!("trap-entry/{name}/choice"),
                ask: &|problem| entry::ask_choice(problem, setting, trap, witness),
                shows: &|replay| entry::choice_shown_by(replay, trap),
            });
            let stray = matches!(choice, Verdict::Proved(_));
            (if stray { Answer::No } else { Answer::Undecided }, Some(depends))
        }
    }
}

/// Whether a trap that can lead to the monitor does so for every argument, and whatever the monitor has
/// that it does not set.
fn given(inquiry: &mut Inquiry<'_>, trap: TrapId) -> (Answer, Option<Verdict>) {
    let setting = inquiry.setting();
    let given = inquiry.ask(&Question {
        name: format!("trap-entry/{}/given", setting.isa.trap(trap).name),
        ask: &|problem| entry::ask_given(problem, setting, trap),
        shows: &|replay| entry::given_shown_by(replay, trap),
    });
    match given {
        Verdict::Proved(_) => (Answer::Yes, None),
        Verdict::Open(_) => (Answer::Undecided, None),
        Verdict::Shown(ref witness) => {
            let choice = inquiry.ask(&Question {
                name: format!("trap-entry/{}/given-choice", setting.isa.trap(trap).name),
                ask: &|problem| entry::ask_given_choice(problem, setting, trap, witness),
                shows: &|replay| entry::given_choice_shown_by(replay, trap),
            });
            let stray = matches!(choice, Verdict::Proved(_));
            (if stray { Answer::No } else { Answer::Undecided }, Some(given))
        }
    }
}

/// Whether the traps that lead to the monitor still can where it keeps bits of its own at fixed values.
pub(crate) fn lead_keeping(
    setting: Setting<'_>,
    entries: &Entries,
    kept: &[(Part, u128)],
    settle: &dyn Settle,
    counts: &mut Counts,
) -> bool {
    let Some(class) = setting.isa.classes.first().filter(|_| !kept.is_empty()) else { return true };
    let mut inquiry = Inquiry::new(setting, class, settle);
    let name = format!("keeping {}", choice::words(setting.isa, kept));
    let found = enters(&mut inquiry, &name, &entries.of(Answer::Yes), kept);
    counts.add(&inquiry.counts);
    found.is_shown()
}

fn enters(
    inquiry: &mut Inquiry<'_>,
    name: &str,
    traps: &[TrapId],
    kept: &[(Part, u128)],
) -> Verdict {
    let setting = inquiry.setting();
    inquiry.ask(&Question {
        name: format!("trap-entry/{name}/enters"),
        ask: &|problem| entry::ask_enters(problem, setting, traps, kept),
        shows: &|replay| entry::enters_shown_by(replay, traps, kept),
    })
}
