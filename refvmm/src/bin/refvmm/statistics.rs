//! What became of the instructions.

use std::collections::BTreeMap;

use model::isa::Isa;
use refvmm::computer::Computer;
use refvmm::machine;
use refvmm::vmm::Counts;
use serde::Serialize;

/// What became of the instructions, and what trapped.
#[derive(Debug, Serialize)]
pub(crate) struct Statistics {
    /// The guests.
    guests: Vec<Column>,
    /// The machines of the control programs below, the one closest to the guests first.
    below: Vec<Column>,
}

/// One machine.
#[derive(Debug, Serialize)]
struct Column {
    #[serde(skip)]
    name: String,
    instructions: u64,
    /// Traps that the machine took, by name; not counted where a control program runs in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    traps: Option<BTreeMap<String, u64>>,
    /// What its control program did.
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<Monitor>,
}

#[derive(Debug, Serialize)]
struct Monitor {
    direct: u64,
    emulated: u64,
    reflected: u64,
    interpreted: u64,
    /// Entries to the dispatcher by trap.
    entries: BTreeMap<String, u64>,
}

impl Statistics {
    /// The statistics of a computer.
    pub(crate) fn of(isa: &Isa, computer: &mut Computer) -> Self {
        let named = |counts: &[u64]| -> BTreeMap<String, u64> {
            isa.traps.iter().zip(counts).map(|(t, n)| (t.name.clone(), *n)).collect()
        };
        let monitor = |counts: &Counts| Monitor {
            direct: counts.direct,
            emulated: counts.emulated,
            reflected: counts.reflected,
            interpreted: counts.interpreted,
            entries: named(&counts.traps),
        };
        let all = computer.progress().len();
        let several = all > 1;
        let guest = |guest: usize| {
            computer.switch(guest);
            let counts = computer.counts();
            let traps = named(&machine::taken(computer.machine()));
            let instructions = computer.progress()[guest].steps;
            let name = if several { format!("guest {guest}") } else { "guest".into() };
            Column { name, instructions, traps: Some(traps), monitor: counts.first().map(monitor) }
        };
        let guests = (0..all).map(guest).collect();
        let counts = computer.counts();
        let levels = counts.len();
        let below = counts.iter().enumerate().skip(1).map(|(i, counts)| Column {
            name: format!("machine {}", levels - i),
            instructions: counts.direct + counts.emulated + counts.reflected + counts.interpreted,
            traps: None,
            monitor: Some(monitor(counts)),
        });
        Self { guests, below: below.collect() }
    }

    /// An aligned table.
    pub(crate) fn text(&self) -> String {
        let columns: Vec<&Column> = self.guests.iter().chain(&self.below).collect();
        let mut rows = Vec::new();
        if columns.len() > 1 {
            rows.push((String::new(), columns.iter().map(|c| c.name.clone()).collect()));
        }
        let mut add = |name: &str, value: &dyn Fn(&Column) -> Option<u64>| {
            let text = |c: &&Column| value(c).map_or(String::new(), |v| v.to_string());
            rows.push((name.to_owned(), columns.iter().map(text).collect()));
        };
        add("instructions", &|c| Some(c.instructions));
        if let Some(monitor) = &self.guests[0].monitor {
            for (i, (name, _)) in monitor.ways().iter().enumerate() {
                let count = |c: &Column| c.monitor.as_ref().map(|m| m.ways()[i].1);
                add(&format!("  {name}"), &count);
            }
        }
        let mut by_trap = |title: &str, traps: fn(&Column) -> Option<&BTreeMap<String, u64>>| {
            if columns.iter().all(|c| traps(c).is_none()) {
                return;
            }
            add(title, &|c| traps(c).map(|traps| traps.values().sum()));
            for name in self.guests[0].traps.iter().flat_map(BTreeMap::keys) {
                let count = |c: &Column| traps(c).and_then(|traps| traps.get(name)).copied();
                if columns.iter().any(|c| count(c) > Some(0)) {
                    add(&format!("  {name}"), &count);
                }
            }
        };
        by_trap("entries to the monitor", |c| c.monitor.as_ref().map(|m| &m.entries));
        by_trap("traps taken by the guest", |c| c.traps.as_ref());
        table(&rows)
    }
}

impl Monitor {
    /// What became of instructions, by name.
    fn ways(&self) -> [(&'static str, u64); 4] {
        [
            ("direct", self.direct),
            ("emulated", self.emulated),
            ("reflected", self.reflected),
            ("interpreted", self.interpreted),
        ]
    }
}

/// Rows of a name and values: names to the left, values to the right.
fn table(rows: &[(String, Vec<String>)]) -> String {
    let first = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let columns = rows.first().map_or(0, |(_, values)| values.len());
    let widest = |i: usize| rows.iter().map(|(_, values)| values[i].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let line = |(name, values): &(String, Vec<String>)| {
        let cells = values.iter().zip(&widths).map(|(v, width)| format!("  {v:>width$}"));
        let line = format!("{name:<first$}{}", cells.collect::<String>());
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}
