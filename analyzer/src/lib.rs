//! The analyzer: which instructions are sensitive, which are privileged, and which monitors can be
//! built (Popek & Goldberg 1974).

pub mod agreement;
mod analyze;
pub mod certificate;
mod decide;
mod definitions;
pub mod difference;
pub mod graph;
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

/// The definitions the answers refer to, one line each.
pub fn definitions_text() -> String {
    use std::fmt::Write as _;
    let mut out = format!("privileged: {}\n", definitions::privileged::STATEMENT);
    for definition in definitions::DEFINITIONS {
        let _ = writeln!(out, "{}: {}", definition.property.word(), definition.statement);
    }
    let _ = writeln!(out, "statewise: {}", definitions::statewise::STATEMENT);
    let _ = writeln!(out, "trap entry: {}", definitions::entry::STATEMENT);
    let _ = writeln!(out, "trap sequence: {}", definitions::sequence::STATEMENT);
    let _ = writeln!(out, "allocator: {}", definitions::allocator::STATEMENT);
    let _ = writeln!(out, "assumption: {}", definitions::assumption::STATEMENT);
    let _ = writeln!(out, "monitor's choice: {}", definitions::choice::STATEMENT);
    let _ = writeln!(out, "launch: {}", definitions::launch::STATEMENT);
    let _ = writeln!(out, "handing over: {}", definitions::handover::STATEMENT);
    let _ = writeln!(out, "fixed components: {}", definitions::fixed::STATEMENT);
    let _ = writeln!(out, "resuming: {}", definitions::resume::STATEMENT);
    let _ = writeln!(out, "fetch: {}", definitions::fetch::STATEMENT);
    let _ = writeln!(out, "saving registers: {}", definitions::save::STATEMENT);
    let _ = writeln!(out, "dispatch: {}", definitions::dispatch::STATEMENT);
    out
}
