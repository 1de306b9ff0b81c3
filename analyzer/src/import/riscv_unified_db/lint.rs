//! What is wrong in a database, as findings of a report.

use model::diagnostic::{Diagnostic, Sources, Span};
use model::rule::Rule;

use crate::report::Report;
use crate::report::findings::{Finding, Place};

/// Adds what an import found to a report, each at its line; `first` is the first file of the database among the sources.
pub fn lint(report: &mut Report, found: &[Diagnostic], sources: &Sources, first: u32) {
    for it in found {
        let Some(span) = it.span else { continue };
        let span = Span { file: span.file + first, ..span };
        let place = Place::of(sources, span);
        // Lines may move, names of files do not.
        let file = place.file.rsplit('/').next().unwrap_or_default();
        let (subject, message) =
            (format!("{} {file}", it.code), format!("{} [{}]", it.message, it.code));
        report.findings.push(Finding::new(Rule::Database, None, &subject, message).at(Some(place)));
    }
}
