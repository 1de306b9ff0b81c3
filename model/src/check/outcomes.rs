//! Checking of expected outcomes: `traps(illegal) in user when mcounteren[0] == 0`, among the words of `expect:`.

use super::Checker;
use crate::diagnostic::{Span, did_you_mean};
use crate::isa::{ExpectedEnd, ExpectedOutcome, Expr, Operand, OperandId, TrapId};
use crate::lower::{Binding, Env, Lowerer, Mode};
use crate::spec::{ByProfile, Code, List, Profile, Sp};

/// How such a word begins.
pub(super) const WORDS: [&str; 3] = ["completes", "traps(NAME)", "unpredictable"];

/// Whether a word of `expect:` speaks of an outcome, and not of a property.
pub(super) fn is_outcome(text: &str) -> bool {
    let text = text.strip_prefix("not ").unwrap_or(text).trim_start();
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    matches!(&text[..end], "completes" | "traps" | "unpredictable")
}

impl Checker<'_> {
    /// The outcomes that an `expect:` speaks of.
    pub(super) fn outcomes(
        &mut self,
        env: &Env,
        expect: Option<&Sp<ByProfile<List<Sp<String>>>>>,
        operands: &[Operand],
    ) -> Vec<(Profile, Vec<ExpectedOutcome>)> {
        let mut all = Vec::new();
        for (profile, words) in expect.iter().flat_map(|e| &e.it.0) {
            let words = words.0.iter().filter(|word| is_outcome(&word.it));
            let list: Vec<_> = words.filter_map(|it| self.outcome(env, it, operands)).collect();
            if !list.is_empty() {
                all.push((*profile, list));
            }
        }
        all
    }

    fn outcome(
        &mut self,
        env: &Env,
        word: &Sp<String>,
        operands: &[Operand],
    ) -> Option<ExpectedOutcome> {
        let text = word.it.as_str();
        let (head, when) = match text.split_once(" when ") {
            Some((head, _)) => (head, Some(self.outcome_condition(env, word, operands)?)),
            None => (text, None),
        };
        let (head, holds) = match head.strip_prefix("not ") {
            Some(rest) => (rest.trim(), false),
            None => (head.trim(), true),
        };
        let (end, mode) = match head.split_once(" in ") {
            Some((end, mode)) => (end.trim(), Some(mode.trim())),
            None => (head, None),
        };
        let mode = match mode {
            Some(mode) => {
                let name = Sp { span: word.span, it: mode.to_owned() };
                Some((name.it.clone(), self.mode_value(&name, &env.modes)?))
            }
            None => None,
        };
        let trap = end.strip_prefix("traps(").and_then(|rest| rest.strip_suffix(')'));
        let outcome = match (end, trap.map(str::trim)) {
            ("completes", _) => ExpectedEnd::Completes,
            ("unpredictable", _) => ExpectedEnd::Unpredictable,
            (_, Some(name)) => ExpectedEnd::Traps(self.trap_of_outcome(env, word, name)?),
            _ => {
                let message = format!("`{end}` is no outcome");
                let help = "write `completes`, `traps(NAME)` or `unpredictable`, then `in MODE` and `when CONDITION`";
                self.error("K039", word.span, message, help);
                return None;
            }
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(ExpectedOutcome { outcome, holds, mode, when, text, span: word.span })
    }

    fn trap_of_outcome(&mut self, env: &Env, word: &Sp<String>, name: &str) -> Option<TrapId> {
        let found = env.traps.get(name).copied();
        if found.is_none() {
            let names = || env.traps.keys().map(String::as_str);
            let help = did_you_mean(name, names()).unwrap_or_else(|| {
                format!("the traps: {}", names().collect::<Vec<_>>().join(", "))
            });
            self.error("K039", word.span, format!("there is no trap `{name}`"), &help);
        }
        found
    }

    /// What stands behind `when`: a condition on state and operands.
    fn outcome_condition(
        &mut self,
        env: &Env,
        word: &Sp<String>,
        operands: &[Operand],
    ) -> Option<Expr> {
        let raw = self.sources.slice(word.span);
        let inner = raw.strip_prefix(['"', '\'']).map_or(raw, |rest| &rest[..rest.len() - 1]);
        let Some((head, _)) = inner.split_once(" when ").filter(|_| inner == word.it) else {
            let help = "write it on one line, in quotes, without escapes";
            self.error("K039", word.span, "the condition cannot be read here", help);
            return None;
        };
        let quotes = u32::from(inner.len() < raw.len());
        let start = word.span.start + quotes + (head.len() + " when ".len()) as u32;
        let code = Code { span: Span { start, end: word.span.end - quotes, ..word.span } };
        let parsed = self.expression(code)?;
        let mut lowerer = Lowerer::new(env, &mut self.report, Mode::Plain);
        for (i, operand) in operands.iter().enumerate() {
            lowerer.bind(&operand.name, Binding::Operand(OperandId(i as u32), operand.width));
        }
        lowerer.pure(&parsed, Some(1), true)
    }
}
