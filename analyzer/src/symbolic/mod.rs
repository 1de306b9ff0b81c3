//! The symbolic side: terms, what is known about them, symbolic states and symbolic execution.

mod choice;
mod compare;
pub(crate) mod execute;
pub(crate) mod facts;
pub(crate) mod follows;
pub(crate) mod known;
pub(crate) mod model;
mod plain;
#[cfg(test)]
mod rules;
pub(crate) mod state;
pub(crate) mod sums;
pub(crate) mod term;
#[cfg(test)]
pub(crate) mod world;
