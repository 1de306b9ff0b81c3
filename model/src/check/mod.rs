//! From a specification as written to the machine as meant; every rule of the language is checked here.

mod instructions;
mod machine;
mod outcomes;
mod runs;
mod sequence;
mod state;
mod strict;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::Loaded;
use crate::ast;
use crate::bits::bits_for;
use crate::diagnostic::{Diagnostic, Report, Sources, Span};
use crate::isa::{Assumption, Body, Isa, Viewed};
use crate::lower::{Env, Lowerer, Mode, View, ViewEntry};
use crate::parser;
use crate::spec::{self, Code, Endian, Numbering, Spec};

/// What checking needs everywhere.
struct Checker<'s> {
    spec: &'s Spec,
    sources: &'s Sources,
    report: Report,
}

/// Checks a specification; all errors of a stage are found at once.
pub(crate) fn check(spec: &Spec, sources: &Sources) -> Result<Loaded, Vec<Diagnostic>> {
    let mut checker = Checker { spec, sources, report: Report::default() };
    match checker.isa() {
        Some(isa) if !checker.report.failed() => {
            let advice = checker.strict(&isa);
            Ok(Loaded { isa, warnings: checker.report.finish(), advice })
        }
        // Warnings may only be consequences of the errors.
        _ => Err(checker.report.finish().into_iter().filter(Diagnostic::is_error).collect()),
    }
}

impl Checker<'_> {
    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: &str) {
        let error = Diagnostic::error(code, span, message);
        self.report.push(if help.is_empty() { error } else { error.help(help) });
    }

    /// The place to point at when something is missing altogether.
    fn start(&self) -> Span {
        self.spec.isa.as_ref().map_or(self.spec.span, |isa| isa.span)
    }

    /// The place where a component, constant or view gets its name.
    fn place_of(&self, name: &str) -> Span {
        let constants = self.spec.constants.iter().flat_map(|all| all.iter().map(|(n, _)| n));
        let views = self.spec.views.iter().flat_map(|all| all.iter().map(|(n, _)| n));
        let components = self.spec.state.iter().flat_map(|all| all.iter().map(|(n, _)| n));
        let found = constants.chain(views).chain(components).find(|n| n.it == name);
        found.map_or_else(|| self.start(), |n| n.span)
    }

    fn statements(&mut self, code: Code) -> Vec<ast::Stmt> {
        parser::statements(code.span, self.sources, &mut self.report)
    }

    fn expression(&mut self, code: Code) -> Option<ast::Expr> {
        parser::expression(code.span, self.sources, &mut self.report)
    }

    /// Lowers an expression over the state.
    fn pure(&mut self, env: &Env, code: Code, width: Option<u32>) -> Option<crate::isa::Expr> {
        let parsed = self.expression(code)?;
        Lowerer::new(env, &mut self.report, Mode::Plain).pure(&parsed, width, true)
    }

    fn isa(&mut self) -> Option<Isa> {
        let (env, roles) = self.env()?;
        let machine = self.machine(&env, &roles);
        let assumptions = self.assumptions(&env);
        let classes = self.classes(&env);
        let all_fetches = self.fetches(&env, &classes);
        let encoded = |it: &&crate::isa::Fetch| {
            classes.iter().any(|c| c.pattern.is_some() && c.length == it.length)
        };
        let fetches = all_fetches.iter().filter(encoded).cloned().collect();
        let coverage =
            self.coverage(&classes, machine.as_ref().is_some_and(|m| m.unlisted.is_some()));
        self.functions_alone(&env);
        let expect = self.expectations(&classes);
        let machine = machine?;
        let of = |(view, it): (&String, &View)| {
            let entry = |((number, _), span): (&(u128, ViewEntry), &Span)| Viewed {
                view: view.clone(),
                number: *number,
                span: *span,
            };
            it.entries.iter().zip(&it.spans).map(entry).collect::<Vec<_>>()
        };
        let isa = Isa {
            name: self.spec.isa.as_ref()?.it.clone(),
            title: self.spec.title.clone().unwrap_or_default(),
            year: self.year(),
            sources: self.spec.sources.clone().unwrap_or_default().0,
            notes: self.spec.notes.clone().unwrap_or_default().0,
            endian: env.endian,
            storage: env.storage,
            registers: env.registers,
            mode: roles.mode,
            relocation: roles.relocation,
            bounds: roles.bounds,
            address: env.address_width,
            window: machine.window,
            pairs: machine.pairs,
            traps: machine.traps,
            trap_cells: machine.trap_cells,
            trap_argument: env.trap_argument,
            reset: machine.reset,
            halted: machine.halted,
            views: env.views.iter().flat_map(of).collect(),
            unlisted: machine.unlisted,
            assumptions,
            classes,
            fetches,
            all_fetches,
            coverage,
            expect,
        };
        if !self.report.failed() {
            self.sequences(&isa);
        }
        Some(isa)
    }

    fn year(&mut self) -> Option<u32> {
        let year = self.spec.year.as_ref()?;
        let sensible = u32::try_from(year.it).ok().filter(|it| (1940..=2200).contains(it));
        if sensible.is_none() {
            let message = format!("{} is not the year of a machine", year.it);
            self.error("K036", year.span, message, "a number like 1971");
        }
        sensible
    }

    /// Everything that texts may name; nothing is lowered before it is complete.
    fn env(&mut self) -> Option<(Env, state::Roles)> {
        if let Some(isa) = &self.spec.isa
            && !isa.it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            let message = format!("`{}` cannot be the name of a machine", isa.it);
            self.error(
                "K003",
                isa.span,
                message,
                "small letters, digits and `-`; `title:` is free",
            );
        }
        let (storage, registers) = self.components();
        let roles = self.roles(&registers);
        self.mapping(&roles);
        let constants = self.constants(&registers);
        let machine = self.spec.machine.as_ref();
        let relocation = roles.relocation.map_or(0, |part| part.width);
        let address_width = machine.and_then(|m| m.address_width.as_ref());
        let address_width = match address_width {
            Some(width) => self.width(width, 64),
            None if relocation > 0 => relocation,
            None => storage.as_ref().map_or(1, |s| bits_for(s.cells - 1)),
        };
        let address =
            machine.and_then(|m| m.address).map(|code| (self.statements(code), code.span));
        let psw = machine.and_then(|m| m.psw).and_then(|code| self.expression(code));
        let trap_argument =
            machine.and_then(|m| m.trap_argument.as_ref()).map_or(0, |w| self.width(w, 64));
        let functions = self.functions();
        let views = self.views(&constants);
        let names = registers.iter().enumerate();
        let names =
            names.map(|(i, r)| (r.name.clone(), crate::isa::RegisterId(i as u32))).collect();
        let traps = machine.and_then(|m| m.traps.as_ref()).into_iter().flat_map(spec::Names::iter);
        let traps =
            traps.enumerate().map(|(i, (n, _))| (n.it.clone(), crate::isa::TrapId(i as u32)));
        let traps = traps.collect();
        let named = |part: crate::isa::Part| {
            crate::isa::named_values(&registers[part.register.index()], part)
        };
        let modes = roles.mode.map_or(&[][..], named).to_vec();
        let env = Env {
            numbering: self.spec.numbering.map_or(Numbering::Lsb0, |n| n.it),
            endian: self.spec.endian.map_or(Endian::Big, |e| e.it),
            storage: storage?,
            register_names: names,
            modes,
            registers,
            constants,
            functions,
            views,
            address,
            address_width,
            psw,
            traps,
            trap_argument,
            used: RefCell::default(),
        };
        self.unique_names(&env);
        // What follows would only complain about what is missing now.
        if self.report.failed() { None } else { Some((env, roles)) }
    }

    /// A name means one thing everywhere.
    fn unique_names(&mut self, env: &Env) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        let reserved = [
            "phys",
            "psw",
            "zext",
            "sext",
            "trunc",
            "cells",
            "undefined",
            "arbitrary",
            "parity",
            "sar",
            "slt",
            "sle",
            "sgt",
            "sge",
            "sdiv",
            "srem",
        ];
        let all = (reserved.iter().map(|n| (*n, "a word of the language")))
            .chain([(env.storage.name.as_str(), "the storage")])
            .chain(env.register_names.keys().map(|n| (n.as_str(), "a component")))
            .chain(env.constants.keys().map(|n| (n.as_str(), "a constant or value")))
            .chain(env.functions.keys().map(|n| (n.as_str(), "a function")))
            .chain(env.views.keys().map(|n| (n.as_str(), "a view")));
        for (name, what) in all {
            if let Some(first) = seen.insert(name, what) {
                let message = format!("`{name}` is {first} and also {what}");
                let place =
                    env.functions.get(name).map_or_else(|| self.place_of(name), |f| f.name_span);
                self.error("K003", place, message, "choose different names");
            }
        }
    }

    fn functions(&mut self) -> BTreeMap<String, ast::Function> {
        let mut all: BTreeMap<String, ast::Function> = BTreeMap::new();
        for code in self.spec.functions.iter().flat_map(|f| &f.0) {
            for function in parser::functions(code.span, self.sources, &mut self.report) {
                if let Some(old) = all.get(&function.name) {
                    let message = format!("the function `{}` is defined twice", function.name);
                    self.report.push(
                        Diagnostic::error("K003", function.name_span, message)
                            .related(old.name_span, "first defined here"),
                    );
                    continue;
                }
                let names: Vec<_> = function.parameters.iter().map(|(name, ..)| name).collect();
                for (i, (name, span, _)) in function.parameters.iter().enumerate() {
                    if names[..i].contains(&name) {
                        let message = format!("two parameters have the name `{name}`");
                        self.error("K003", *span, message, "choose different names");
                    }
                }
                all.insert(function.name.clone(), function);
            }
        }
        all
    }

    /// Functions are checked even where nothing calls them.
    fn functions_alone(&mut self, env: &Env) {
        let used: BTreeSet<String> = env.used.borrow().clone();
        for function in env.functions.values() {
            if !used.contains(&function.name) {
                let message = format!("the function `{}` is never called", function.name);
                self.report.push(Diagnostic::warning("C030", function.name_span, message));
                Lowerer::new(env, &mut self.report, Mode::Semantics).function_alone(function);
            }
        }
    }

    fn views(&mut self, constants: &BTreeMap<String, u128>) -> BTreeMap<String, View> {
        let mut all = BTreeMap::new();
        for (name, view) in self.spec.views.iter().flat_map(spec::Names::iter) {
            self.check_name(name);
            let (Some(index), Some(width), Some(default)) =
                (&view.index, &view.width, view.default)
            else {
                let message =
                    format!("the view `{}` lacks `index:`, `width:` or `default:`", name.it);
                self.error("K004", name.span, message, "");
                continue;
            };
            let (index, width) = (self.width(index, 64), self.width(width, 64));
            let (mut entries, mut spans) = (Vec::new(), Vec::new());
            for (key, entry) in view.entries.iter().flat_map(spec::Names::iter) {
                let Some(number) =
                    spec::number(&key.it).or_else(|| constants.get(&key.it).copied())
                else {
                    self.error(
                        "S011",
                        key.span,
                        format!("`{}` is not a number or constant", key.it),
                        "",
                    );
                    continue;
                };
                if bits_for(number) > index || entries.iter().any(|(n, _)| *n == number) {
                    let message = format!("{number} stands twice or does not fit the index");
                    self.error("K004", key.span, message, "");
                    continue;
                }
                let parsed = match entry {
                    spec::Entry::Place(code) => self.expression(*code).map(ViewEntry::Place),
                    spec::Entry::Code(record) => self.view_code(record, key.span),
                };
                let last = match entry {
                    spec::Entry::Place(code) => code.span,
                    spec::Entry::Code(record) => record.write.map_or(key.span, |it| it.span),
                };
                if let Some(entry) = parsed {
                    entries.push((number, entry));
                    spans.push(key.span.to(last));
                }
            }
            let default = self.statements(default);
            all.insert(name.it.clone(), View { index, width, entries, spans, default });
        }
        all
    }

    fn view_code(&mut self, record: &spec::EntryRecord, span: Span) -> Option<ViewEntry> {
        let (Some(read), Some(write)) = (record.read, record.write) else {
            self.error("K004", span, "an entry needs `read:` and `write:`", "");
            return None;
        };
        let read = self.expression(read)?;
        Some(ViewEntry::Code { read, write: self.statements(write) })
    }

    fn assumptions(&mut self, env: &Env) -> Vec<Assumption> {
        let mut all = Vec::new();
        for (name, assumption) in self.spec.assume.iter().flat_map(spec::Names::iter) {
            let Some(code) = assumption.that else {
                self.error("K004", name.span, format!("`{}` lacks `that:`", name.it), "");
                continue;
            };
            let Some(that) = self.pure(env, code, Some(1)) else { continue };
            all.push(Assumption {
                name: name.it.clone(),
                text: self
                    .sources
                    .slice(code.span)
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
                that,
                why: assumption.why.clone().unwrap_or_default(),
            });
        }
        all
    }

    fn width(&mut self, width: &spec::Sp<u128>, most: u32) -> u32 {
        if width.it == 0 || width.it > most as u128 {
            let message = format!("a width is 1 to {most}, not {}", width.it);
            self.error("K005", width.span, message, "");
            return 1;
        }
        width.it as u32
    }

    /// Lowers statements that may not trap.
    fn plain(&mut self, env: &Env, code: Option<Code>) -> Body {
        let Some(code) = code else { return Body::default() };
        let statements = self.statements(code);
        Lowerer::new(env, &mut self.report, Mode::Plain).body(&statements)
    }
}
