//! The Popek–Goldberg machine S = ⟨E, M, P, R⟩.
//!
//! One line from text to meaning, nothing flows back:
//! YAML text → [`spec`] (as written) → [`isa::Isa`] (as meant, checked) → [`interp`] (as run).
//!
//! Architecture invariant: no input or output beyond text handed in, no printing, no solver.

mod ast;
pub mod bits;
mod check;
pub mod code;
pub mod diagnostic;
pub mod encoding;
mod habits;
pub mod interp;
pub mod isa;
mod lexer;
mod lower;
pub mod map;
mod overlay;
mod parser;
pub mod property;
mod read;
pub mod rule;
pub mod runs;
pub mod spec;
pub mod state;
mod syntax;
pub mod theorem;
pub mod yaml;

use diagnostic::{Diagnostic, Sources};

/// A specification that passed every check, with the warnings it drew.
#[derive(Debug)]
pub struct Loaded {
    /// The machine.
    pub isa: isa::Isa,
    /// Warnings, in order of place.
    pub warnings: Vec<Diagnostic>,
    /// What a careful author would add, in order of place.
    pub advice: Vec<Diagnostic>,
}

/// Loads a specification and what it extends.
///
/// `open` hands over the text of a file; it gets the path as written in `extends:`, joined to the
/// folder of the file that names it unless it is absolute. All errors of a stage are returned at once.
pub fn load(
    path: &str,
    open: &dyn Fn(&str) -> Result<String, String>,
    sources: &mut Sources,
) -> Result<Loaded, Vec<Diagnostic>> {
    let checked = overlay::read(path, open, sources).and_then(|it| check::check(&it, sources));
    checked.map_err(|errors| syntax::with_errors(errors, sources))
}
