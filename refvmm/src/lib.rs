//! The reference monitor: guests on the bare machine, and under a control program.
//!
//! A machine that runs guests is a [`layout::MachineLayout`] (what its specification says, worked out once),
//! a [`cpu::Cpu`] (its state) and an [`engine::Engine`].
//!
//! Architecture invariant: no solver. What is known about a machine is handed over.

pub mod asm;
pub mod classification;
pub mod compare;
pub mod computer;
pub mod cpu;
pub mod decode;
pub mod engine;
pub mod files;
pub mod install;
pub mod layout;
pub mod machine;
pub mod snapshot;
pub mod specification;
pub mod vmm;
