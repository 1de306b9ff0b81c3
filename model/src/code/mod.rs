//! The codes of errors, warnings, advice and findings in one table: what each means, and an example.
//!
//! An example is a piece of `example.yaml`, which is right: with `wrong` in the place of `right` it draws the code. That of
//! an error of the assembler is a program.
//! Tests try each of them, and look that every code in the sources stands here.

mod advice;
mod database;
mod findings;
mod keys;
mod language;
mod program;
mod text;

use std::fmt::Write as _;

/// A machine in which every example is a piece.
pub const EXAMPLE: &str = include_str!("example.yaml");

/// A code with what there is to know about it.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The code, stable: `C013`.
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it means and what to do about it.
    pub explanation: &'static str,
    /// What draws it, where an example is possible.
    pub wrong: &'static str,
    /// What to write instead.
    pub right: &'static str,
}

const fn code(
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
    wrong: &'static str,
    right: &'static str,
) -> Code {
    Code { code, title, explanation, wrong, right }
}

/// All codes, by letter.
pub fn all() -> impl Iterator<Item = Code> {
    let tables = [advice::ALL, database::ALL, language::ALL, keys::ALL, text::ALL, program::ALL];
    tables.into_iter().flatten().copied().chain(findings::all())
}

/// The entry of a code, in upper or lower case.
pub fn find(code: &str) -> Option<Code> {
    all().find(|it| it.code.eq_ignore_ascii_case(code))
}

impl Code {
    /// The entry as text.
    pub fn render(&self) -> String {
        let mut out = format!("{}: {}\n\n{}\n", self.code, self.title, wrapped(self.explanation));
        for (title, example) in [("Wrong", self.wrong), ("Right", self.right)] {
            if !example.is_empty() {
                let _ = writeln!(out, "\n{title}:");
                for line in example.lines() {
                    let _ = writeln!(out, "{}", format!("  {line}").trim_end());
                }
            }
        }
        out
    }
}

/// Text in lines of a page.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 100;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.chars().count() + word.chars().count() >= WIDTH {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n")
}
