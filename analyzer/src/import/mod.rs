//! Machines that others describe in languages of their own, as specifications of ours.

pub mod riscv_unified_db;
