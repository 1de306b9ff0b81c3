//! Answers to questions of the form "there are states such that …". A yes or a no exists only together with what
//! stands behind it: a witness that was replayed, or a proof.

use crate::decide::By;
use crate::prove::witness::Witness;

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    by: By,
}

impl Proof {
    /// Only the decision procedure makes proofs.
    pub(crate) fn new(by: By) -> Self {
        Self { by }
    }

    pub(crate) fn by(self) -> By {
        self.by
    }
}

/// Whether there are states as a question describes them.
#[derive(Debug, Clone)]
pub(crate) enum Existence {
    /// There are none.
    Absent(Proof),
    /// There are: these, replayed in the interpreter.
    Witnessed(Box<Witness>),
    /// Not decided, for this reason.
    Unknown(String),
}

impl Existence {
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent(_))
    }

    pub(crate) fn is_witnessed(&self) -> bool {
        matches!(self, Self::Witnessed(_))
    }

    /// Whether there is one.
    pub(crate) fn exists(&self) -> Answer {
        match self {
            Self::Absent(_) => Answer::No,
            Self::Witnessed(_) => Answer::Yes,
            Self::Unknown(_) => Answer::Undecided,
        }
    }

    /// Of two answers about parts of a statement, the one that says less: what is open, else the proof
    /// that took more.
    pub(crate) fn weaker(self, other: Self) -> Self {
        let effort = |it: &Self| match it {
            Self::Absent(proof) => match proof.by {
                By::Dependency => (0, 0),
                By::Rewriting | By::Evaluation => (1, 0),
                By::Sat(conflicts) => (2, conflicts),
            },
            Self::Unknown(_) => (3, 0),
            Self::Witnessed(_) => (4, 0),
        };
        if effort(&other) > effort(&self) { other } else { self }
    }
}

/// The answer to a question about an instruction, as reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It has the property.
    Yes,
    /// It has not.
    No,
    /// There is nothing to decide: the premise cannot be met.
    Vacuous,
    /// Not settled.
    Undecided,
}

impl Answer {
    /// The word as printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Vacuous => "vacuous",
            Self::Undecided => "undecided",
        }
    }

    /// Whether it is a yes.
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }

    /// Yes if one is, undecided if one may be.
    pub(crate) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut result = Self::No;
        for answer in answers {
            match answer {
                Self::Yes => return Self::Yes,
                Self::Undecided => result = Self::Undecided,
                Self::No | Self::Vacuous => {}
            }
        }
        result
    }

    /// The opposite.
    pub(crate) const fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            other => other,
        }
    }
}
