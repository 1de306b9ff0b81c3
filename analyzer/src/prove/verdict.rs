//! Verdicts: a yes or a no exists only together with what stands behind it.

use crate::decide::By;
use crate::prove::witness::Witness;

/// Why a universal statement holds.
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

/// What is known about an existential statement.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// There is none.
    Proved(Proof),
    /// Here is one, replayed in the interpreter.
    Shown(Box<Witness>),
    /// Not settled.
    Open(String),
}

impl Verdict {
    pub(crate) fn is_proved(&self) -> bool {
        matches!(self, Self::Proved(_))
    }

    pub(crate) fn is_shown(&self) -> bool {
        matches!(self, Self::Shown(_))
    }

    /// Whether there is one.
    pub(crate) fn exists(&self) -> Answer {
        match self {
            Self::Proved(_) => Answer::No,
            Self::Shown(_) => Answer::Yes,
            Self::Open(_) => Answer::Undecided,
        }
    }

    /// Of two verdicts about parts of a statement, the one that says less: what is open, else the proof
    /// that took more.
    pub(crate) fn weaker(self, other: Self) -> Self {
        let effort = |it: &Self| match it {
            Self::Proved(proof) => match proof.by {
                By::Dependency => (0, 0),
                By::Rewriting | By::Evaluation => (1, 0),
                By::Sat(conflicts) => (2, conflicts),
            },
            Self::Open(_) => (3, 0),
            Self::Shown(_) => (4, 0),
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
