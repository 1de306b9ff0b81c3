//! Whether the dispatcher can save the registers of a guest, one register after the other, and give them back:
//! [saving](crate::definitions::save) and [resuming](crate::definitions::resume).

use model::bits::mask;
use model::isa::{Part, TrapId};
use model::state::State;

use crate::definitions::save::{self, Component, Place, Task};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::theorems::choice;
use crate::theorems::resume;

/// Proposals for one instruction and one register.
const ROUNDS: usize = 8;

/// Questions that the search for all registers may put.
const PATIENCE: usize = 600;

/// What becomes of the registers.
#[derive(Debug, Default)]
pub(crate) struct Saving {
    /// Registers that can be saved, in the order in which they can, and the classes that do it; none where the
    /// sequences of the traps do.
    pub(crate) saved: Vec<(Component, Option<usize>)>,
    /// Registers that no instruction saves.
    pub(crate) lost: Vec<Component>,
    /// Registers of which this is not settled.
    pub(crate) open: Vec<Component>,
    /// Registers that no instruction gives back which enters user mode.
    pub(crate) unresumed: Vec<Component>,
    /// Registers of which this is not settled.
    pub(crate) resuming_open: Vec<Component>,
    /// What the search has taken.
    pub(crate) conflicts: u64,
    /// Questions that stayed open.
    pub(crate) unsettled: u64,
}

/// Looks for instructions that save the registers of E behind every trap, and give them back to a guest. The monitor
/// keeps bits of its own; where no instruction is known that enters user mode, none is looked for.
pub(crate) fn judge(context: Context<'_>, kept: Option<&[(Part, u128)]>) -> Saving {
    let setting = context.setting;
    let earlier = context.tally.counts();
    let mut saving = saved(context);
    if let Some(kept) = kept {
        let all = save::components(setting.isa);
        let [lost, open] = resume::resumes(context, kept, &all);
        (saving.unresumed, saving.resuming_open) = (lost, open);
    }
    let counts = context.tally.counts();
    saving.conflicts = counts.conflicts - earlier.conflicts;
    saving.unsettled = counts.undecided - earlier.undecided;
    saving
}

fn saved(context: Context<'_>) -> Saving {
    let setting = context.setting;
    let traps: Vec<TrapId> = setting.entering().collect();
    let mut saving = Saving::default();
    if setting.isa.classes.is_empty() || traps.is_empty() {
        return saving;
    }
    let mut search = Search {
        context,
        traps,
        order: (0..setting.isa.classes.len()).collect(),
        known: save::strangers(setting),
        used: Vec::new(),
        last: None,
        pass: 0,
        asked: 0,
    };
    let mut left = Vec::new();
    for component in save::components(setting.isa) {
        if search.is_stored(&component) {
            saving.saved.push((component, None));
        } else {
            left.push(component);
        }
    }
    loop {
        let before = left.len();
        let mut open = Vec::new();
        for component in std::mem::take(&mut left) {
            let saved: Vec<Component> = saving.saved.iter().map(|(it, _)| it.clone()).collect();
            match search.component(&component, &saved) {
                Ok(by) => saving.saved.push((component, Some(by))),
                Err(Answer::Undecided) => open.push(component),
                Err(_) => left.push(component),
            }
        }
        let settled = left.len() + open.len();
        if settled == before || settled == 0 {
            // Another register may have a better use for a component of the monitor's.
            (saving.lost, saving.open) = if search.used.is_empty() {
                (left, open)
            } else {
                (Vec::new(), [open, left].concat())
            };
            return saving;
        }
        left.extend(open);
        search.pass += 1;
    }
}

struct Search<'s> {
    context: Context<'s>,
    traps: Vec<TrapId>,
    /// Classes, by index; those first that have saved a register.
    order: Vec<usize>,
    /// Guests that have shown some proposal to be wrong; they may do so with others.
    known: Vec<State>,
    /// Components that hold a register by now.
    used: Vec<Place>,
    /// The class that has saved a register last, which, where, and how.
    last: Option<(usize, Component, Place, Box<Witness>)>,
    /// Rounds through the registers that are left.
    pass: usize,
    /// Questions put this far: the same number for who verifies a certificate.
    asked: usize,
}

impl Search<'_> {
    /// Whether the sequences of the traps store a register.
    fn is_stored(&mut self, component: &Component) -> bool {
        let (setting, class) = (self.context.setting, &self.context.setting.isa.classes[0]);
        let mut inquiry = Inquiry::new(self.context, class);
        let merged = inquiry.ask(&Question {
            name: format!("save/{}/by the traps", name(setting, component)),
            ask: &|problem| save::ask_merged(problem, setting, &self.traps, component),
            shows: &|replay| save::merged_shown_by(replay, &self.traps, component),
        });
        merged.is_absent()
    }

    /// The class that saves a register.
    fn component(&mut self, component: &Component, saved: &[Component]) -> Result<usize, Answer> {
        let setting = self.context.setting;
        let mut places = save::places(setting.isa, component);
        places.retain(|place| !self.used.contains(place));
        let mut answer = Answer::No;
        for (plain, place) in
            [true, false].into_iter().flat_map(|p| places.iter().map(move |it| (p, *it)))
        {
            let may = |class: &usize| {
                save::may_save(setting.isa, &setting.isa.classes[*class], component, place)
            };
            let able: Vec<usize> = self.order.iter().copied().filter(may).collect();
            for class in able {
                let traps = self.traps.clone();
                let task = Task { traps: &traps, saved, component, place };
                match self.one(class, task, plain) {
                    Answer::Yes => {
                        let at = self.order.iter().position(|it| *it == class).unwrap_or(0);
                        self.order[..=at].rotate_right(1);
                        if place != Place::Cells {
                            self.used.push(place);
                        }
                        return Ok(class);
                    }
                    Answer::Undecided => answer = Answer::Undecided,
                    Answer::No | Answer::Vacuous => {}
                }
            }
        }
        Err(answer)
    }

    /// Whether one instruction saves a register, under a monitor whose storage is plain or any.
    fn one(&mut self, class: usize, task: Task<'_>, plain: bool) -> Answer {
        let setting = self.context.setting;
        let mut inquiry = Inquiry::new(self.context, &setting.isa.classes[class]);
        let place = match task.place {
            Place::Cells => "cells".to_owned(),
            Place::Component(part) => choice::component(setting.isa, part),
        };
        let kind = if plain { "plain" } else { "any" };
        let (what, saved) = (name(setting, task.component), task.saved.len());
        // In another round more guests are known.
        let again = if self.pass > 0 { format!("/again {}", self.pass) } else { String::new() };
        let what = format!("save/{what}/{saved}/{place}/{kind}{again}");
        let mut answer = Answer::Undecided;
        for round in 0..ROUNDS {
            if self.asked >= PATIENCE {
                break;
            }
            self.asked += 2;
            let known = &self.known;
            let carried = if round == 0 { self.carried(class, task) } else { None };
            let proposal = carried.map_or_else(
                || {
                    inquiry.ask(&Question {
                        name: format!("{what}/{round}"),
                        ask: &|problem| save::ask_proposal(problem, setting, task, known, plain),
                        shows: &|replay| save::proposal_shown_by(replay, task, known),
                    })
                },
                Existence::Witnessed,
            );
            let proposed: Box<Witness> = match proposal {
                Existence::Witnessed(witness) => witness,
                Existence::Absent(_) => {
                    answer = Answer::No;
                    break;
                }
                Existence::Unknown(_) => break,
            };
            let refutation = inquiry.ask(&Question {
                name: format!("{what}/{round}/for all guests"),
                ask: &|problem| save::ask_refutation(problem, setting, task, &proposed),
                shows: &|replay| save::refutation_shown_by(replay, task, &proposed),
            });
            match refutation {
                Existence::Witnessed(it) => {
                    self.known.push(save::known_from(&it.before[0], it.first.unwrap_or(0)));
                }
                Existence::Absent(_) => {
                    answer = Answer::Yes;
                    self.last = Some((class, task.component.clone(), task.place, proposed));
                    break;
                }
                Existence::Unknown(_) => break,
            }
        }
        answer
    }

    /// What has saved the last register of a file, with operands that name another: most files are saved by one
    /// instruction, and the interpreter sees at once whether known guests agree.
    fn carried(&self, class: usize, task: Task<'_>) -> Option<Box<Witness>> {
        let (by, last, place, proposed) = self.last.as_ref()?;
        if (*by, *place, last.register) != (class, task.place, task.component.register) {
            return None;
        }
        let setting = self.context.setting;
        let class = &setting.isa.classes[class];
        let named = |value: u128| value == u128::from(last.index);
        let naming: Vec<usize> =
            (0..proposed.operands.len()).filter(|i| named(proposed.operands[*i].1)).collect();
        (1..1u32 << naming.len().min(MOST_NAMING)).find_map(|chosen| {
            let mut witness = proposed.clone();
            for (_, i) in naming.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1) {
                let index = u128::from(task.component.index);
                witness.operands[*i].1 = index & mask(class.operands[*i].width);
            }
            let replay = witness.replay(setting, class);
            let saves = replay.admitted() && save::proposal_shown_by(&replay, task, &self.known);
            saves.then_some(witness)
        })
    }
}

/// Operands that may name the register that is saved.
const MOST_NAMING: usize = 4;

/// `r[3]`, `sp`, `flags.carry`.
pub(crate) fn name(setting: Setting<'_>, it: &Component) -> String {
    let register = setting.isa.register(it.register);
    if register.count.is_some() {
        return format!("{}[{}]", register.name, it.index);
    }
    let part = Part { register: it.register, low: it.slice.low, width: it.slice.width };
    choice::component(setting.isa, part)
}
