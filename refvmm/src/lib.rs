//! The reference monitor. So far its first brick: decoding of instruction words.

pub mod asm;
pub mod decode;
