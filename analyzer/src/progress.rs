//! What an analysis is doing, for those who wait for it.

/// An item of work begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'n> {
    /// The item of this name is begun.
    Begins(&'n str),
    /// It is done.
    Ends(&'n str),
}

/// Called at each step, from any thread, with the number of items in all.
pub type Progress<'p> = dyn Fn(Step<'_>, usize) + Sync + 'p;

/// Does an item of work between its steps.
pub(crate) fn during<T>(
    step: &(dyn Fn(Step<'_>) + Sync),
    name: &str,
    work: impl FnOnce() -> T,
) -> T {
    step(Step::Begins(name));
    let done = work();
    step(Step::Ends(name));
    done
}
