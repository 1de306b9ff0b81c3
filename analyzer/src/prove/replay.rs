//! The concrete side of the definitions: states run in the interpreter and compared cell by cell.
//!
//! Nothing here knows terms or solvers: what this module says about a witness is a second opinion.

use std::collections::BTreeSet;

use model::bits::mask;
use model::interp::{self, Outcome, Raised};
use model::isa::{Choice, Class, Isa, Pair, Role, Slice, TrapKind};
use model::map::window;
use model::state::State;

use crate::prove::setting::Setting;

/// A concrete state and what the instruction does to it.
#[derive(Debug, Clone)]
pub(crate) struct Played {
    pub(crate) before: State,
    pub(crate) outcome: Outcome,
    /// The trap it raises, and the state before the trap sequence.
    pub(crate) raised: Option<Raised>,
}

/// A witness, played: one state or two.
pub(crate) struct Replay<'i> {
    pub(crate) setting: Setting<'i>,
    pub(crate) class: &'i Class,
    pub(crate) operands: Vec<u128>,
    /// Values of what the architecture leaves open, the same on both sides.
    pub(crate) choices: Vec<u128>,
    pub(crate) sides: Vec<Played>,
    /// Where the guest stands in the real machine, if one side is the image of the other.
    pub(crate) first: u128,
}

/// Bits left open of which every value is looked at.
const FEW: u32 = 4;

/// What the architecture leaves open, with every value of what is arbitrary; with `all` also of what is
/// undefined, where that is few bits altogether. `None` is what stays as it is. Nothing where nothing varies.
pub(crate) fn alternatives(class: &Class, all: bool) -> Vec<Vec<Option<u128>>> {
    let choices = &class.body.choices;
    let few = choices.iter().map(|c| c.width).sum::<u32>() <= FEW;
    let varies = |c: &Choice| c.arbitrary || all && few;
    let bits: u32 = choices.iter().filter(|c| varies(c)).map(|c| c.width).sum();
    if bits == 0 {
        return Vec::new();
    }
    let of = |mut value: u128| {
        let mut next = |c: &Choice| {
            varies(c).then(|| {
                let part = value & mask(c.width);
                value >>= c.width;
                part
            })
        };
        choices.iter().map(&mut next).collect()
    };
    (0..1u128 << bits).map(of).collect()
}

/// Runs an instruction from a state.
pub(crate) fn play(
    isa: &Isa,
    class: &Class,
    operands: &[u128],
    choices: &[u128],
    before: State,
) -> Played {
    let outcome = interp::step(isa, class, operands, &before, &|id| choices[id.index()]);
    let raised = match outcome {
        Outcome::Trap(..) | Outcome::Unpredictable => {
            interp::raises(isa, class, operands, &before, &|id| choices[id.index()])
        }
        Outcome::Step(_) | Outcome::Unknown => None,
    };
    Played { before, outcome, raised }
}

impl Played {
    /// A memory trap is taken.
    pub(crate) fn memory_traps(&self, isa: &Isa) -> bool {
        self.raised.as_ref().is_some_and(|it| isa.trap(it.trap).kind == TrapKind::Memory)
    }

    /// Any trap is taken.
    pub(crate) fn traps(&self) -> bool {
        self.raised.is_some()
    }

    /// The instruction completes.
    pub(crate) fn completes(&self) -> bool {
        matches!(self.outcome, Outcome::Step(_))
    }

    /// The specification does not say what happens.
    pub(crate) fn unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown)
    }

    /// The instruction itself is unpredictable or unknown, not only the sequence of its trap.
    pub(crate) fn undefined(&self) -> bool {
        self.strange() && self.raised.is_none()
    }

    /// The outcome is unpredictable or unknown.
    pub(crate) fn strange(&self) -> bool {
        matches!(self.outcome, Outcome::Unpredictable | Outcome::Unknown)
    }

    /// The state after completion, or with `traps` also after the sequence of a trap that is no
    /// memory trap.
    pub(crate) fn after(&self, isa: &Isa, traps: bool) -> Option<&State> {
        match &self.outcome {
            Outcome::Step(state) => Some(state),
            Outcome::Trap(_, state) if traps && !self.memory_traps(isa) => Some(state),
            Outcome::Trap(..) | Outcome::Unpredictable | Outcome::Unknown => None,
        }
    }
}

/// Whether the chosen bits are equal in both states.
pub(crate) fn equal_bits(
    isa: &Isa,
    a: &State,
    b: &State,
    chosen: impl Fn(&Slice) -> bool + Copy,
) -> bool {
    a.of_role(isa, chosen).eq(b.of_role(isa, chosen))
}

/// e1|r = e2|r: contents of the common prefix of two windows, each at its own place.
pub(crate) fn windows_equal(a: &State, wa: (u128, u128), b: &State, wb: (u128, u128)) -> bool {
    let within = |state: &State, (base, size): (u128, u128)| {
        let end = base.saturating_add(size).min(state.cells);
        state.storage.range(base..end.max(base)).map(|(cell, _)| cell - base).collect::<Vec<_>>()
    };
    let cells: BTreeSet<u128> = within(a, wa).into_iter().chain(within(b, wb)).collect();
    let seen =
        |v: u128, state: &State, (base, size): (u128, u128)| v < size && base + v < state.cells;
    cells
        .into_iter()
        .filter(|v| seen(*v, a, wa) && seen(*v, b, wb))
        .all(|v| a.load(wa.0 + v) == b.load(wb.0 + v))
}

/// Whether the visible results E|r and P are equal.
pub(crate) fn visibly_equal(isa: &Isa, a: (&Played, &State), b: (&Played, &State)) -> bool {
    equal_bits(isa, a.1, b.1, |s| matches!(s.role, Role::E | Role::P))
        && windows_equal(a.1, window(isa, &a.0.before), b.1, window(isa, &b.0.before))
}

/// Whether M and R are after the instruction what they were before.
pub(crate) fn keeps_mode_and_r(isa: &Isa, played: &Played, after: &State) -> bool {
    equal_bits(isa, &played.before, after, |s| matches!(s.role, Role::M | Role::R))
}

/// The state in the pair's user mode, as the de-privileging map has it.
pub(crate) fn deprivileged(isa: &Isa, pair: &Pair, state: &State) -> State {
    let mut user = state.clone();
    if let Some(mode) = isa.mode {
        user.set_part(mode, pair.user.1);
    }
    interp::run_plain(&pair.deprivilege, &user)
}

impl<'i> Replay<'i> {
    /// Plays an instruction, with its operands and what is left open, from each of the states.
    pub(crate) fn of(
        setting: Setting<'i>,
        class: &'i Class,
        (operands, choices): (Vec<u128>, Vec<u128>),
        states: Vec<State>,
        first: u128,
    ) -> Self {
        let play = |before| play(setting.isa, class, &operands, &choices, before);
        let sides = states.into_iter().map(play).collect();
        Self { setting, class, operands, choices, sides, first }
    }

    pub(crate) fn isa(&self) -> &'i Isa {
        self.setting.isa
    }

    pub(crate) fn pair(&self) -> &'i Pair {
        self.setting.pair
    }

    /// The profile is `literal`.
    pub(crate) fn literal(&self) -> bool {
        self.setting.literal()
    }

    /// All that the instruction may do to the state of a side: see [`alternatives`].
    pub(crate) fn behaviours(&self, side: usize, all: bool) -> Vec<Played> {
        self.behaviours_from(&self.sides[side].before, all)
    }

    /// All that the instruction may do to a state, last what it does with the choices of the witness.
    pub(crate) fn behaviours_from(&self, before: &State, all: bool) -> Vec<Played> {
        let mut choices: Vec<Vec<u128>> = Vec::new();
        for values in alternatives(self.class, all) {
            let each = values.iter().zip(&self.choices);
            choices.push(each.map(|(new, same)| new.unwrap_or(*same)).collect());
        }
        choices.push(self.choices.clone());
        let one = |choices: Vec<u128>| {
            play(self.isa(), self.class, &self.operands, &choices, before.clone())
        };
        choices.into_iter().map(one).collect()
    }

    /// Whether a side takes a trap that leads to a monitor.
    pub(crate) fn enters(&self, side: &Played) -> bool {
        side.raised.as_ref().is_some_and(|it| !self.setting.strays.contains(&it.trap))
    }

    /// Whether a state is one that the specification's assumptions admit.
    pub(crate) fn admitted(&self) -> bool {
        self.sides.iter().all(|side| {
            self.isa().assumptions.iter().all(|a| interp::value(&a.that, &side.before).is_true())
        })
    }

    /// Whether the first entry state is in the pair's supervisor mode: the second is what
    /// de-privileging makes of it, and that leaves a user state as it is.
    pub(crate) fn starts_in_supervisor(&self) -> bool {
        let mode = |part| self.sides[0].before.part(part) == self.pair().supervisor.1;
        self.isa().mode.is_none_or(mode)
    }

    /// Whether the registers of the two entry states differ in the chosen bits and nowhere else.
    pub(crate) fn differ_only(&self, chosen: impl Fn(&Slice) -> bool + Copy) -> bool {
        let (a, b) = (&self.sides[0].before, &self.sides[1].before);
        !equal_bits(self.isa(), a, b, chosen) && equal_bits(self.isa(), a, b, |s| !chosen(s))
    }

    /// Whether the two entry states have the same storage, cell by cell.
    pub(crate) fn has_equal_storage(&self) -> bool {
        let (a, b) = (&self.sides[0].before, &self.sides[1].before);
        a.cells == b.cells && a.storage == b.storage
    }

    /// Whether the two entry states have the same storage, seen through each side's own mapping.
    pub(crate) fn sees_equal_storage(&self) -> bool {
        let (a, b) = (&self.sides[0].before, &self.sides[1].before);
        windows_equal(a, window(self.isa(), a), b, window(self.isa(), b))
    }

    /// Both sides have an outcome in the profile's sense, keep M and R, and end visibly different.
    pub(crate) fn results_differ(&self, literal: bool) -> bool {
        let [a, b] = self.sides.as_slice() else { return false };
        let isa = self.isa();
        let end = |played: &Played| {
            let after = played.after(isa, literal)?;
            keeps_mode_and_r(isa, played, after).then(|| after.clone())
        };
        let (Some(_), Some(y)) = (end(a), end(b)) else { return false };
        let differs =
            |first: &Played| end(first).is_none_or(|x| !visibly_equal(isa, (first, &x), (b, &y)));
        self.behaviours(0, false).iter().all(|first| !first.strange() && differs(first))
    }
}
