//! What the database says, as records with places: instructions, CSRs, extensions, exceptions, parameters.
//!
//! A file that cannot be read is one diagnostic, and the rest goes on.

mod condition;
mod configuration;
mod csr;
mod files;
mod instruction;
mod record;

use std::collections::BTreeMap;

use model::diagnostic::{Diagnostic, Sources, Span};

pub(super) use condition::Condition;
pub(super) use configuration::{Configuration, DEFAULT, Parameter};
pub(super) use csr::{Csr, Field, FieldType, Length, Reset};
pub(super) use files::{is_database, read};
pub(super) use instruction::{Encoding, Instruction, Variable};

/// The whole of it.
#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) instructions: Vec<Instruction>,
    pub(super) csrs: Vec<Csr>,
    pub(super) extensions: BTreeMap<String, Extension>,
    pub(super) exceptions: Vec<Exception>,
    /// Parameters that are there, and what values they have.
    pub(super) parameters: BTreeMap<String, Domain>,
    /// Texts of functions in IDL: whole files.
    pub(super) functions: Vec<Span>,
    pub(super) sources: Sources,
    /// The folder that was read, as it begins the paths of the files.
    pub(super) folder: String,
    /// Files that were read.
    pub(super) files: usize,
    pub(super) found: Vec<Diagnostic>,
}

/// The values of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Domain {
    Boolean,
    /// Numbers of so many bits.
    Bits(u32),
    Other,
}

/// An extension.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) requires: Option<Condition>,
}

/// An exception code.
#[derive(Debug)]
pub(super) struct Exception {
    pub(super) name: String,
    pub(super) number: u128,
    pub(super) defined_by: Option<Condition>,
}

impl Database {
    /// The CSR of a name.
    pub(super) fn csr(&self, name: &str) -> Option<usize> {
        self.csrs.iter().position(|it| it.name.it == name)
    }
}
