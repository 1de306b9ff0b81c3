//! What the specification says of a class, as it is written, and where.

use model::diagnostic::{Sources, Span};
use model::isa::{Class, Isa};

use crate::report::findings::Place;

/// A line of the specification.
#[derive(Debug)]
pub struct Line {
    /// The file: the overlay or its base.
    pub file: String,
    /// Its number, from 1.
    pub number: usize,
    /// The text.
    pub text: String,
}

/// The semantics of a class, in the order in which they run.
pub(super) fn written(sources: &Sources, class: &Class) -> Vec<Line> {
    let of = |span: &Span| {
        let Place { file, line, .. } = Place::of(sources, *span);
        let all = lines(sources, *span).into_iter().enumerate();
        all.map(move |(i, text)| Line { file: file.clone(), number: line + i, text })
    };
    class.semantics.iter().flat_map(of).collect()
}

/// The lines of a text, without the indentation that they share.
fn lines(sources: &Sources, span: Span) -> Vec<String> {
    let whole = &sources.files[span.file as usize].text;
    let (start, end) = (span.start as usize, span.end as usize);
    let begin = whole[..start].rfind('\n').map_or(0, |at| at + 1);
    // What stands before it on its first line is indentation, or the key.
    let start = if whole[begin..start].trim().is_empty() { begin } else { start };
    let all: Vec<&str> = whole[start..end].trim_end().lines().collect();
    let indents = all.iter().filter(|line| !line.trim().is_empty());
    let indent = indents.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    all.iter().map(|line| line.get(indent..).unwrap_or_default().to_owned()).collect()
}

/// The case that a class is, and what stands elsewhere of what it does.
pub(super) fn applies(isa: &Isa, sources: &Sources, class: &Class) -> Vec<String> {
    let mut all = Vec::new();
    let fixed = class.operands.iter().filter_map(|it| Some((it, it.fixed?)));
    let mut cases: Vec<String> = fixed
        .clone()
        .map(|(operand, value)| format!("{} = {}", operand.name, model::state::number(value)))
        .collect();
    cases.extend(class.when_text.clone());
    if !cases.is_empty() {
        all.push(format!("the case {}", cases.join(", ")));
    }
    let texts: Vec<&str> = class.semantics.iter().map(|span| sources.slice(*span)).collect();
    let place = |span: Span| {
        let place = Place::of(sources, span);
        format!("{}:{}", place.file, place.line)
    };
    for (operand, value) in fixed {
        let used = |view: &str| {
            let reached = format!("{view}[{}]", operand.name);
            view == operand.name || texts.iter().any(|it| it.contains(&reached))
        };
        for entry in isa.views.iter().filter(|it| it.number == value && used(&it.view)) {
            let (view, at) = (&entry.view, place(entry.span));
            all.push(format!(
                "{view}[{}] ({at}) is {}",
                operand.name,
                entry_text(sources, entry.span)
            ));
        }
    }
    for name in called(&texts) {
        let head = format!("fn {name}(");
        let declared = sources.files.iter().find_map(|file| {
            let start = file.text.find(&head)?;
            Some((&file.path, file.text[..start].matches('\n').count() + 1))
        });
        if let Some((path, line)) = declared {
            all.push(format!("{name}() stands at {path}:{line}"));
        }
    }
    all
}

/// An entry of a view on one line, to the end of its line but for a comment.
fn entry_text(sources: &Sources, span: Span) -> String {
    let (text, end) = (&sources.files[span.file as usize].text, span.end as usize);
    let line = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let end = text[end..line].find(" #").map_or(line, |at| end + at);
    text[span.start as usize..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names before parentheses, each once.
fn called<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    let mut all = Vec::new();
    for text in texts {
        for (end, _) in text.match_indices('(') {
            let before = &text[..end];
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let start = before.rfind(|c| !word(c)).map_or(0, |at| at + 1);
            let name = &before[start..];
            if !name.is_empty() && !all.contains(&name) {
                all.push(name);
            }
        }
    }
    all
}
