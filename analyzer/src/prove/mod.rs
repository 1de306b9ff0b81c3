//! Questions and answers: how a question about one instruction is put, who answers it, and what stands behind the
//! answer.

pub mod answer;
pub(crate) mod context;
pub(crate) mod counts;
pub(crate) mod footprint;
pub(crate) mod inquiry;
pub(crate) mod problem;
pub(crate) mod question;
pub(crate) mod replay;
pub(crate) mod setting;
pub mod witness;
