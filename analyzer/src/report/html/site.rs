//! Machines side by side: the index of a page with several, and the atlas as a site.

use std::collections::BTreeSet;

use model::isa::Verdict;
use model::theorem::Theorem;

use super::flow::place;
use super::markup::Markup;
use super::verdicts::{section, style};
use super::{Subject, frame, machine, title};
use crate::report::page::verdicts::word;
use crate::report::{PairReport, Place, Report};

/// A site: names of files, and what they hold.
#[derive(Debug)]
pub struct Site {
    /// The files, the index first.
    pub files: Vec<(String, String)>,
}

/// A page for each machine, and an index with a matrix and a timeline.
pub fn site(subjects: &[Subject<'_>]) -> Site {
    let mut known = BTreeSet::from(["index.html".to_owned()]);
    let names: Vec<String> =
        subjects.iter().map(|(it, _)| file_name(&it.isa, &mut known)).collect();
    let rows: Vec<(&Report, String)> =
        subjects.iter().zip(&names).map(|((it, _), name)| (*it, name.clone())).collect();
    let overview = frame::page("Atlas of machines", |page| index(page, &rows));
    let mut files = vec![("index.html".to_owned(), overview)];
    for (subject, name) in subjects.iter().zip(names) {
        let text =
            frame::page(&title(subject.0), |page| machine(page, *subject, "", Some("index.html")));
        files.push((name, text));
    }
    Site { files }
}

/// A name that no other page has and every file system takes.
fn file_name(isa: &str, known: &mut BTreeSet<String>) -> String {
    const LONGEST: usize = 60;
    let plain =
        |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    let slug: String = isa.chars().take(LONGEST).map(plain).collect();
    let slug = if slug.trim_matches('-').is_empty() { "machine".to_owned() } else { slug };
    let names =
        std::iter::once(format!("{slug}.html")).chain((2..).map(|n| format!("{slug}-{n}.html")));
    let mut free = names.filter(|name| !known.contains(name));
    let name = free.next().unwrap_or_default();
    known.insert(name.clone());
    name
}

/// The matrix and the timeline; each machine with where it is shown.
pub(super) fn index(page: &mut Markup, machines: &[(&Report, String)]) {
    let ordered = ordered(machines);
    page.element("article", &[("id", "index"), ("aria-labelledby", "index-title")], |page| {
        page.element("header", &[], |page| {
            page.leaf("h1", &[("id", "index-title")], "Machines");
            page.leaf(
                "p",
                &[("class", "subtitle")],
                "Which of them can be virtualized, by the theorems of Popek and Goldberg (1974)",
            );
        });
        section(page, "matrix", "Side by side", |page| matrix(page, &ordered));
        section(page, "timeline", "Timeline", |page| timeline(page, &ordered));
    });
}

/// A machine in the order of time: with its year, or that of the machine that it changes.
struct Dated<'r> {
    report: &'r Report,
    href: &'r str,
    year: Option<u32>,
    /// The number of the machine that it changes.
    base: Option<usize>,
}

/// Oldest first, what is without a year last; a machine stands behind the one that it changes.
fn ordered<'r>(machines: &'r [(&'r Report, String)]) -> Vec<Dated<'r>> {
    let file = |it: &Report| Place::start(&it.file).file;
    let base = |it: &Report| {
        let extends = it.extends.as_ref()?;
        machines
            .iter()
            .position(|(other, _)| file(other) == *extends && other.profile == it.profile)
    };
    let year = |it: &Report| it.year.or_else(|| machines[base(it)?].0.year);
    let mut order: Vec<usize> = (0..machines.len()).collect();
    let key = |i: &usize| {
        let it = machines[*i].0;
        (year(it).is_none(), year(it), base(it).is_some(), it.isa.clone(), *i)
    };
    order.sort_by_key(key);
    let place = |i: usize| order.iter().position(|it| *it == i);
    order
        .iter()
        .map(|i| {
            let (report, href) = &machines[*i];
            Dated { report, href, year: year(report), base: base(report).and_then(place) }
        })
        .collect()
}

const HEADS: [&str; 7] =
    ["machine", "Theorem 1", "Theorem 2", "Theorem 3", "sensitive, unprivileged", "year", "modes"];

fn matrix(page: &mut Markup, all: &[Dated<'_>]) {
    page.element(
        "div",
        &[
            ("class", "scroll"),
            ("tabindex", "0"),
            ("role", "region"),
            ("aria-label", "Machines side by side"),
        ],
        |page| {
            page.element("table", &[("class", "matrix")], |page| {
                page.element("thead", &[], |page| {
                    page.element("tr", &[], |page| {
                        for head in HEADS {
                            page.leaf("th", &[("scope", "col")], head);
                        }
                    });
                });
                page.element("tbody", &[], |page| {
                    for it in all {
                        if it.report.pairs.is_empty() {
                            row(page, it, None);
                        }
                        for pair in &it.report.pairs {
                            row(page, it, Some(pair));
                        }
                    }
                });
            });
        },
    );
}

fn row(page: &mut Markup, it: &Dated<'_>, pair: Option<&PairReport>) {
    page.element("tr", &[], |page| {
        page.element("th", &[("scope", "row")], |page| {
            page.leaf("a", &[("href", it.href), ("title", &it.report.title)], &it.report.isa);
        });
        let year = it.report.year.map_or_else(String::new, |year| year.to_string());
        let Some(pair) = pair else {
            let unreadable = it.report.is_unreadable();
            let why = if unreadable { "cannot be analyzed" } else { "no modes: not applicable" };
            page.leaf("td", &[("colspan", "4")], why);
            page.leaf("td", &[], &year);
            return page.leaf("td", &[], "");
        };
        for theorem in Theorem::ALL {
            let verdict = pair.theorems.verdict(theorem);
            let words = pair.theorems.verdict_in_words(theorem);
            page.element("td", &[("title", &words)], |page| {
                page.leaf("span", &[("class", &format!("mark {}", style(verdict)))], word(verdict));
                if pair.theorems.monitor(theorem).is_some_and(|it| !it.conditions.is_empty()) {
                    page.text(" ");
                    page.leaf("small", &[], "on conditions");
                }
            });
        }
        page.leaf("td", &[("class", "n")], &pair.theorems.offending().len().to_string());
        page.leaf("td", &[], &year);
        page.leaf("td", &[], &format!("{} → {}", pair.supervisor, pair.user));
    });
}

/// The worst verdict on Theorem 1 of a machine's pairs.
fn worst(it: &Report) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Refuted => 0,
        Verdict::Undecided => 1,
        Verdict::Vacuous => 2,
        Verdict::Holds => 3,
        Verdict::NotApplicable => 4,
    };
    let all = it.pairs.iter().map(|pair| pair.theorems.vmm.verdict);
    all.min_by_key(rank).unwrap_or(Verdict::NotApplicable)
}

/// Machines from above to below, joined to those that they change.
fn timeline(page: &mut Markup, all: &[Dated<'_>]) {
    const STEP: u32 = 26;
    const LINE: u32 = 92;
    let y = |i: usize| 24 + STEP * i as u32;
    let height = y(all.len());
    page.leaf(
        "p",
        &[("class", "note")],
        "A curve leads from a machine to what was made of it. The mark is the answer to Theorem 1.",
    );
    page.element("figure", &[("class", "timeline")], |page| {
        let room = format!("0 0 344 {height}");
        let attributes = [
            ("viewBox", room.as_str()),
            ("class", "drawing"),
            ("role", "group"),
            ("aria-labelledby", "timeline-t"),
        ];
        page.element("svg", &attributes, |page| {
            page.leaf(
                "title",
                &[("id", "timeline-t")],
                "Machines by year, with the answer to Theorem 1",
            );
            let line = format!("M{LINE} 10V{}", height.saturating_sub(10));
            page.empty("path", &[("d", &line), ("class", "axis")]);
            for (i, it) in all.iter().enumerate() {
                if let Some(base) = it.base {
                    let reach = LINE.saturating_sub(12 + 5 * (i.abs_diff(base) as u32).min(10));
                    let (from, to) = (y(base), y(i));
                    let curve = format!("M{LINE} {from}C{reach} {from} {reach} {to} {LINE} {to}");
                    page.empty("path", &[("d", &curve), ("class", "derived")]);
                }
            }
            let mut last = None;
            for (i, it) in all.iter().enumerate() {
                if it.year != last || i == 0 {
                    let year =
                        it.year.map_or_else(|| "no year".to_owned(), |year| year.to_string());
                    place(page, (6, y(i) + 4), "year", &year);
                    last = it.year;
                }
                let verdict = worst(it.report);
                page.element("a", &[("href", it.href)], |page| {
                    page.leaf("title", &[], &it.report.title);
                    let (x, at) = (LINE.to_string(), y(i).to_string());
                    page.empty(
                        "circle",
                        &[
                            ("cx", &x),
                            ("cy", &at),
                            ("r", "7"),
                            ("class", &format!("dot {}", style(verdict))),
                        ],
                    );
                    let name: String = it.report.isa.chars().take(22).collect();
                    place(page, (LINE + 16, y(i) + 5), "label", &name);
                    place(page, (338, y(i) + 5), &format!("end {}", style(verdict)), word(verdict));
                });
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::file_name;

    #[test]
    fn every_page_has_a_name_of_its_own() {
        let mut known = BTreeSet::from(["index.html".to_owned()]);
        let names = ["g3", "G3", "index", "../..", ""].map(|isa| file_name(isa, &mut known));
        assert_eq!(
            names,
            ["g3.html", "g3-2.html", "index-2.html", "machine.html", "machine-2.html"]
        );
    }
}
