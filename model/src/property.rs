//! The properties of an instruction, in one table: every word that reports and expectations use.

/// A property of an instruction (P&G section 3, and what the profiles add), in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "their definitions stand in the analyzer, one a file")]
pub enum Property {
    Privileged,
    ControlSensitive,
    BehaviourSensitive,
    LocationSensitive,
    ModeSensitive,
    ResourceSensitive,
    ExtentSensitive,
    TimeSensitive,
    TrapMasked,
    TrapVisible,
    UserSensitive,
    Sensitive,
    Innocuous,
    Unconfined,
    Statewise,
}

impl Property {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Privileged,
        Self::ControlSensitive,
        Self::BehaviourSensitive,
        Self::LocationSensitive,
        Self::ModeSensitive,
        Self::ResourceSensitive,
        Self::ExtentSensitive,
        Self::TimeSensitive,
        Self::TrapMasked,
        Self::TrapVisible,
        Self::UserSensitive,
        Self::Sensitive,
        Self::Innocuous,
        Self::Unconfined,
        Self::Statewise,
    ];

    /// The word of text, expectations and the names of obligations.
    pub const fn word(self) -> &'static str {
        self.names().0
    }

    /// The key in JSON.
    pub const fn key(self) -> &'static str {
        self.names().1
    }

    /// The property of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// The paper has it; the others are of the profiles, or what a monitor needs besides.
    pub const fn is_of_1974(self) -> bool {
        match self {
            Self::Privileged
            | Self::ControlSensitive
            | Self::BehaviourSensitive
            | Self::LocationSensitive
            | Self::ModeSensitive
            | Self::UserSensitive
            | Self::Sensitive
            | Self::Innocuous => true,
            Self::ResourceSensitive
            | Self::ExtentSensitive
            | Self::TimeSensitive
            | Self::TrapMasked
            | Self::TrapVisible
            | Self::Unconfined
            | Self::Statewise => false,
        }
    }

    /// Whether it is asked for each mode of a pair by itself.
    pub const fn is_by_mode(self) -> bool {
        match self {
            Self::ControlSensitive
            | Self::LocationSensitive
            | Self::ResourceSensitive
            | Self::ExtentSensitive
            | Self::TimeSensitive
            | Self::TrapVisible
            | Self::Unconfined
            | Self::Statewise => true,
            Self::Privileged
            | Self::BehaviourSensitive
            | Self::ModeSensitive
            | Self::TrapMasked
            | Self::UserSensitive
            | Self::Sensitive
            | Self::Innocuous => false,
        }
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Privileged => ("privileged", "privileged"),
            Self::ControlSensitive => ("control-sensitive", "control_sensitive"),
            Self::BehaviourSensitive => ("behaviour-sensitive", "behaviour_sensitive"),
            Self::LocationSensitive => ("location-sensitive", "location_sensitive"),
            Self::ModeSensitive => ("mode-sensitive", "mode_sensitive"),
            Self::ResourceSensitive => ("resource-sensitive", "resource_sensitive"),
            Self::ExtentSensitive => ("extent-sensitive", "extent_sensitive"),
            Self::TimeSensitive => ("time-sensitive", "time_sensitive"),
            Self::TrapMasked => ("trap-masked", "trap_masked"),
            Self::TrapVisible => ("trap-visible", "trap_visible"),
            Self::UserSensitive => ("user-sensitive", "user_sensitive"),
            Self::Sensitive => ("sensitive", "sensitive"),
            Self::Innocuous => ("innocuous", "innocuous"),
            Self::Unconfined => ("unconfined", "unconfined"),
            Self::Statewise => ("statewise", "statewise"),
        }
    }
}
