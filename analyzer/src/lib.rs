//! The analyzer: which instructions are sensitive, which are privileged, and which monitors can be
//! built (Popek & Goldberg 1974).

pub mod agreement;
mod analyze;
pub mod certificate;
mod decide;
mod definitions;
pub mod difference;
pub mod grade;
pub mod graph;
pub mod import;
mod progress;
mod prove;
pub mod repair;
pub mod report;
mod sat;
mod symbolic;
mod theorems;
pub mod traps;

pub use analyze::{Options, analyze, names_pair};
pub use certificate::smtlib;
pub use decide::{stop, stopped};
pub use progress::{Progress, Step};
pub use prove::{answer, witness};
pub use report::text;

/// The definitions the answers refer to, by name.
pub fn definitions_text() -> String {
    definitions::catalogue::text()
}
