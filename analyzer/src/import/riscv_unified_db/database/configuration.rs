//! A configuration: which extensions there are, and the values of parameters.

use std::collections::{BTreeMap, BTreeSet};

use model::diagnostic::Diagnostic;
use model::yaml::{Node, Value};

use super::condition::Setting;
use super::record::{Record, items, number, text};
use super::{Condition, Extension};

/// The configuration that is taken where none is named.
pub(in super::super) const DEFAULT: &str = include_str!("../default.yaml");

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Parameter {
    Number(u128),
    Bool(bool),
    Text(String),
    List(Vec<Parameter>),
}

/// A machine of the family that the database describes.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Configuration {
    pub(in super::super) name: String,
    /// Implemented extensions with their versions, empty where none is said.
    pub(in super::super) extensions: BTreeMap<String, String>,
    pub(in super::super) parameters: BTreeMap<String, Parameter>,
    /// The folder of files that replace or add to the standard ones.
    pub(in super::super) overlay: Option<String>,
}

impl Configuration {
    pub(in super::super) fn read(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let record = Record::of(node)?;
        let mut it = Self { name: record.needed("name", found)?.it, ..Self::default() };
        it.overlay =
            record.word("arch_overlay").map(|it| it.it).filter(|it| it != "~" && it != "null");
        for extension in record.get("implemented_extensions").map(items).unwrap_or_default() {
            let (name, version) = match &extension.value {
                Value::Mapping(_) => {
                    let of = Record::of(extension)?;
                    (of.needed("name", found)?.it, of.word("version").map(|it| it.it))
                }
                Value::Sequence(parts) => {
                    let part = |i: usize| parts.get(i).and_then(text).map(str::to_owned);
                    (part(0).unwrap_or_default(), part(1))
                }
                Value::Scalar(scalar) => (scalar.text.clone(), None),
            };
            it.extensions.insert(name, version.unwrap_or_default());
        }
        for (key, value) in
            record.get("params").and_then(Record::of).iter().flat_map(Record::entries)
        {
            if let Some(name) = text(key) {
                it.parameters.insert(name.to_owned(), Parameter::read(value));
            }
        }
        Some(it)
    }

    /// Takes these extensions instead of its own, but for those that begin with `+`, which are added.
    pub(in super::super) fn implement(&mut self, extensions: &[String]) {
        if extensions.iter().any(|it| !it.starts_with('+')) {
            self.extensions.clear();
        }
        for it in extensions {
            self.extensions.entry(it.trim_start_matches('+').to_owned()).or_default();
        }
    }

    /// Takes the values of another configuration for parameters that it leaves out; boolean ones stay open.
    pub(in super::super) fn fill(&mut self, from: &Self) {
        let given =
            from.parameters.iter().filter(|(_, value)| !matches!(value, Parameter::Bool(_)));
        for (name, value) in given {
            self.parameters.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Adds the extensions that others ask for.
    pub(in super::super) fn complete(&mut self, known: &BTreeMap<String, Extension>) {
        let mut open: Vec<String> = self.extensions.keys().cloned().collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            self.extensions.entry(name.clone()).or_default();
            let requires = known.get(&name).and_then(|it| it.requires.as_ref());
            open.extend(
                requires.map(Condition::implied).unwrap_or_default().into_iter().map(str::to_owned),
            );
        }
    }

    pub(in super::super) fn implements(&self, extension: &str) -> bool {
        self.extensions.contains_key(extension)
    }

    pub(in super::super) fn xlen(&self) -> u32 {
        match self.parameters.get("MXLEN") {
            Some(Parameter::Number(32)) => 32,
            _ => 64,
        }
    }
}

impl Setting for Configuration {
    fn version(&self, extension: &str) -> Option<&str> {
        self.extensions.get(extension).map(String::as_str)
    }

    fn xlen(&self) -> u32 {
        Self::xlen(self)
    }

    fn has(&self, parameter: &str, value: Option<&str>) -> Option<bool> {
        let is = self.parameters.get(parameter)?;
        let Some(value) = value.map(Parameter::of) else {
            return Some(*is == Parameter::Bool(true));
        };
        Some(match is {
            Parameter::List(all) => all.contains(&value),
            Parameter::Number(_) | Parameter::Bool(_) | Parameter::Text(_) => *is == value,
        })
    }
}

impl Parameter {
    fn read(node: &Node) -> Self {
        match &node.value {
            Value::Scalar(scalar) => Self::of(&scalar.text),
            Value::Sequence(items) => Self::List(items.iter().map(Self::read).collect()),
            Value::Mapping(_) => Self::Text(String::new()),
        }
    }

    fn of(text: &str) -> Self {
        match text {
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            _ => number(text).map_or_else(|| Self::Text(text.to_owned()), Self::Number),
        }
    }
}
