//! The specification as written, with a gutter that says line by line what is proved: whose semantics a line belongs
//! to, what that comes to (colour), and its classes (letters).

use std::collections::BTreeMap;

use super::markup::Markup;
use super::names::{Standing, letters};
use super::verdicts::section;
use super::{Machine, Side};
use crate::report::Place;

/// Files longer than this are closed at first.
const LONG: usize = 400;

/// The number of a file of the specification.
pub(super) fn file_of(it: Machine<'_>, file: &str) -> Option<usize> {
    let files = &it.exhibit.sources.files;
    files.iter().position(|known| Place::start(&known.path).file == file)
}

/// What the gutter says of a line for one pair of modes.
#[derive(Default)]
struct Gutter {
    /// Instructions that stand there, by their numbers.
    named: Vec<usize>,
    /// What the worst of the instructions whose semantics it belongs to comes to.
    worst: Option<Standing>,
    /// A card or an excerpt leads there.
    linked: bool,
}

pub(super) fn render(page: &mut Markup, it: Machine<'_>) {
    section(page, &it.anchors.part("source"), "Source", |page| {
        page.leaf("p", &[("class", "note")], "The gutter says what is proved of the instruction that a line belongs to: P privileged, S sensitive, U user sensitive, I innocuous, ? undecided; the colours are those of the sets.");
        for (number, file) in it.exhibit.sources.files.iter().enumerate() {
            let lines: Vec<&str> = file.text.lines().collect();
            let open: &[_] = if lines.len() > LONG {
                &[("class", "file")]
            } else {
                &[("class", "file"), ("open", "")]
            };
            page.element("details", open, |page| {
                page.leaf(
                    "summary",
                    &[],
                    &format!("{}, {} lines", Place::start(&file.path).file, lines.len()),
                );
                self::file(page, it, number, &lines);
            });
        }
    });
}

fn file(page: &mut Markup, it: Machine<'_>, number: usize, lines: &[&str]) {
    let path = Place::start(&it.exhibit.sources.files[number].path).file;
    let gutters: Vec<(Side<'_>, BTreeMap<usize, Gutter>)> =
        it.sides().map(|side| (side, gutter(side, &path, lines))).collect();
    let said = remarks(it, &path);
    let several = gutters.len() > 1;
    let label = format!("Source of {path}");
    let scroll = [
        ("class", "scroll"),
        ("tabindex", "0"),
        ("role", "region"),
        ("aria-label", label.as_str()),
    ];
    page.element("div", &scroll, |page| {
        page.element("table", &[("class", "source")], |page| {
            page.element("thead", &[], |page| {
                page.element("tr", &[], |page| {
                    page.leaf("th", &[("scope", "col")], "line");
                    for (side, _) in &gutters {
                        let head = if several {
                            format!("{} → {}", side.pair.supervisor, side.pair.user)
                        } else {
                            "proved".to_owned()
                        };
                        page.leaf("th", &[("scope", "col")], &head);
                    }
                    page.leaf("th", &[("scope", "col")], "specification");
                });
            });
            page.element("tbody", &[], |page| {
                for (line, text) in (1..).zip(lines) {
                    let anchor = it.anchors.line(number, line);
                    let linked =
                        gutters.iter().any(|(_, all)| all.get(&line).is_some_and(|it| it.linked));
                    let id = [("id", anchor.as_str())];
                    page.element("tr", if linked { &id } else { &[] }, |page| {
                        for (side, gutter) in &gutters {
                            proved(page, *side, gutter.get(&line));
                        }
                        page.element("td", &[], |page| {
                            page.text(text);
                            for remark in said.get(&line).into_iter().flatten() {
                                page.leaf("strong", &[], remark);
                            }
                        });
                    });
                }
            });
        });
    });
}

/// The gutter of one file for one pair.
fn gutter(side: Side<'_>, path: &str, written: &[&str]) -> BTreeMap<usize, Gutter> {
    let mut lines: BTreeMap<usize, Gutter> = BTreeMap::new();
    for (index, it) in side.pair.instructions.iter().enumerate() {
        let standing = Standing::of(side.pair, it);
        if it.at.file == path {
            let line = lines.entry(it.at.line).or_default();
            line.named.push(index);
            line.linked = true;
        }
        for place in it.semantics.iter().filter(|place| place.file == path) {
            lines.entry(place.line).or_default().linked = true;
            for line in place.line..=last(place, written) {
                let worst = &mut lines.entry(line).or_default().worst;
                *worst = (*worst).max(Some(standing));
            }
        }
    }
    lines
}

/// The last line that holds something of a place.
fn last(it: &Place, lines: &[&str]) -> usize {
    let end = lines.get(it.end_line.saturating_sub(1)).copied().unwrap_or_default();
    let own: String = end.chars().take(it.end_column.saturating_sub(1)).collect();
    if own.trim().is_empty() { it.end_line.saturating_sub(1).max(it.line) } else { it.end_line }
}

/// Findings and unmet expectations by line.
fn remarks(it: Machine<'_>, path: &str) -> BTreeMap<usize, Vec<String>> {
    let mut said: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let findings = it.report.findings.iter().filter_map(|finding| {
        let at = finding.at.as_ref().filter(|at| at.file == path)?;
        let pair = finding.pair.as_deref().filter(|_| it.report.pairs.len() > 1);
        let pair = pair.map_or(String::new(), |pair| format!(" ({pair})"));
        let allowed =
            finding.allowed.as_ref().map_or(String::new(), |why| format!(" (allowed: {why})"));
        Some((at.line, format!("{} {}{pair}{allowed}", finding.rule.code(), finding.message)))
    });
    for (line, text) in findings {
        said.entry(line).or_default().push(text);
    }
    said
}

/// One cell of the gutter.
fn proved(page: &mut Markup, side: Side<'_>, it: Option<&Gutter>) {
    const SHOWN: usize = 3;
    let Some(it) = it else { return page.leaf("td", &[], "") };
    let all = |index: &usize| Standing::of(side.pair, &side.pair.instructions[*index]);
    let worst = it.named.iter().map(all).max().max(it.worst);
    let class = worst.map_or(String::new(), |worst| format!("p {}", worst.style()));
    page.element("td", &[("class", &class)], |page| {
        for index in it.named.iter().take(SHOWN) {
            let found = &side.pair.instructions[*index];
            let (href, class) = (format!("#{}", side.card(*index)), all(index).style());
            let title = format!("{}: {}", found.name, all(index).words());
            let attributes = [("href", href.as_str()), ("class", class), ("title", &title)];
            page.leaf("a", &attributes, &letters(found));
            page.text(" ");
        }
        if it.named.len() > SHOWN {
            page.text(&format!("+{}", it.named.len() - SHOWN));
        }
    });
}
