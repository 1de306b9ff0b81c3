//! Diagnostics: errors and warnings with a stable code, a place in the source, and advice.

use std::collections::HashSet;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A half-open range of bytes in one source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Index of the file in its [`Sources`].
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that covers both; they must be of one file.
    #[must_use]
    pub fn to(self, end: Self) -> Self {
        Self { end: end.end.max(self.start), ..self }
    }
}

/// One file of a specification.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path as the user wrote it.
    pub path: String,
    /// Text, UTF-8.
    pub text: String,
}

/// The files a specification was read from: itself first, then what it extends.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files, in the order they were opened.
    pub files: Vec<Source>,
}

impl Sources {
    /// Text of a span.
    pub fn slice(&self, span: Span) -> &str {
        &self.files[span.file as usize].text[span.start as usize..span.end as usize]
    }

    /// Line and column of a span's start, both from 1; columns count characters.
    pub fn position(&self, span: Span) -> (usize, usize) {
        let before = &self.files[span.file as usize].text[..span.start as usize];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        (line, column)
    }
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The specification is refused.
    Error,
    /// The specification is accepted; something in it is probably not meant.
    Warning,
}

/// One finding about a specification.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable code, such as `S012`.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where, unless the whole file is meant.
    pub span: Option<Span>,
    /// What stands at that place.
    pub label: String,
    /// Another place that matters, with what stands there.
    pub related: Option<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: Some(span),
            label: String::new(),
            related: None,
            help: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// An error without a place.
    pub fn global(code: &'static str, message: impl Into<String>) -> Self {
        let nowhere = Span { file: 0, start: 0, end: 0 };
        Self { span: None, ..Self::error(code, nowhere, message) }
    }

    /// Whether the specification is refused for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Adds what stands at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }

    /// Renders the diagnostic with an excerpt of the source; `color` adds terminal escapes.
    pub fn render(&self, sources: &Sources, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = level.primary_title(self.message.as_str()).id(self.code).elements(
            self.span.into_iter().map(|span| {
                let file = &sources.files[span.file as usize];
                let mut snippet = Snippet::source(file.text.as_str()).path(file.path.as_str());
                snippet = snippet.annotation(
                    AnnotationKind::Primary.span(clip(file, span)).label(self.label.as_str()),
                );
                if let Some((other, label)) = &self.related
                    && other.file == span.file
                {
                    snippet = snippet.annotation(
                        AnnotationKind::Context.span(clip(file, *other)).label(label.as_str()),
                    );
                }
                snippet
            }),
        );
        // A place in another file gets an excerpt of its own.
        if let Some((other, label)) = &self.related
            && self.span.is_none_or(|span| span.file != other.file)
        {
            let file = &sources.files[other.file as usize];
            let place = AnnotationKind::Context.span(clip(file, *other)).label(label.as_str());
            group = group.element(
                Snippet::source(file.text.as_str()).path(file.path.as_str()).annotation(place),
            );
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// The bytes of a span that are shown: a block of many lines is shown by its first line.
fn clip(file: &Source, span: Span) -> std::ops::Range<usize> {
    let end = (span.end as usize).min(file.text.len());
    let start = (span.start as usize).min(end);
    let line = file.text[start..end].find('\n').map_or(end, |n| start + n);
    start..line
}

/// A collector: every error of a file is found in one pass.
#[derive(Debug, Default)]
pub(crate) struct Report {
    found: Vec<Diagnostic>,
    known: HashSet<Diagnostic>,
}

impl Report {
    /// Adds a finding unless the same one was made already (helper functions are checked per use).
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.known.insert(diagnostic.clone()) {
            self.found.push(diagnostic);
        }
    }

    /// Whether an error was found.
    pub(crate) fn failed(&self) -> bool {
        self.found.iter().any(Diagnostic::is_error)
    }

    /// Everything found, in order of place.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        // What is said about names and widths of a text with a wrong sign or number in it has its cause there.
        let is_cause = |d: &&Diagnostic| ["L001", "L002"].contains(&d.code);
        let causes: Vec<Span> = self.found.iter().filter(is_cause).filter_map(|d| d.span).collect();
        let within = |outer: Span| {
            causes
                .iter()
                .any(|it| outer.file == it.file && outer.start <= it.start && it.end <= outer.end)
        };
        self.found.retain(|d| !d.code.starts_with('C') || !d.span.is_some_and(within));
        self.found.sort_by_key(|d| d.span);
        self.found
    }
}

/// The candidate closest to `word`, as advice, if one is close enough to be a slip.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let length = word.chars().count();
    let limit = (length / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(word, c), c))
        // Names of one letter are all alike.
        .filter(|(d, _)| *d <= limit && *d < length)
        .min()
        .map(|(_, c)| format!("did you mean `{c}`?"))
}

/// Levenshtein distance with adjacent transpositions counted once, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best =
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_close_or_absent() {
        let words = ["privileged", "innocuous", "user-sensitive"];
        assert_eq!(
            did_you_mean("privilegde", words).as_deref(),
            Some("did you mean `privileged`?")
        );
        assert_eq!(did_you_mean("banana", words), None);
    }
}
