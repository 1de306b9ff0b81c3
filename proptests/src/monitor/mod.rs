//! Properties of control programs: a guest on the bare machine beside the same guest in a virtual
//! machine.
//!
//! [`world`] is a machine with what is known about it, [`guests`] makes states and programs for it,
//! [`tower`] puts monitors on monitors, [`lockstep`] and [`schedule`] compare, [`batch`] does so for many single steps, [`seeded`] makes wrong monitors
//! that the comparison must find out, and [`bugs`] is the list of them.

pub mod batch;
pub mod bugs;
pub mod guests;
pub mod lockstep;
pub mod schedule;
pub mod seeded;
pub mod shrink;
pub mod tower;
pub mod value;
pub mod world;
