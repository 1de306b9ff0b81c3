//! The definitions, one a file: the statement, the formula over all states, and what a concrete
//! witness must show.

pub(crate) mod allocator;
pub(crate) mod assumption;
pub(crate) mod behaviour;
pub(crate) mod catalogue;
pub(crate) mod choice;
pub(crate) mod confinement;
pub(crate) mod control;
pub(crate) mod dispatch;
pub(crate) mod entry;
pub(crate) mod extent;
pub(crate) mod fetch;
pub(crate) mod fixed;
pub(crate) mod handover;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod judges;
pub(crate) mod launch;
pub(crate) mod location;
pub(crate) mod mode;
pub(crate) mod privileged;
pub(crate) mod resource;
pub(crate) mod resume;
pub(crate) mod room;
pub(crate) mod save;
pub(crate) mod sensitive;
pub(crate) mod sequence;
pub(crate) mod statewise;
pub(crate) mod time;
pub(crate) mod trap_masked;
pub(crate) mod trap_visible;

use model::isa::{Isa, Pair, Profile};
use model::property::Property;
use model::state::State;

use crate::decide::Query;
use crate::prove::problem::{Problem, Run};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::symbolic::term::Term;

/// The virtual mode that the states of a question are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VirtualMode {
    /// The pair's supervisor mode.
    Supervisor,
    /// The pair's user mode.
    User,
    /// Any mode that is neither: a guest may be in it too.
    Other,
}

impl VirtualMode {
    pub(crate) const PAIR: [Self; 2] = [Self::Supervisor, Self::User];
    pub(crate) const ALL: [Self; 3] = [Self::Supervisor, Self::User, Self::Other];

    /// Whether a value of the mode component is this mode.
    pub(crate) fn admits(self, pair: &Pair, mode: u128) -> bool {
        match self {
            Self::Supervisor => mode == pair.supervisor.1,
            Self::User => mode == pair.user.1,
            Self::Other => mode != pair.supervisor.1 && mode != pair.user.1,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::User => "user",
            Self::Other => "other",
        }
    }

    pub(crate) fn name(self, pair: &Pair) -> &str {
        match self {
            Self::Supervisor => &pair.supervisor.0,
            Self::User => &pair.user.0,
            Self::Other => "another mode",
        }
    }

    /// The mode that a state is in, by name or number.
    pub(crate) fn of_state(self, isa: &Isa, pair: &Pair, state: &State) -> String {
        let (Self::Other, Some(part)) = (self, isa.mode) else { return self.name(pair).to_owned() };
        let value = state.part(part);
        let name = isa.modes().iter().find(|(_, named)| *named == value);
        name.map_or_else(|| value.to_string(), |(name, _)| name.clone())
    }
}

/// A question of existence about one instruction, ready to be decided.
#[derive(Debug)]
pub(crate) struct Obligation {
    pub(crate) query: Query,
    /// The states a witness consists of, with what the instruction does to them.
    pub(crate) runs: Vec<Run>,
    /// Some state within the premises reaches missing semantics, if this can be true.
    pub(crate) unknown: Term,
    /// Where the guest stands in the real machine, if one state is the image of the other.
    pub(crate) first: Option<Term>,
}

/// An existential property: "there are states such that …".
#[derive(Debug)]
pub(crate) struct Definition {
    /// The property.
    pub(crate) property: Property,
    /// The definition in one sentence, with its place.
    pub(crate) statement: &'static str,
    /// Whether the profile knows the property.
    pub(crate) applies: fn(Profile) -> bool,
    /// Whether it makes an instruction sensitive in the profile.
    pub(crate) counts: fn(Profile) -> bool,
    /// The modes the question is put for, one at a time; none if its states differ in mode.
    pub(crate) modes: &'static [VirtualMode],
    /// The formula.
    pub(crate) ask: fn(&mut Problem<'_>, Setting<'_>, VirtualMode) -> Obligation,
    /// Whether played states are a witness.
    pub(crate) shown_by: fn(&Replay<'_>, VirtualMode) -> bool,
}

impl Definition {
    /// The name of the question in one of its modes.
    pub(crate) fn question(&self, side: VirtualMode) -> String {
        if self.modes.is_empty() {
            self.property.word().to_owned()
        } else {
            format!("{}/{}", self.property.word(), side.word())
        }
    }
}

/// Every existential property, in the order of reports.
pub(crate) const DEFINITIONS: &[Definition] = &[
    control::DEFINITION,
    location::DEFINITION,
    mode::DEFINITION,
    behaviour::DEFINITION,
    resource::DEFINITION,
    extent::DEFINITION,
    time::DEFINITION,
    trap_masked::DEFINITION,
    trap_visible::DEFINITION,
    confinement::DEFINITION,
];
