//! The states of a witness side by side, before and after, with the cells that differ.

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

/// A table of the rows that are not the same in all columns; the others in a line below it.
pub(super) fn table(page: &mut Markup, caption: &str, it: &WitnessReport) {
    let plain = || vec![("", (0..it.columns.len()).collect())];
    let grouped = groups(it);
    let groups = grouped.clone().unwrap_or_else(plain);
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
                page.element("colgroup", &[], |_| {});
                for (_, columns) in &groups {
                    let span = columns.len().to_string();
                    page.element("colgroup", &[("span", &span)], |_| {});
                }
                page.element("thead", &[], |page| heads(page, it, &groups, grouped.is_some()));
                page.element("tbody", &[], |page| {
                    for row in &apart {
                        self::row(page, row, &groups);
                    }
                });
            });
        });
        if !same.is_empty() {
            let all: Vec<String> = same
                .iter()
                .map(|row| {
                    format!("{} {}", row.name, row.values.first().map_or("", String::as_str))
                })
                .collect();
            page.leaf(
                "p",
                &[("class", "note")],
                &format!("The same in all columns: {}. The rest is 0.", all.join(", ")),
            );
        }
    });
}

fn heads(page: &mut Markup, it: &WitnessReport, groups: &[Group<'_>], grouped: bool) {
    page.element("tr", &[], |page| {
        page.leaf("th", &[], &it.instruction);
        for (_, columns) in groups {
            for (i, column) in columns.iter().enumerate() {
                page.element("th", &[], |page| {
                    page.text(&it.columns[*column]);
                    if grouped {
                        page.empty("br", &[]);
                        page.leaf("small", &[], if i == 0 { "before" } else { "after" });
                    }
                });
            }
        }
    });
}

/// A row: what a step changes is bold, and where the states differ, the cell is marked.
fn row(page: &mut Markup, row: &WitnessRow, groups: &[Group<'_>]) {
    page.element("tr", &[], |page| {
        page.element("th", &[], |page| {
            page.text(&row.name);
            page.text(" ");
            page.leaf("small", &[], &row.role);
        });
        for (_, columns) in groups {
            for (i, column) in columns.iter().enumerate() {
                let value = &row.values[*column];
                let mut others = groups.iter().filter_map(|(_, columns)| columns.get(i));
                let differs = others.any(|other| row.values[*other] != *value);
                let changed = i > 0 && row.values[columns[0]] != *value;
                page.element("td", if differs { &[("class", "d")] } else { &[] }, |page| {
                    if changed { page.leaf("b", &[], value) } else { page.text(value) }
                });
            }
        }
    });
}
