//! What the assumptions of a specification leave of a verdict: whether there are states at all that the
//! definitions and the theorems speak of, and whether guests stay within them.

use model::property::Property;
use std::collections::BTreeSet;

use model::isa::{Expr, ExprKind, Isa, Pair, RegisterId, TrapId};
use model::map::VmMap;
use model::state::State as Concrete;
use rayon::prelude::*;

use crate::definitions::resource::is_resource;
use crate::definitions::{DEFINITIONS, VirtualMode, assumption};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::symbolic::term::Terms;
use crate::theorems::classify::Classification;
use crate::theorems::squares;

/// What breaks an assumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// An instruction that completes, by class.
    Class(usize),
    /// A trap sequence.
    Trap(TrapId),
}

/// Who can break one assumption.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What breaks it in which virtual mode: yes, or undecided.
    pub(crate) broken: Vec<(Breaker, VirtualMode, Answer)>,
    /// Of these, the instructions that do it without a trap under a monitor.
    pub(crate) unseen: Vec<(usize, VirtualMode, Answer)>,
    /// The virtual modes in which it is false of the image of an admitted guest.
    pub(crate) images: Vec<(VirtualMode, Answer)>,
    /// It is false after a reset.
    pub(crate) reset: bool,
}

/// What is known about the assumptions of a specification.
#[derive(Debug, Default)]
pub(crate) struct Assumed {
    pub(crate) kept: Vec<Kept>,
    /// Whether there are guests in a virtual mode, and images of them.
    pub(crate) guests: Vec<(VirtualMode, Answer)>,
}

/// Whether de-privileging leaves every admitted state in user mode as it is.
pub(crate) fn steady(context: Context<'_>) -> bool {
    let setting = context.setting;
    let Some(class) = setting.isa.classes.first() else { return false };
    if setting.pair.deprivilege.statements.is_empty() {
        return true;
    }
    let mut inquiry = Inquiry::new(context, class);
    let verdict = inquiry.ask(&Question {
        name: "user-states/image".into(),
        ask: &|problem| assumption::ask_steady(problem, setting),
        shows: &|replay| assumption::unsteady_shown_by(replay),
    });
    matches!(verdict, Existence::Absent(_))
}

/// The definitions that speak of no state at all in a mode: their answer is vacuous.
pub(crate) fn empty(context: Context<'_>) -> Vec<(Property, VirtualMode)> {
    let setting = context.setting;
    let isa = setting.isa;
    let Some(class) = isa.classes.first().filter(|_| !isa.assumptions.is_empty()) else {
        return Vec::new();
    };
    let mut inquiry = Inquiry::new(context, class);
    let mut empty = Vec::new();
    for definition in DEFINITIONS.iter().filter(|d| (d.applies)(setting.profile)) {
        let across = [VirtualMode::Supervisor];
        let sides = if definition.modes.is_empty() { &across } else { definition.modes };
        for &side in sides {
            let question = Question {
                name: format!("{}/premise", definition.question(side)),
                ask: &|problem| {
                    let mut obligation = (definition.ask)(problem, setting, side);
                    obligation.query.goal = problem.terms.bool(true);
                    obligation
                },
                shows: &|_| true,
            };
            // What a machine does not have cannot differ: that is no, whatever is assumed.
            let (problem, obligation) = question.put(setting, class, Terms::default());
            if obligation.query.premises.iter().any(|t| problem.terms.is_false(*t)) {
                continue;
            }
            if matches!(inquiry.ask(&question), Existence::Absent(_)) {
                empty.push((definition.property, side));
            }
        }
    }
    empty
}

/// Who can break which assumption, and whether there are guests at all.
pub(crate) fn judge(context: Context<'_>, all: &[Classification]) -> Assumed {
    let setting = context.setting;
    let isa = setting.isa;
    let mut it = Assumed::default();
    let Some(first) = isa.classes.first() else { return it };
    let sides = setting.all_virtual_modes();
    let mut inquiry = Inquiry::new(context, first);
    if VmMap::of(isa).is_some() {
        for &side in sides {
            it.guests.push((side, squares::exists(&mut inquiry, setting.guests(), side, &[])));
        }
    }
    if isa.assumptions.is_empty() {
        return it;
    }
    it.kept = isa.assumptions.iter().map(|a| kept_at_reset(isa, &a.that)).collect();
    // By class: which assumptions its steps break.
    let of_class = |class: usize| {
        let mut inquiry = Inquiry::new(context, &isa.classes[class]);
        let mut broken = Vec::new();
        for index in 0..isa.assumptions.len() {
            for &side in sides {
                let breaks = step(&mut inquiry, index, side);
                if breaks != Answer::No {
                    let privileged = all[class].privileged.is_yes();
                    let unseen =
                        if privileged { Answer::No } else { direct(&mut inquiry, index, side) };
                    broken.push((index, side, breaks, unseen));
                }
            }
        }
        (class, broken)
    };
    let answers: Vec<_> = (0..all.len()).into_par_iter().with_max_len(1).map(of_class).collect();
    for (class, broken) in answers {
        for (index, side, breaks, unseen) in broken {
            it.kept[index].broken.push((Breaker::Class(class), side, breaks));
            if unseen != Answer::No {
                it.kept[index].unseen.push((class, side, unseen));
            }
        }
    }
    for index in 0..isa.assumptions.len() {
        for &side in sides {
            for trap in (0..isa.traps.len()).map(|i| TrapId(i as u32)) {
                let breaks = behind_trap(&mut inquiry, index, side, trap);
                if breaks != Answer::No {
                    it.kept[index].broken.push((Breaker::Trap(trap), side, breaks));
                }
            }
            if !owned(isa, &isa.assumptions[index].that) {
                let fails = image(&mut inquiry, index, side);
                if fails != Answer::No {
                    it.kept[index].images.push((side, fails));
                }
            }
        }
    }
    it
}

/// Nothing is known to break an assumption; whether it holds after a reset.
fn kept_at_reset(isa: &Isa, that: &Expr) -> Kept {
    let state = model::interp::run_plain(&isa.reset, &Concrete::zero(isa, isa.storage.cells));
    let reset = !isa.reset.statements.is_empty() && !model::interp::value(that, &state).is_true();
    Kept { reset, ..Kept::default() }
}

/// Whether a step of the class breaks the assumption.
fn step(inquiry: &mut Inquiry<'_>, index: usize, side: VirtualMode) -> Answer {
    let setting = inquiry.setting();
    let name = &setting.isa.assumptions[index].name;
    let verdict = inquiry.ask(&Question {
        name: format!("assumption/{name}/step/{}", side.word()),
        ask: &|problem| assumption::ask_step(problem, setting, side, index),
        shows: &|replay| assumption::step_shown_by(replay, side, index),
    });
    verdict.exists()
}

/// Whether it breaks it without a trap under a monitor.
fn direct(inquiry: &mut Inquiry<'_>, index: usize, side: VirtualMode) -> Answer {
    let setting = inquiry.setting();
    let name = &setting.isa.assumptions[index].name;
    let verdict = inquiry.by_case(setting.guests(), |inquiry, case| {
        inquiry.ask(&Question {
            name: format!("assumption/{name}/direct/{}/{}", side.word(), case.word()),
            ask: &|problem| assumption::ask_direct(problem, setting, side, index, case),
            shows: &|replay| assumption::direct_shown_by(replay, side, index),
        })
    });
    verdict.exists()
}

fn behind_trap(inquiry: &mut Inquiry<'_>, index: usize, side: VirtualMode, trap: TrapId) -> Answer {
    let setting = inquiry.setting();
    let name = &setting.isa.assumptions[index].name;
    let verdict = inquiry.ask(&Question {
        name: format!("assumption/{name}/{}/{}", setting.isa.trap(trap).name, side.word()),
        ask: &|problem| assumption::ask_trap(problem, setting, side, index, trap),
        shows: &|replay| assumption::trap_shown_by(replay, side, index, trap),
    });
    verdict.exists()
}

fn image(inquiry: &mut Inquiry<'_>, index: usize, side: VirtualMode) -> Answer {
    let setting = inquiry.setting();
    let name = &setting.isa.assumptions[index].name;
    let verdict = inquiry.by_case(setting.guests(), |inquiry, case| {
        inquiry.ask(&Question {
            name: format!("assumption/{name}/image/{}/{}", side.word(), case.word()),
            ask: &|problem| assumption::ask_image(problem, setting, side, index, case),
            shows: &|replay| assumption::image_shown_by(replay, side, index),
        })
    });
    verdict.exists()
}

/// Whether an assumption speaks of what the monitor sets in the real machine: then it restricts the
/// monitor's choice.
fn owned(isa: &Isa, that: &Expr) -> bool {
    let mut named = BTreeSet::new();
    that.registers(&mut named);
    named.iter().any(|id| isa.register(*id).slices.iter().any(is_resource))
}

/// Whether an expression names something that may change without the monitor: storage, and all components but
/// the monitor's own.
pub(crate) fn names_guests(isa: &Isa, that: &Expr) -> bool {
    let mut named = BTreeSet::new();
    that.registers(&mut named);
    loads(that) || !named.iter().all(|id| isa.register(*id).slices.iter().all(is_resource))
}

/// Whether an expression reads storage.
fn loads(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Load(_) => true,
        ExprKind::Element(_, index) => loads(index),
        ExprKind::Apply(_, inner) => inner.iter().any(loads),
        _ => false,
    }
}

/// Components that are looked at value by value.
const WIDTH: u32 = 3;

/// An assumption as a condition on guests: in user mode, `userio == 0` where it comes to one value of
/// one component, else as it is written.
pub(crate) fn condition(isa: &Isa, pair: &Pair, index: usize) -> String {
    let assumption = &isa.assumptions[index];
    let mut named = BTreeSet::new();
    assumption.that.registers(&mut named);
    let mode = isa.mode.map(|m| m.register);
    let others: Vec<RegisterId> = named.into_iter().filter(|id| Some(*id) != mode).collect();
    let written = || assumption.text.trim().to_owned();
    let ([id], Some(mode)) = (others.as_slice(), isa.mode) else { return written() };
    let register = isa.register(*id);
    if register.count.is_some() || register.width > WIDTH || register.slices.len() != 1 {
        return written();
    }
    let mut state = Concrete::zero(isa, isa.storage.cells);
    state.set_part(mode, pair.user.1);
    let admits = |value: &u128| {
        let mut state = state.clone();
        state.set_element(*id, 0, *value);
        model::interp::value(&assumption.that, &state).is_true()
    };
    let values: Vec<u128> = (0..1u128 << register.width).filter(admits).collect();
    match values.as_slice() {
        [value] => format!("{} == {}", register.name, model::state::number(*value)),
        _ => written(),
    }
}
