//! The RISC-V Unified Database: instructions and CSRs in YAML with code in IDL, as a specification of ours.
//!
//! One line, nothing flows back: files → `database` (records as written, with places) → `idl` (code as trees) →
//! `translate` (statements of our language under one configuration) → `machine` (what surrounds them) → text.
//! Beside it: `census` says what a text of IDL names, `encodings`
//! which opcodes belong to whom, `declared` puts `access:` beside what the code does.

mod census;
mod database;
mod declared;
mod encodings;
mod functions;
mod idl;
mod instruction;
mod lint;
mod lints;
mod machine;
mod translate;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use model::diagnostic::{Diagnostic, Source, Sources, Span};
use model::yaml;
use refvmm::files::read_bounded;

use database::{Configuration, Database, Instruction};
use idl::ast::Function;
use translate::Translator;

pub use declared::{Declared, judge};
pub use instruction::Reading;
pub use lint::lint;

/// The functions that the database leaves to its tools, in IDL.
const PRELUDE: &str = include_str!("prelude.idl");

/// Most bytes of a configuration.
const MAX_BYTES: u64 = 4 << 20;

/// What to import.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// A configuration in the database's own form; without one, RV64 with M, S and U mode.
    pub configuration: Option<String>,
    /// Extensions instead of those of the configuration.
    pub extensions: Option<Vec<String>>,
    /// Files that replace or add to the standard ones, instead of those of the configuration.
    pub overlay: Option<String>,
    /// Whether `access:` is taken for a guard.
    pub reading: Reading,
}

/// A database as a specification of ours.
#[derive(Debug)]
pub struct Imported {
    /// The specification.
    pub text: String,
    /// The files of the database.
    pub sources: Sources,
    /// What is wrong with them, and what is not supported.
    pub found: Vec<Diagnostic>,
    /// What became of the instructions.
    pub counts: Counts,
    /// Where each instruction of the specification stands in the database: its name, and its code.
    pub places: BTreeMap<String, Places>,
    /// What `access:` declares, where the code alone counts.
    pub declared: Vec<Declared>,
}

/// Where an instruction stands in the database.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// Its name.
    pub name: Span,
    /// What it does, if the database says it.
    pub code: Option<Span>,
}

/// What became of the instructions.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Files that were read.
    pub files: usize,
    /// Instructions that the configuration has not.
    pub absent: usize,
    /// Translated exactly.
    pub translated: usize,
    /// Without code in the database: unknown.
    pub empty: usize,
    /// With code that is not supported, by reason.
    pub unsupported: BTreeMap<String, usize>,
    /// CSRs of the configuration, and those whose code is not supported.
    pub csrs: (usize, usize),
}

impl Counts {
    /// Instructions with code that is not supported.
    pub fn failed(&self) -> usize {
        self.unsupported.values().sum()
    }

    /// One line for people, and one for each reason.
    pub fn text(&self) -> String {
        let unknown = self.empty + self.failed();
        let mut out = format!(
            "{} files: {} instructions translated, {unknown} unknown ({} without code), {} not of this configuration; \
             {} CSRs, {} with code that is not supported\n",
            self.files, self.translated, self.empty, self.absent, self.csrs.0, self.csrs.1
        );
        for (reason, n) in &self.unsupported {
            let _ = writeln!(out, "  {n} unknown: {reason}");
        }
        out
    }
}

/// Whether a folder holds a database.
pub fn is_database(folder: &Path) -> bool {
    database::is_database(folder)
}

/// The functions that are modelled here, each with what is taken for it.
pub fn native() -> &'static [(&'static str, &'static str)] {
    translate::NATIVE
}

/// Reads a database and makes a specification of it.
pub fn import(folder: &Path, choices: &Choices) -> Result<Imported, String> {
    let mut found = Vec::new();
    let mut configuration = configured(choices)?;
    if let Some(overlay) = &choices.overlay {
        configuration.overlay = Some(overlay.clone());
    }
    if let Some(extensions) = &choices.extensions {
        configuration.implement(extensions);
    }
    let mut database = database::read(folder, configuration.overlay.as_deref())?;
    configuration.complete(&database.extensions);
    if database.instructions.is_empty() && database.csrs.is_empty() {
        return Err("there is no instruction and no CSR that can be read".into());
    }
    found.append(&mut database.found);
    found.extend(translate::registers::wrong_aliases(&database));
    found.extend(lints::all(&database));
    let functions = functions(&mut database);
    let mut translator = Translator::new(&database, &configuration, &functions);
    let mut declared = Vec::new();
    let (text, places, counts) =
        specification(&mut translator, choices.reading, &mut found, &mut declared);
    found.append(&mut translator.found);
    let mut unique: Vec<Diagnostic> = Vec::new();
    for it in found {
        if !unique.contains(&it) {
            unique.push(it);
        }
    }
    unique.sort_by_key(|it| it.span);
    Ok(Imported { text, found: unique, counts, places, declared, sources: database.sources })
}

/// The configuration that is asked for.
fn configured(choices: &Choices) -> Result<Configuration, String> {
    let default = || read_configuration("(default configuration)", database::DEFAULT.to_owned());
    let Some(path) = &choices.configuration else { return default() };
    let bytes = read_bounded(Path::new(path), MAX_BYTES).map_err(|it| format!("{path}: {it}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{path}: it is not UTF-8"))?;
    let mut it = read_configuration(path, text)?;
    it.fill(&default()?);
    Ok(it)
}

fn read_configuration(path: &str, text: String) -> Result<Configuration, String> {
    let mut sources = Sources::default();
    sources.files.push(Source { path: path.to_owned(), text });
    let render = |errors: &[Diagnostic]| {
        errors.first().map_or(String::new(), |it| it.render(&sources, false))
    };
    let node = yaml::parse(&sources.files[0].text, 0).map_err(|errors| render(&errors))?;
    let mut errors = Vec::new();
    let read = Configuration::read(&node, &mut errors);
    read.ok_or_else(|| {
        if errors.is_empty() {
            format!("{path}: this is no configuration")
        } else {
            render(&errors)
        }
    })
}

/// The functions of the prelude, and those of the database that it does not have.
fn functions(database: &mut Database) -> BTreeMap<String, Function> {
    let file = database.sources.files.len() as u32;
    database.sources.files.push(Source { path: "(prelude).idl".into(), text: PRELUDE.into() });
    let span = Span { file, start: 0, end: PRELUDE.len() as u32 };
    let mut all = BTreeMap::new();
    for span in database.functions.iter().chain([&span]) {
        // What cannot be read of them is missed where it is called.
        let (functions, _) = idl::functions(database.sources.slice(*span), *span);
        for function in functions {
            all.insert(function.name.clone(), function);
        }
    }
    all
}

/// The specification as text, where its instructions stand in the database, and what became of them.
fn specification(
    translator: &mut Translator<'_>,
    reading: Reading,
    found: &mut Vec<Diagnostic>,
    declared: &mut Vec<Declared>,
) -> (String, BTreeMap<String, Places>, Counts) {
    let mut counts = Counts { files: translator.database.files, ..Counts::default() };
    let mut places = BTreeMap::new();
    let mut instructions = String::from("instructions:\n");
    let xlen = translator.xlen();
    let exists = |it: &&Instruction| {
        let other = it.encodings.of(xlen).is_none() && it.encodings.of(96 - xlen).is_some();
        !other && it.defined_by.as_ref().is_none_or(|of| of.holds(translator.configuration))
    };
    let all: Vec<&Instruction> = translator.database.instructions.iter().filter(exists).collect();
    counts.absent = translator.database.instructions.len() - all.len();
    let within = encodings::within(&all, xlen);
    for (it, within) in all.into_iter().zip(within) {
        let made = instruction::made(translator, it, reading, within.as_deref());
        if let Some(why) = made.why {
            *counts.unsupported.entry(why.message.clone()).or_default() += 1;
            found.push(Diagnostic { severity: model::diagnostic::Severity::Warning, ..why });
        } else if it.operation.is_none() {
            counts.empty += 1;
        } else {
            counts.translated += 1;
        }
        instructions.push_str(&made.text);
        declared.extend(made.declared);
        places.insert(it.name.it.clone(), Places { name: it.name.span, code: it.operation });
    }
    let around = machine::surroundings(translator, &instructions);
    counts.csrs = (translator.registers.len(), translator.failed.len());
    let failed = translator.failed.values().cloned();
    found.extend(
        failed.map(|it| Diagnostic { severity: model::diagnostic::Severity::Warning, ..it }),
    );
    let mut out = head(translator);
    let _ = write!(
        out,
        "state:\n{}\n{}{}\n{}\n{}\n{instructions}",
        around.state, around.views, around.functions, around.machine, around.assumptions
    );
    (out, places, counts)
}

/// What stands before the components: name, sources, and what is modelled here.
fn head(translator: &Translator<'_>) -> String {
    let configuration = translator.configuration;
    let name: String = configuration
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let extensions: Vec<&str> = configuration.extensions.keys().map(String::as_str).collect();
    let mut out = format!(
        "pgisa: 1\nisa: {name}\ntitle: {}\nendian: little\nsources:\n  - \"RISC-V Unified Database\"\nnotes: |\n",
        machine::quoted(&format!(
            "RV{} as the Unified Database has it: {}",
            translator.xlen(),
            extensions.join(" ")
        ))
    );
    out.push_str("  User mode finds storage at base and bound. They stand for the page table that satp names, which is idealised to two words\n");
    out.push_str("  at its root. A write to a CSR that steers translation loads them, and so does every fence of translations.\n");
    out.push_str("  Where the database leaves the value of a field open after a write, the field keeps its value.\n");
    out.push_str("  Modelled here, since the database leaves it to its tools:\n");
    for (name, what) in translate::NATIVE {
        let _ = writeln!(out, "    {name}: {what}");
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prelude_is_read_whole_and_names_nothing_that_is_modelled() {
        let span = Span { file: 0, start: 0, end: PRELUDE.len() as u32 };
        let (functions, errors) = idl::functions(PRELUDE, span);
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(functions.len(), PRELUDE.matches("\nfunction ").count());
        for function in functions {
            assert!(function.body.is_some(), "{}", function.name);
            assert!(!native().iter().any(|(name, _)| *name == function.name), "{}", function.name);
        }
        assert!(native().is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn the_default_configuration_is_one() {
        let it = read_configuration("default", database::DEFAULT.to_owned()).expect("it is read");
        assert_eq!(it.xlen(), 64);
        assert!(it.implements("S"));
    }
}
