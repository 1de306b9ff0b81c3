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
        page.leaf("th", &[("scope", "col")], &it.instruction);
        for (name, columns) in groups {
            for (i, column) in columns.iter().enumerate() {
                let word = if i == 0 { "before" } else { "after" };
                let text = &it.columns[*column];
                let class: &[_] = if i == 0 && grouped {
                    &[("scope", "col"), ("class", "g")]
                } else {
                    &[("scope", "col")]
                };
                page.element("th", class, |page| {
                    page.text(text);
                    if grouped && !name.is_empty() {
                        page.empty("br", &[]);
                        page.leaf("small", &[], word);
                    }
                });
            }
        }
    });
}

/// A row: what a step changes is bold, and where the states differ, the cell is marked.
fn row(page: &mut Markup, row: &WitnessRow, groups: &[Group<'_>]) {
    page.element("tr", &[], |page| {
        page.element("th", &[("scope", "row")], |page| {
            page.text(&row.name);
            page.text(" ");
            page.leaf("small", &[], &row.role);
        });
        for (_, columns) in groups {
            for (i, column) in columns.iter().enumerate() {
                let value = &row.values[*column];
                let other = groups
                    .iter()
                    .filter_map(|(_, columns)| columns.get(i))
                    .any(|other| row.values[*other] != *value);
                let changed = i > 0 && row.values[columns[0]] != *value;
                let classes = [(i == 0 && groups.len() > 1, "g"), (other, "d"), (changed, "c")];
                let classes: Vec<&str> =
                    classes.into_iter().filter(|(on, _)| *on).map(|(_, class)| class).collect();
                let class = classes.join(" ");
                let tag = if changed { "b" } else { "" };
                let attributes: &[_] =
                    if class.is_empty() { &[] } else { &[("class", class.as_str())] };
                page.element("td", attributes, |page| match tag {
                    "" => page.text(value),
                    _ => page.leaf("b", &[], value),
                });
            }
        }
    });
}
