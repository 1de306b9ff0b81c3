//! The definitions, one a file: the statement, the formula over all states, and what a concrete
//! witness must show.

pub(crate) mod allocator;
pub(crate) mod assumption;
pub(crate) mod behaviour;
pub(crate) mod control;
pub(crate) mod dispatch;
pub(crate) mod extent;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod judges;
pub(crate) mod location;
pub(crate) mod mode;
pub(crate) mod privileged;
pub(crate) mod resource;
pub(crate) mod sequence;
pub(crate) mod statewise;
pub(crate) mod time;
pub(crate) mod trap_masked;
pub(crate) mod trap_visible;

use model::isa::{Pair, Profile};

use crate::decide::Query;
use crate::problem::{Problem, Run};
use crate::replay::Replay;
use crate::symbolic::term::Term;

/// Which mode both states of a question are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Supervisor,
    User,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Supervisor, Self::User];

    pub(crate) fn mode(self, pair: &Pair) -> u128 {
        match self {
            Self::Supervisor => pair.supervisor.1,
            Self::User => pair.user.1,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::User => "user",
        }
    }

    pub(crate) fn name(self, pair: &Pair) -> &str {
        match self {
            Self::Supervisor => &pair.supervisor.0,
            Self::User => &pair.user.0,
        }
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
    /// Word of reports and expectations; the file's name with dashes.
    pub(crate) name: &'static str,
    /// The definition in one sentence, with its place.
    pub(crate) statement: &'static str,
    /// Whether the profile knows the property.
    pub(crate) applies: fn(Profile) -> bool,
    /// Whether the question is put once for each mode of the pair, or once across the modes.
    pub(crate) per_mode: bool,
    /// The formula.
    pub(crate) ask: fn(&mut Problem<'_>, &Pair, Side, Profile) -> Obligation,
    /// Whether played states are a witness.
    pub(crate) shown_by: fn(&Replay<'_>, Side, Profile) -> bool,
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
];
