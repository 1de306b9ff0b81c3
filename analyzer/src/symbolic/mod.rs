//! The symbolic side: terms, what is known about them, symbolic states and symbolic execution.

pub(crate) mod execute;
pub(crate) mod facts;
pub(crate) mod model;
pub(crate) mod state;
pub(crate) mod term;
