//! Sensitive, user sensitive and innocuous instructions: what follows from the other definitions
//! (`theorems::classify` draws the conclusion).
//!
//! **Statement** (P&G sections 3 and 6). i is sensitive iff it is control or behaviour sensitive, and innocuous iff it
//! is neither. It is user sensitive iff it is control sensitive from a state in user mode, or location sensitive with
//! both states in user mode; mode sensitivity is no part of it. The profiles beyond the paper add their classes to
//! both.

pub(crate) const SENSITIVE: &str = "the instruction is control sensitive or behaviour sensitive, or has one of the \
     properties that the profile adds (P&G 1974, section 3)";

pub(crate) const USER_SENSITIVE: &str = "the instruction is control sensitive from a state in user mode, or location \
     sensitive (or has one of the properties that the profile adds) with both states in user mode \
     (P&G 1974, section 6)";

pub(crate) const INNOCUOUS: &str = "the instruction is not sensitive (P&G 1974, section 3)";
