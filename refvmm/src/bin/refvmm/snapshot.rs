//! `refvmm snapshot` and `restore`: a virtual machine to a file and back.

use std::path::Path;

use refvmm::engine::Why;
use refvmm::files;
use refvmm::snapshot::Snapshot;

use crate::arguments::{self, Run};
use crate::console::{Console, Screen};
use crate::drive::drive;
use crate::load::{Guest, Machine, Ready};
use crate::run::run_ready;
use crate::{Exit, Failure, Outcome};

/// Runs a guest for a while and writes it to a file.
pub(crate) fn snapshot(it: &arguments::Snapshot) -> Outcome<Exit> {
    let ready = Ready::load(&it.what, &it.how, 1)?;
    let mut computer = ready.computer()?;
    let console = Console::of(&ready.machine.shape);
    let behind = computer.progress()[0].steps;
    if behind > it.at {
        let at = it.at;
        return Err(Failure::Message(format!("the guest has run {behind} instructions, not {at}")));
    }
    let mut screen = Screen::new(&console, 1);
    drive(&mut computer, it.at, 1, |guest, values| screen.show(guest, &values))?;
    screen.finish()?;
    let came = computer.progress()[0].steps;
    if came < it.at && computer.progress()[0].why != Why::Fuel {
        let at = it.at;
        return Err(Failure::Message(format!(
            "the guest stops after {came} instructions, before {at}: nothing was written"
        )));
    }
    write(&ready.machine, &Snapshot::take(&mut computer), &it.output)?;
    Ok(Exit::Fine)
}

/// Writes a snapshot to a file.
pub(crate) fn write(machine: &Machine, snapshot: &Snapshot, to: &Path) -> Outcome<()> {
    let text = snapshot.text(machine.isa(), &machine.fingerprint())?;
    let written = files::write_whole(to, text.as_bytes());
    Ok(written.map_err(|e| format!("cannot write {}: {e}", to.display()))?)
}

/// Goes on from a snapshot.
pub(crate) fn restore(it: &Run) -> Outcome<Exit> {
    let ready = Ready::load(&it.what, &it.how, it.guests)?;
    match ready.guest {
        Guest::Snapshot(_) => run_ready(it, &ready),
        Guest::Program(_) => {
            let file = it.what.guest.display();
            Err(Failure::Message(format!("{file}: this is a program, not a snapshot; `run` it")))
        }
    }
}
