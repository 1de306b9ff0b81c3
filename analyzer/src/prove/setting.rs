//! The setting of every question: a machine, one de-privileging pair, a reading of the definitions.

use model::isa::{Isa, Pair, Part, Profile, TrapId};
use model::property::Property;
use model::theorem::Theorem;

use crate::definitions::VirtualMode;
use crate::definitions::statewise::Guests;

/// What the questions about one de-privileging pair share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'i> {
    pub(crate) isa: &'i Isa,
    pub(crate) pair: &'i Pair,
    pub(crate) profile: Profile,
    /// De-privileging leaves every admitted state in user mode as it is.
    pub(crate) steady: bool,
    /// Traps that never lead to a monitor: see [`crate::definitions::entry`].
    pub(crate) strays: &'i [TrapId],
    /// Bits of its own that every monitor keeps, since traps lead to it under no other values.
    pub(crate) kept: &'i [(Part, u128)],
    /// Components of the monitor's that decide where traps lead, with values at which they lead to it: what a
    /// guest is launched with.
    pub(crate) vectors: &'i [(Part, u128)],
    /// Components that stay as a reset leaves them: see [`crate::definitions::fixed`].
    pub(crate) fixed: &'i [(Part, u128)],
    /// Definitions that speak of no state in a mode: their answer is vacuous.
    pub(crate) empty: &'i [(Property, VirtualMode)],
}

impl<'i> Setting<'i> {
    /// The setting before anything is known about the pair.
    pub(crate) fn new(isa: &'i Isa, pair: &'i Pair, profile: Profile) -> Self {
        let steady = pair.deprivilege.statements.is_empty();
        let (strays, kept, vectors, fixed, empty) = (&[], &[], &[], &[], &[]);
        Self { isa, pair, profile, steady, strays, kept, vectors, fixed, empty }
    }

    /// The profile is `literal`.
    pub(crate) fn literal(self) -> bool {
        self.profile == Profile::Literal
    }

    /// The guests that the profile speaks of.
    pub(crate) fn guests(self) -> Guests {
        if self.profile == Profile::Extended { Guests::All } else { Guests::Paper }
    }

    /// The virtual modes whose code a monitor runs directly: all of them under a VMM, user mode under
    /// a hybrid monitor.
    pub(crate) fn virtual_modes(self, theorem: Theorem) -> &'static [VirtualMode] {
        if theorem.is_hybrid() { &[VirtualMode::User] } else { self.all_virtual_modes() }
    }

    /// The virtual modes that a guest can be in.
    pub(crate) fn all_virtual_modes(self) -> &'static [VirtualMode] {
        if self.isa.mode.map_or(1, |mode| mode.width) == 1 {
            &VirtualMode::PAIR
        } else {
            &VirtualMode::ALL
        }
    }

    /// Traps that are not strays.
    pub(crate) fn entering(self) -> impl Iterator<Item = TrapId> + use<'i> {
        let ids = (0..self.isa.traps.len()).map(|i| TrapId(i as u32));
        ids.filter(move |id| !self.strays.contains(id))
    }
}
