//! The theorems of Popek & Goldberg 1974 as one table, which expectations, verdicts, reports and certificates read.

/// A theorem of the paper, sections 4 to 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Theorem {
    /// Theorem 1: a virtual machine monitor can be built if all sensitive instructions are privileged.
    Vmm,
    /// Theorem 2: the machine is recursively virtualizable if it is virtualizable and a monitor without timing
    /// dependencies can be built.
    Recursive,
    /// Theorem 3: a hybrid monitor can be built if all user sensitive instructions are privileged.
    Hvmm,
}

impl Theorem {
    /// All of them, in the paper's order.
    pub const ALL: [Self; 3] = [Self::Vmm, Self::Recursive, Self::Hvmm];
    /// Those that say which monitor can be built: they are judged by classes of instructions.
    pub const MONITORS: [Self; 2] = [Self::Vmm, Self::Hvmm];

    /// Key in specifications, JSON reports and certificates.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Vmm => "vmm",
            Self::Recursive => "recursive",
            Self::Hvmm => "hvmm",
        }
    }

    /// As the paper numbers it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vmm => "Theorem 1",
            Self::Recursive => "Theorem 2",
            Self::Hvmm => "Theorem 3",
        }
    }

    /// What it says of a machine that it holds of.
    pub const fn claim(self) -> &'static str {
        match self {
            Self::Vmm => "a virtual machine monitor can be built",
            Self::Recursive => "the machine is recursively virtualizable",
            Self::Hvmm => "a hybrid monitor can be built",
        }
    }

    /// The monitor runs only virtual user mode directly, and interprets the rest.
    pub const fn is_hybrid(self) -> bool {
        matches!(self, Self::Hvmm)
    }
}
