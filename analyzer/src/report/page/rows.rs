//! The states of a step side by side: before and after on the machine, before and after under a monitor.

use anstyle::AnsiColor::Red;

use super::layout::{Cell, Page, bold, bright, length};
use crate::report::{LessonRow, Shows};

/// Rows that a page has room for.
const ROWS: usize = 8;

/// A caption above two columns, with their titles.
pub(super) struct Group<'t> {
    pub(super) caption: String,
    pub(super) titles: [&'t str; 2],
}

/// How wide the columns are: of names, of values, and of remarks.
struct Widths {
    name: usize,
    values: Vec<usize>,
    remark: usize,
}

impl Widths {
    /// As wide as what they hold, but no more than `limit`; nothing if there is no room for remarks.
    fn of(
        page: &Page,
        instance: &str,
        groups: &[Group<'_>],
        rows: &[&LessonRow],
        limit: usize,
    ) -> Option<Self> {
        const LEAST: usize = 7;
        let widest =
            |texts: &mut dyn Iterator<Item = &str>| texts.map(length).max().unwrap_or(0).min(limit);
        let name = widest(&mut rows.iter().map(|r| r.name.as_str()).chain([instance]));
        let titles = groups.iter().flat_map(|group| group.titles).enumerate();
        let mut values: Vec<usize> = titles
            .map(|(i, title)| widest(&mut rows.iter().map(|r| r.values[i].as_str()).chain([title])))
            .collect();
        // A caption is as wide as its columns, or makes the second one wider.
        for (group, pair) in groups.iter().zip(values.chunks_mut(2)) {
            let missing =
                length(&group.caption).min(2 * limit).saturating_sub(pair[0] + 2 + pair[1]);
            pair[1] += missing;
        }
        let used = 4 + name + 2 + 1 + 2 + values.iter().map(|width| width + 2).sum::<usize>();
        let remark = page.width().checked_sub(used).filter(|rest| *rest >= LEAST)?;
        Some(Self { name, values, remark })
    }
}

/// Prints the rows, each with what it shows.
pub(super) fn table(page: &mut Page, instance: &str, groups: &[Group<'_>], all: &[&LessonRow]) {
    let shown = &all[..all.len().min(ROWS)];
    let limits = [3, 5, 7, 10].map(|part| page.width() / part);
    let widths = limits.iter().find_map(|limit| Widths::of(page, instance, groups, shown, *limit));
    let Some(Widths { name, values, remark: rest }) = widths else { return };
    let pairs = groups.iter().zip(values.chunks(2));
    let captions =
        pairs.map(|(group, pair)| Cell::new(pair[0] + 2 + pair[1], group.caption.as_str()));
    let lead = [Cell::new(name, ""), Cell::new(1, "")];
    page.columns(4, &lead.into_iter().chain(captions).collect::<Vec<_>>());
    let titles = groups.iter().flat_map(|group| group.titles).zip(&values);
    let titles = titles.map(|(title, width)| Cell::new(*width, title).paint(bold()));
    let lead = [Cell::new(name, instance).paint(bold()), Cell::new(1, "")];
    page.columns(4, &lead.into_iter().chain(titles).collect::<Vec<_>>());
    for row in shown {
        let (remark, is_wrong) = remark(row, groups.len() > 1);
        let mut cells = vec![Cell::new(name, row.name.as_str()), Cell::new(1, row.role.as_str())];
        cells.extend(row.values.iter().zip(&values).map(|(v, w)| Cell::new(*w, v.as_str())));
        if is_wrong && let Some(last) = cells.pop() {
            cells.push(last.paint(bright(Red)));
        }
        cells.push(Cell::new(rest, remark));
        page.columns(4, &cells);
    }
    if all.len() > ROWS {
        page.text(4, 6, &format!("... {} more rows (--all)", all.len() - ROWS));
    }
}

/// What a row shows, and whether it is wrong.
pub(in crate::report) fn remark(row: &LessonRow, under_monitor: bool) -> (&'static str, bool) {
    match row.shows {
        Shows::Control if under_monitor => ("<- unnoticed", true),
        Shows::Control => ("changed", false),
        Shows::MonitorsOwn if row.role == "M" => ("", false),
        Shows::MonitorsOwn => ("the monitor's own", false),
        Shows::Composed => ("composed by f", false),
        Shows::MonitorsChange => ("<- the monitor's, changed", true),
        Shows::Wrong => ("<- not f(i(S))", true),
    }
}
