//! The states of a witness side by side, before a step and after it, with the cells that differ.

use super::markup::Markup;
use crate::report::{WitnessReport, WitnessRow};

/// Columns of a witness that belong together: a state and what becomes of it, by their numbers.
type Group<'w> = (&'w str, Vec<usize>);

/// `S1`: before and after; `S2`: before and after. None where the columns are others.
fn groups(it: &WitnessReport) -> Option<Vec<Group<'_>>> {
    let at = |name: &str| it.columns.iter().position(|column| column == name);
    let befores = it.columns.iter().filter(|name| !name.starts_with(['i', 'b']));
    let group = |name: &'_ String| {
        let after = at(&format!("i({name})")).or(at(&format!("behind {name}")));
        at(name).map(|before| [Some(before), after].into_iter().flatten().collect::<Vec<_>>())
    };
    let all: Vec<Group<'_>> =
        befores.filter_map(|name| Some((name.as_str(), group(name)?))).collect();
    let covered: usize = all.iter().map(|(_, columns)| columns.len()).sum();
    (covered == it.columns.len()).then_some(all)
}

/// Rows that are named below a table.
const SAME: usize = 12;

/// A table of the rows that are not the same in all columns; the others in a line below it.
pub(super) fn table(page: &mut Markup, caption: &str, it: &WitnessReport) {
    let plain = || (0..it.columns.len()).map(|column| ("", vec![column])).collect();
    let groups = groups(it).unwrap_or_else(plain);
    let (apart, same): (Vec<&WitnessRow>, Vec<&WitnessRow>) =
        it.rows.iter().partition(|row| row.values.windows(2).any(|two| two[0] != two[1]));
    page.element("figure", &[("class", "witness")], |page| {
        let outcomes = if it.outcomes.is_empty() {
            String::new()
        } else {
            format!(": {}", it.outcomes.join(", "))
        };
        page.leaf("figcaption", &[], &format!("{caption}{outcomes}."));
        page.element("div", &[("class", "scroll")], |page| {
            page.element("table", &[], |page| {
                page.element("thead", &[], |page| heads(page, it, &groups));
                page.element("tbody", &[], |page| {
                    for row in &apart {
                        self::row(page, row, &groups);
                    }
                });
            });
        });
        if !same.is_empty() {
            let value = |row: &&WitnessRow| row.values.first().cloned().unwrap_or_default();
            let mut all: Vec<String> =
                same.iter().take(SAME).map(|row| format!("{} {}", row.name, value(row))).collect();
            if same.len() > SAME {
                all.push(format!("{} more", same.len() - SAME));
            }
            let text = format!("The same: {}.", all.join(", "));
            page.leaf("p", &[("class", "note")], &text);
        }
    });
}

fn heads(page: &mut Markup, it: &WitnessReport, groups: &[Group<'_>]) {
    page.element("tr", &[], |page| {
        page.leaf("th", &[], &it.instruction);
        for (_, columns) in groups {
            let names: Vec<&str> =
                columns.iter().map(|column| it.columns[*column].as_str()).collect();
            page.leaf("th", &[], &names.join(" → "));
        }
    });
}

/// A row: what a step changes is bold, and where the states differ, before it or after, the cell is marked.
fn row(page: &mut Markup, row: &WitnessRow, groups: &[Group<'_>]) {
    page.element("tr", &[], |page| {
        page.element("th", &[], |page| {
            page.text(&row.name);
            page.text(" ");
            page.leaf("small", &[], &row.role);
        });
        for (_, columns) in groups {
            let differs = groups.iter().any(|(_, others)| {
                others.iter().zip(columns).any(|(a, b)| row.values[*a] != row.values[*b])
            });
            let all: Vec<&String> = columns.iter().map(|column| &row.values[*column]).collect();
            page.element("td", if differs { &[("class", "d")] } else { &[] }, |page| {
                match &all[..] {
                    [before, after] if before != after => {
                        page.text(&format!("{before} → "));
                        page.leaf("b", &[], after);
                    }
                    [before, ..] => page.text(before),
                    [] => {}
                }
            });
        }
    });
}
