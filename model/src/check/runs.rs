//! Checking of runs: examples of what an instruction does to one state.

use std::collections::BTreeMap;

use super::Checker;
use crate::bits::bits_for;
use crate::diagnostic::did_you_mean;
use crate::interp::operand_condition;
use crate::isa::{Class, Operand, RegisterId, Run, Site};
use crate::lower::{Env, bits};
use crate::spec::{self, Names, Setting, Sp};
use crate::state::State;

/// Places with their values.
type Sites = Vec<(Site, u128)>;

impl Checker<'_> {
    /// Gives the runs of an instruction to the classes that they are runs of.
    pub(super) fn runs(&mut self, env: &Env, runs: &[spec::Run], classes: &mut [Class]) {
        for run in runs {
            let Some(operands) = self.run_operands(env, run, &classes[0].operands) else {
                continue;
            };
            let taken = |c: &Class| {
                let mut pairs = c.operands.iter().zip(&operands);
                pairs.all(|(o, v)| o.fixed.is_none_or(|fixed| fixed == *v))
                    && c.when.as_ref().is_none_or(|when| operand_condition(when, &operands))
            };
            // Where no case takes them, the cases are wrong and it was said.
            let Some(class) = classes.iter().position(taken) else { continue };
            let checked = self.run(env, run, operands);
            classes[class].runs.extend(checked);
        }
    }

    /// Values of all operands; those that are not named are zero.
    fn run_operands(&mut self, env: &Env, run: &spec::Run, all: &[Operand]) -> Option<Vec<u128>> {
        let mut values = vec![0; all.len()];
        let mut complete = true;
        for (name, value) in run.operands.iter().flat_map(Names::iter) {
            let Some(i) = all.iter().position(|o| o.name == name.it) else {
                let known: Vec<_> = all.iter().map(|o| o.name.as_str()).collect();
                self.unknown_in_run(name, "operand", &known);
                complete = false;
                continue;
            };
            match self.run_value(env, value, all[i].width) {
                Some(value) => values[i] = value,
                None => complete = false,
            }
        }
        complete.then_some(values)
    }

    fn run(&mut self, env: &Env, run: &spec::Run, operands: Vec<u128>) -> Option<Run> {
        let registers = env.registers.iter().map(|r| vec![0; r.len() as usize]).collect();
        let cells = env.storage.cells;
        let mut before = State { cells, registers, storage: BTreeMap::new() };
        let mut complete = true;
        let mut given = Sites::new();
        for (name, setting) in run.given.iter().flat_map(Names::iter) {
            if name.it != "cells" {
                complete &= self.sites(env, name, setting, &mut given).is_some();
                continue;
            }
            match self.run_cells(env, name, setting) {
                Some(cells) => before.cells = cells,
                None => complete = false,
            }
        }
        let mut gives = Sites::new();
        for (name, setting) in run.gives.iter().flat_map(Names::iter) {
            complete &= self.sites(env, name, setting, &mut gives).is_some();
        }
        let mut traps = None;
        if let Some(name) = &run.traps {
            traps = env.traps.get(&name.it).copied();
            if traps.is_none() {
                let known: Vec<_> = env.traps.keys().map(String::as_str).collect();
                self.unknown_in_run(name, "trap", &known);
                complete = false;
            }
        }
        for (site, value) in given {
            site.set(&mut before, value);
        }
        complete.then_some(Run { span: run.span, operands, before, traps, gives })
    }

    /// The number of cells of the machine that a run is about.
    fn run_cells(&mut self, env: &Env, name: &Sp<String>, setting: &Setting) -> Option<u128> {
        let Setting::One(value) = setting else {
            self.error("K033", name.span, "`cells` is one number", "write cells: 64");
            return None;
        };
        let cells = self.run_value(env, value, 128)?;
        if cells == 0 || cells > env.storage.cells {
            let message = format!("this machine has 1 to {} cells", env.storage.cells);
            self.error("K032", value.span, message, "");
            return None;
        }
        Some(cells)
    }

    /// Adds what a key of `given:` or `gives:` names.
    fn sites(&mut self, env: &Env, name: &Sp<String>, it: &Setting, all: &mut Sites) -> Option<()> {
        let storage = name.it == env.storage.name;
        let (count, width, part) = if storage {
            (Some(env.storage.cells), env.storage.width, None)
        } else {
            let (id, low, width) = self.part_in_run(env, name)?;
            (env.registers[id.index()].count.map(u128::from), width, Some((id, low)))
        };
        let site = |element| match part {
            None => Site::Cell(element),
            Some((register, low)) => Site::Part { register, element, low, width },
        };
        match (count, it) {
            (None, Setting::One(value)) => {
                all.push((site(0), self.run_value(env, value, width)?));
                Some(())
            }
            (None, Setting::ByNumber(_)) => {
                let message = format!("`{}` is one register and has one value", name.it);
                self.error("K033", name.span, message, &format!("write {}: 7", name.it));
                None
            }
            (Some(_), Setting::One(_)) => {
                let message = format!("`{}` has values by number", name.it);
                self.error("K033", name.span, message, &format!("write {}: {{2: 7}}", name.it));
                None
            }
            (Some(count), Setting::ByNumber(values)) => {
                let mut complete = Some(());
                for (number, value) in values.iter() {
                    let element = self.run_value(env, number, 128);
                    let there = element.filter(|e| *e < count);
                    if element.is_some() && there.is_none() {
                        let message = format!("`{}` is numbered from 0 to {}", name.it, count - 1);
                        self.error("K032", number.span, message, "");
                    }
                    match there.zip(self.run_value(env, value, width)) {
                        Some((element, value)) => all.push((site(element), value)),
                        None => complete = None,
                    }
                }
                complete
            }
        }
    }

    /// A register, or a field of one: its lowest bit and width.
    fn part_in_run(&mut self, env: &Env, name: &Sp<String>) -> Option<(RegisterId, u32, u32)> {
        let (register, field) = match name.it.split_once('.') {
            Some((register, field)) => (register, Some(field)),
            None => (name.it.as_str(), None),
        };
        let Some(&id) = env.register_names.get(register) else {
            let storage = env.storage.name.as_str();
            let known = env.register_names.keys().map(String::as_str);
            self.unknown_in_run(name, "component", &known.chain([storage]).collect::<Vec<_>>());
            return None;
        };
        let it = &env.registers[id.index()];
        let Some(field) = field else { return Some((id, 0, it.width)) };
        let found = it.fields.iter().find(|f| f.name == field).map(|f| (id, f.low, f.width));
        if found.is_none() {
            let known: Vec<_> = it.fields.iter().map(|f| f.name.as_str()).collect();
            self.unknown_in_run(&Sp { span: name.span, it: field.to_owned() }, "field", &known);
        }
        found
    }

    /// A number, a constant or the name of a value.
    fn run_value(&mut self, env: &Env, text: &Sp<String>, width: u32) -> Option<u128> {
        let value = spec::number(&text.it).or_else(|| env.constants.get(&text.it).copied());
        let Some(value) = value else {
            let message = format!("`{}` is no number, constant or name of a value", text.it);
            let help = did_you_mean(&text.it, env.constants.keys().map(String::as_str));
            self.error("K032", text.span, message, &help.unwrap_or_default());
            return None;
        };
        env.used.borrow_mut().insert(text.it.clone());
        if bits_for(value) > width {
            let message = format!("{value} does not fit {}", bits(width));
            let help = format!("the largest value here is {}", crate::bits::mask(width));
            self.error("K032", text.span, message, &help);
            return None;
        }
        Some(value)
    }

    fn unknown_in_run(&mut self, name: &Sp<String>, what: &str, known: &[&str]) {
        let help = did_you_mean(&name.it, known.iter().copied()).unwrap_or_else(|| {
            if known.is_empty() {
                "there are none here".into()
            } else {
                format!("known here: {}", known.join(", "))
            }
        });
        self.error("K031", name.span, format!("there is no {what} `{}`", name.it), &help);
    }
}
