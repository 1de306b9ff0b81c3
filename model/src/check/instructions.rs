//! Checking of instructions: encodings, operands, cases, expectations.

use crate::property::Property;
use crate::rule::Rule;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Checker, outcomes};
use crate::bits::{Bits, Op};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::encoding::{Coverage, Pattern, coverage};
use crate::interp;
use crate::isa::{
    Body, Class, Expectation, ExpectedOutcome, ExpectedWord, Expr, ExprKind, Operand, OperandId,
    Stmt, TheoremExpectation,
};
use crate::lower::{Binding, Env, Lowerer, Mode};
use crate::spec::{self, ByProfile, Instruction, List, Names, Profile, Sp};

/// Most bits of operands whose cases are enumerated for gaps and overlaps.
const MAX_CASE_BITS: u32 = 16;

/// A case before its body is lowered.
struct Branch {
    name: String,
    span: Span,
    fixed: Vec<(OperandId, u128)>,
    condition: Option<Expr>,
    text: Option<String>,
    expect: Vec<(Profile, Vec<ExpectedWord>)>,
    outcomes: Vec<(Profile, Vec<ExpectedOutcome>)>,
    /// None where the case says nothing, and the instruction's is meant.
    allow: Option<Vec<(Rule, String)>>,
    notes: Vec<String>,
}

impl Checker<'_> {
    pub(super) fn classes(&mut self, env: &Env) -> Vec<Class> {
        let instructions = self.spec.instructions.iter().flat_map(Names::iter);
        let mut all = Vec::new();
        for (name, instruction) in instructions {
            all.extend(self.instruction(env, name, instruction));
        }
        if all.is_empty() && !self.report.failed() {
            let start = self.start();
            self.error(
                "K020",
                start,
                "there are no instructions",
                "list them under `instructions:`",
            );
        }
        all
    }

    fn instruction(&mut self, env: &Env, name: &Sp<String>, it: &Instruction) -> Vec<Class> {
        if name.it.is_empty() || name.it.contains(|c: char| c.is_whitespace() || "[],".contains(c))
        {
            let message = format!("`{}` cannot be the name of an instruction", name.it);
            self.error("K003", name.span, message, "no spaces, commas or brackets");
        }
        let pattern = it.encoding.as_ref().and_then(|text| match Pattern::parse(&text.it) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                let help = "an encoding is 0, 1, - and fields: \"0111 ---- d[3] imm[16]\"";
                self.error("K021", text.span, why, help);
                None
            }
        });
        let operands = self.operands(env, it, pattern.as_ref());
        let length = self.length(env, it, pattern.as_ref());
        let mut texts = Vec::new();
        for code in it.semantics.iter().flat_map(|s| &s.0) {
            texts.push(self.statements(*code));
        }
        let body = if texts.is_empty() {
            let message = format!("`{}` has no `semantics:`", name.it);
            let warning = Diagnostic::warning("C032", name.span, message);
            self.report.push(warning.help("it is unknown, and no theorem can be proved"));
            Body { statements: vec![Stmt::Unknown], ..Body::default() }
        } else {
            let mut lowerer = Lowerer::new(env, &mut self.report, Mode::Semantics);
            for (i, operand) in operands.iter().enumerate() {
                lowerer.bind(&operand.name, Binding::Operand(OperandId(i as u32), operand.width));
            }
            lowerer.bodies(&texts)
        };
        let (advance, body) = (Arc::new(self.advance(env, length)), Arc::new(body));
        let semantics: Vec<Span> =
            it.semantics.iter().flat_map(|all| &all.0).map(|code| code.span).collect();
        let expect = self.words(it.expect.as_ref());
        let outcomes = self.outcomes(env, it.expect.as_ref(), &operands);
        let allow = self.allowed(it.allow.as_ref());
        let notes = it.notes.clone().unwrap_or_default().0;
        let branches = match &it.cases {
            Some(cases) => self.branches(env, name, cases, &operands),
            None => vec![Branch {
                name: name.it.clone(),
                span: name.span,
                fixed: Vec::new(),
                condition: None,
                text: None,
                expect: Vec::new(),
                outcomes: Vec::new(),
                allow: None,
                notes: Vec::new(),
            }],
        };
        let mut classes: Vec<Class> = branches
            .into_iter()
            .map(|branch| {
                let mut operands = operands.clone();
                for (id, value) in &branch.fixed {
                    operands[id.index()].fixed = Some(*value);
                }
                // What a case expects replaces what the instruction does.
                let (expect, outcomes) = if branch.expect.is_empty() {
                    (expect.clone(), outcomes.clone())
                } else {
                    (branch.expect, branch.outcomes)
                };
                Class {
                    name: branch.name,
                    span: branch.span,
                    pattern: pattern.clone(),
                    syntax: it.syntax.as_ref().map(|s| s.it.clone()),
                    operands,
                    when: branch.condition,
                    when_text: branch.text,
                    length,
                    advance: Arc::clone(&advance),
                    body: Arc::clone(&body),
                    semantics: semantics.clone(),
                    notes: [notes.clone(), branch.notes].concat(),
                    expect,
                    outcomes,
                    allow: branch.allow.unwrap_or_else(|| allow.clone()),
                    runs: Vec::new(),
                }
            })
            .collect();
        if let Some(runs) = it.runs.as_ref().filter(|_| !classes.is_empty()) {
            self.runs(env, &runs.0, &mut classes);
        }
        classes
    }

    /// Rules whose findings the author accepts, with the reasons.
    fn allowed(&mut self, of: Option<&Names<Sp<String>>>) -> Vec<(Rule, String)> {
        let mut all = Vec::new();
        for (word, reason) in of.into_iter().flat_map(Names::iter) {
            let words = Rule::ALLOWED.map(Rule::word);
            match Rule::ALLOWED.into_iter().find(|rule| rule.word() == word.it) {
                Some(_) if reason.it.trim().is_empty() => {
                    let help = "say why: `allow: {unconfined: \"the device is the guest's\"}`";
                    self.error("K037", reason.span, "it is allowed for no reason", help);
                }
                Some(rule) => all.push((rule, reason.it.clone())),
                None => {
                    let help = did_you_mean(&word.it, words)
                        .unwrap_or_else(|| format!("one of: {}", words.join(", ")));
                    let message = format!("findings of `{}` cannot be allowed", word.it);
                    self.error("K037", word.span, message, &help);
                }
            }
        }
        all
    }

    /// An operand has a name of its own; if it hid a component, `r[r]` would not mean the file.
    fn operand_name(&mut self, env: &Env, name: &Sp<String>) {
        self.check_name(name);
        if env.register_names.contains_key(&name.it) || name.it == env.storage.name {
            let message = format!("`{}` is an operand and also a component", name.it);
            self.error("K003", name.span, message, "choose different names");
        }
    }

    fn operands(&mut self, env: &Env, it: &Instruction, pattern: Option<&Pattern>) -> Vec<Operand> {
        if let Some(pattern) = pattern {
            if let Some(operands) = &it.operands
                && let Some((first, _)) = operands.0.first()
            {
                self.error(
                    "K022",
                    first.span,
                    "the operands follow from the encoding",
                    "remove `operands:`",
                );
            }
            let all = pattern.operands();
            let span = it.encoding.as_ref().map_or(it.span, |e| e.span);
            for (name, _) in &all {
                self.operand_name(env, &Sp { span, it: name.clone() });
            }
            let all = all.into_iter();
            return all.map(|(name, width)| Operand { name, width, fixed: None }).collect();
        }
        let mut all = Vec::new();
        for (name, width) in it.operands.iter().flat_map(Names::iter) {
            self.operand_name(env, name);
            let width = self.width(width, 64);
            all.push(Operand { name: name.it.clone(), width, fixed: None });
        }
        all
    }

    /// Length in cells.
    fn length(&mut self, env: &Env, it: &Instruction, pattern: Option<&Pattern>) -> u128 {
        let encoded = pattern.map(|p| (p.width, p.width / env.storage.width));
        if let Some((width, _)) = encoded
            && width % env.storage.width != 0
        {
            let span = it.encoding.as_ref().map_or(it.span, |e| e.span);
            let cell = env.storage.width;
            let message =
                format!("the encoding has {width} bits, not a multiple of a cell's {cell}");
            let full = width.next_multiple_of(cell);
            let help = format!(
                "fill it up with {} to {full} bits, for instance with `-`; a cell is what `cells:` counts under `state:`",
                full - width
            );
            self.error("K023", span, message, &help);
        }
        match (&it.length, encoded) {
            (Some(length), Some((_, cells))) if length.it != cells as u128 => {
                let message = format!(
                    "the encoding is {cells} {} long, not {}",
                    if cells == 1 { "cell" } else { "cells" },
                    length.it
                );
                self.error("K023", length.span, message, "remove `length:`");
                length.it
            }
            (Some(length), _) => length.it,
            (None, Some((_, cells))) => cells as u128,
            (None, None) => 1,
        }
    }

    fn branches(
        &mut self,
        env: &Env,
        instruction: &Sp<String>,
        cases: &Names<spec::Case>,
        operands: &[Operand],
    ) -> Vec<Branch> {
        let mut all = Vec::new();
        for (name, case) in cases.iter() {
            let mut branch = Branch {
                name: format!("{}[{}]", instruction.it, name.it),
                span: name.span,
                fixed: Vec::new(),
                condition: None,
                text: case.when.map(|code| one_line(self.sources.slice(code.span))),
                expect: self.words(case.expect.as_ref()),
                outcomes: self.outcomes(env, case.expect.as_ref(), operands),
                allow: case.allow.as_ref().map(|it| self.allowed(Some(it))),
                notes: case.notes.clone().unwrap_or_default().0,
            };
            for (operand, code) in case.fix.iter().flat_map(Names::iter) {
                let Some(i) = operands.iter().position(|o| o.name == operand.it) else {
                    let names = operands.iter().map(|o| o.name.as_str());
                    let help = did_you_mean(&operand.it, names.clone()).unwrap_or_else(|| {
                        format!("the operands: {}", names.collect::<Vec<_>>().join(", "))
                    });
                    let message = format!("there is no operand `{}`", operand.it);
                    self.error("K024", operand.span, message, &help);
                    continue;
                };
                let value = self.pure(env, *code, Some(operands[i].width));
                if let Some(Expr { kind: ExprKind::Const(value), .. }) = value {
                    branch.fixed.push((OperandId(i as u32), value));
                } else if value.is_some() {
                    self.error(
                        "K024",
                        code.span,
                        "a fixed operand needs a constant",
                        "use `when:` for conditions",
                    );
                }
            }
            if let Some(code) = case.when {
                branch.condition = self.condition(env, code, operands);
            }
            if case.fix.is_none() && case.when.is_none() {
                self.error("K024", name.span, "a case needs `fix:` or `when:`", "");
            }
            all.push(branch);
        }
        self.complete(instruction, &mut all, operands);
        all
    }

    /// A boolean expression over the operands.
    fn condition(&mut self, env: &Env, code: spec::Code, operands: &[Operand]) -> Option<Expr> {
        let parsed = self.expression(code)?;
        let mut lowerer = Lowerer::new(env, &mut self.report, Mode::Plain);
        for (i, operand) in operands.iter().enumerate() {
            lowerer.bind(&operand.name, Binding::Operand(OperandId(i as u32), operand.width));
        }
        let condition = lowerer.pure(&parsed, Some(1), true)?;
        if reads_state(&condition) {
            self.error(
                "K024",
                code.span,
                "a case depends on operands only",
                "put conditions on the state into the semantics",
            );
            return None;
        }
        Some(condition)
    }

    /// Refuses overlapping cases and adds the class `[else]` where values are left over.
    fn complete(
        &mut self,
        instruction: &Sp<String>,
        branches: &mut Vec<Branch>,
        operands: &[Operand],
    ) {
        if self.report.failed() {
            return;
        }
        let conditions: Vec<Expr> = branches.iter().map(|b| whole_condition(b, operands)).collect();
        let mut mentioned = vec![false; operands.len()];
        for condition in &conditions {
            mention(condition, &mut mentioned);
        }
        let used: Vec<usize> = (0..operands.len()).filter(|i| mentioned[*i]).collect();
        let bits: u32 = used.iter().map(|i| operands[*i].width).sum();
        let mut left_over = bits > MAX_CASE_BITS;
        if !left_over {
            let (key, by_value, others) = by_fixed_operand(branches, operands.len());
            for assignment in 0..1u128 << bits {
                let mut values = vec![0; operands.len()];
                let mut rest = assignment;
                for &i in &used {
                    values[i] = Bits::new(rest, operands[i].width).value;
                    rest >>= operands[i].width;
                }
                let fixed = values.get(key).and_then(|value| by_value.get(value));
                let candidates = fixed.into_iter().flatten().chain(&others).copied();
                let mut taken: Vec<usize> = candidates
                    .filter(|c| interp::operand_condition(&conditions[*c], &values))
                    .collect();
                taken.sort_unstable();
                left_over |= taken.is_empty();
                if let [first, second, ..] = taken[..] {
                    let example: Vec<_> = used
                        .iter()
                        .map(|i| format!("{} = {}", operands[*i].name, values[*i]))
                        .collect();
                    let message = format!("the cases overlap at {}", example.join(", "));
                    let (first, second) = (branches[first].span, branches[second].span);
                    self.report.push(
                        Diagnostic::error("K025", second, message).related(first, "the other case"),
                    );
                    return;
                }
            }
        }
        if left_over {
            let rest = conditions.into_iter().map(|c| Expr::apply(Op::Not, vec![c], 1)).collect();
            branches.push(Branch {
                name: format!("{}[else]", instruction.it),
                span: instruction.span,
                fixed: Vec::new(),
                condition: Expr::balanced(Op::And, rest),
                text: None,
                expect: Vec::new(),
                outcomes: Vec::new(),
                allow: None,
                notes: Vec::new(),
            });
        }
    }

    /// Overlap, shadowing and completeness of the encodings.
    pub(super) fn coverage(&mut self, classes: &[Class], has_unlisted: bool) -> Option<Coverage> {
        let mut patterns: Vec<(&str, &Pattern, Span)> = Vec::new();
        // The first class of an instruction, by the instruction's name.
        let mut first: BTreeMap<&str, &Class> = BTreeMap::new();
        for class in classes {
            let instruction = class.name.split('[').next().unwrap_or_default();
            first.entry(instruction).or_insert(class);
        }
        for (name, it) in self.spec.instructions.iter().flat_map(Names::iter) {
            let class = first.get(name.it.as_str());
            let span = it.encoding.as_ref().map(|e| e.span);
            if let (Some(Class { pattern: Some(pattern), .. }), Some(span)) = (class, span) {
                patterns.push((&name.it, pattern, span));
            }
        }
        for (i, (name, pattern, span)) in patterns.iter().enumerate() {
            for (other, earlier, place) in &patterns[..i] {
                if pattern.overlaps(earlier) {
                    let message = if pattern.is_within(earlier) {
                        format!(
                            "`{other}` shadows `{name}`: every such opcode is also one of `{other}`"
                        )
                    } else {
                        format!("the encodings of `{other}` and `{name}` overlap")
                    };
                    let error = Diagnostic::error("K026", *span, message).related(*place, *other);
                    self.report.push(
                        error.help(
                            "an opcode belongs to one instruction; use `cases:` for subclasses",
                        ),
                    );
                }
            }
        }
        let instructions = self.spec.instructions.as_ref().map_or(0, |i| i.0.len());
        if patterns.is_empty() || patterns.len() < instructions {
            return None;
        }
        let all: Vec<&Pattern> = patterns.iter().map(|(_, p, _)| *p).collect();
        let covered = coverage(&all);
        if covered.fraction < 1.0 && !has_unlisted {
            let start = self.start();
            let message =
                format!("the encodings cover {:.1} % of the opcodes", 100.0 * covered.fraction);
            self.error(
                "K027",
                start,
                message,
                "say what the others do: `unlisted: \"trap(…);\"` under `machine:`",
            );
        }
        Some(covered)
    }

    /// Reads `expect:` of an instruction or case.
    fn words(
        &mut self,
        expect: Option<&Sp<ByProfile<List<Sp<String>>>>>,
    ) -> Vec<(Profile, Vec<ExpectedWord>)> {
        let mut all = Vec::new();
        for (profile, words) in expect.iter().flat_map(|e| &e.it.0) {
            let mut list = Vec::new();
            for word in words.0.iter().filter(|word| !outcomes::is_outcome(&word.it)) {
                let (name, holds) = match word.it.strip_prefix("not ") {
                    Some(rest) => (rest.trim(), false),
                    None => (word.it.as_str(), true),
                };
                let (name, mode) = match name.split_once(" in ") {
                    Some((name, mode)) => (name.trim(), Some(mode.trim())),
                    None => (name, None),
                };
                let Some(property) = Property::of_word(name) else {
                    let words = Property::ALL.map(Property::word);
                    let all = || words.into_iter().chain(outcomes::WORDS);
                    let mut negated = ["not-", "not_", "non-", "non", "un", "in"].into_iter();
                    let negated = negated.find_map(|it| Property::of_word(name.strip_prefix(it)?));
                    let listed = name.split(',').all(|it| Property::of_word(it.trim()).is_some());
                    let help = negated
                        .map(|it| format!("write `not {}`", it.word()))
                        .or_else(|| listed.then(|| format!("write a list: [{name}]")))
                        .or_else(|| did_you_mean(name, all()))
                        .unwrap_or_else(|| {
                            format!("one of: {}", all().collect::<Vec<_>>().join(", "))
                        });
                    self.error("K028", word.span, format!("there is no property `{name}`"), &help);
                    continue;
                };
                self.mode_of_word(word, property, mode);
                let mode = mode.map(str::to_owned);
                list.push(ExpectedWord { property, holds, mode, span: word.span });
            }
            all.push((*profile, list));
        }
        all
    }

    /// A word that names a mode names one of a pair, and is asked for one mode.
    fn mode_of_word(&mut self, word: &Sp<String>, property: Property, mode: Option<&str>) {
        let Some(mode) = mode else { return };
        if !property.is_by_mode() {
            let word_alone = property.word();
            let message = format!("`{word_alone}` is not asked for one mode");
            let all = Property::ALL.into_iter().filter(|it| it.is_by_mode());
            let all = all.map(Property::word).collect::<Vec<_>>().join(", ");
            let help = format!("write `{word_alone}` alone; with a mode behind it: {all}");
            self.error("K028", word.span, message, &help);
            return;
        }
        let machine = self.spec.machine.as_ref();
        let pairs = machine.and_then(|m| m.modes.as_ref()).into_iter().flat_map(|m| &m.it.0);
        // Supervisor mode is nowhere confined.
        let supervisor = property != Property::Unconfined;
        let modes: Vec<&str> = pairs
            .flat_map(|p| [p.supervisor.as_ref().filter(|_| supervisor), p.user.as_ref()])
            .flatten()
            .map(|name| name.it.as_str())
            .collect();
        if !modes.contains(&mode) {
            let help = did_you_mean(mode, modes.iter().copied())
                .unwrap_or_else(|| format!("one of: {}", modes.join(", ")));
            let message = if supervisor {
                format!("`{mode}` is no mode of a pair")
            } else {
                format!("`{mode}` is no user mode of a pair: `unconfined` is asked there only")
            };
            self.error("K028", word.span, message, &help);
        }
    }

    /// Reads `expect:` at top level: what is expected of all pairs, then of one.
    pub(super) fn expectations(&mut self, classes: &[Class]) -> Vec<(Profile, Expectation)> {
        let mut all = Vec::new();
        let Some(expect) = &self.spec.expect else { return all };
        for (profile, it) in &expect.it.0 {
            let of = |pair: Option<String>,
                      theorems: [Option<&spec::TheoremExpectation>; 3],
                      offending: Option<&List<Sp<String>>>| {
                let [vmm, recursive, hvmm] = theorems.map(theorem);
                let names = |o: &List<Sp<String>>| o.0.iter().map(|n| n.it.clone()).collect();
                let offending = offending.map(names);
                Expectation { span: Some(expect.span), pair, vmm, recursive, hvmm, offending }
            };
            all.push((
                *profile,
                of(
                    None,
                    [it.vmm.as_ref(), it.recursive.as_ref(), it.hvmm.as_ref()],
                    it.offending.as_ref(),
                ),
            ));
            self.offending_exist(classes, it.offending.as_ref());
            for (name, it) in it.pairs.iter().flat_map(Names::iter) {
                self.pair_exists(name);
                self.offending_exist(classes, it.offending.as_ref());
                let theorems = [it.vmm.as_ref(), it.recursive.as_ref(), it.hvmm.as_ref()];
                all.push((*profile, of(Some(name.it.clone()), theorems, it.offending.as_ref())));
            }
        }
        all
    }

    fn pair_exists(&mut self, name: &Sp<String>) {
        let machine = self.spec.machine.as_ref();
        let pairs = machine.and_then(|m| m.modes.as_ref()).into_iter().flat_map(|m| &m.it.0);
        let names: Vec<String> = pairs
            .filter_map(|p| Some(format!("{}:{}", p.supervisor.as_ref()?.it, p.user.as_ref()?.it)))
            .collect();
        if !names.contains(&name.it) {
            let help = format!("the pairs: {}", names.join(", "));
            self.error("K028", name.span, format!("there is no pair `{}`", name.it), &help);
        }
    }

    fn offending_exist(&mut self, classes: &[Class], offending: Option<&List<Sp<String>>>) {
        for name in offending.iter().flat_map(|o| &o.0) {
            if !classes.iter().any(|c| c.name == name.it) {
                let names = classes.iter().map(|c| c.name.as_str());
                let cases = names.clone().filter(|n| n.split('[').next() == Some(&name.it));
                let cases: Vec<_> = cases.collect();
                let help = if cases.is_empty() {
                    did_you_mean(&name.it, names).unwrap_or_default()
                } else {
                    format!("name its cases: {}", cases.join(", "))
                };
                let message = format!("there is no instruction `{}`", name.it);
                self.error("K029", name.span, message, &help);
            }
        }
    }
}

/// A theorem's expectation as meant.
fn theorem(it: Option<&spec::TheoremExpectation>) -> TheoremExpectation {
    let Some(spec::TheoremExpectation(it)) = it else { return TheoremExpectation::default() };
    TheoremExpectation {
        premise: it.premise.map(|p| p.it),
        verdict: it.verdict.map(|v| v.it),
        conditions: it.conditions.as_ref().map(|c| c.0.iter().map(|n| n.it.clone()).collect()),
        diagram: it.diagram.map(|d| d.it),
    }
}

/// A text of the semantics language without comments and line breaks.
fn one_line(text: &str) -> String {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or(line));
    let code = code.map(|line| line.split('#').next().unwrap_or(line));
    code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The condition under which operand values belong to a branch.
fn whole_condition(branch: &Branch, operands: &[Operand]) -> Expr {
    let fixed = branch.fixed.iter().map(|(id, value)| {
        let width = operands[id.index()].width;
        let operand = Expr { width, kind: ExprKind::Operand(*id) };
        Expr::apply(Op::Eq, vec![operand, Expr::constant(Bits::new(*value, width))], 1)
    });
    fixed
        .chain(branch.condition.clone())
        .reduce(|a, b| Expr::apply(Op::And, vec![a, b], 1))
        .unwrap_or_else(|| Expr::constant(Bits::bool(true)))
}

/// Finds the operand that tells most cases apart, the cases by its value, and those that leave it
/// open: with thousands of cases, not every one is looked at for every value.
fn by_fixed_operand(
    branches: &[Branch],
    operands: usize,
) -> (usize, BTreeMap<u128, Vec<usize>>, Vec<usize>) {
    let sorted = |operand: usize| {
        let mut by_value: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
        let mut others = Vec::new();
        for (i, branch) in branches.iter().enumerate() {
            match branch.fixed.iter().find(|(id, _)| id.index() == operand) {
                Some((_, value)) => by_value.entry(*value).or_default().push(i),
                None => others.push(i),
            }
        }
        (operand, by_value, others)
    };
    let best = (0..operands).map(sorted).max_by_key(|(_, by_value, _)| by_value.len());
    best.unwrap_or_else(|| (0, BTreeMap::new(), (0..branches.len()).collect()))
}

/// Marks the operands an expression mentions.
fn mention(e: &Expr, mentioned: &mut [bool]) {
    match &e.kind {
        ExprKind::Operand(id) => mentioned[id.index()] = true,
        ExprKind::Apply(_, operands) => operands.iter().for_each(|o| mention(o, mentioned)),
        ExprKind::Element(_, inner) | ExprKind::Load(inner) => mention(inner, mentioned),
        ExprKind::Const(_)
        | ExprKind::Local(_)
        | ExprKind::Register(_)
        | ExprKind::CellCount
        | ExprKind::Choice(_) => {}
    }
}

fn reads_state(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Operand(_) | ExprKind::Const(_) => false,
        ExprKind::Apply(_, operands) => operands.iter().any(reads_state),
        ExprKind::Local(_)
        | ExprKind::Register(_)
        | ExprKind::Element(..)
        | ExprKind::Load(_)
        | ExprKind::CellCount
        | ExprKind::Choice(_) => true,
    }
}
