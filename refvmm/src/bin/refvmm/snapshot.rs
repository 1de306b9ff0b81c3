//! `refvmm snapshot` and `restore`: a virtual machine to a file and back.

use std::path::Path;

use refvmm::engine::Why;
use refvmm::files;
use refvmm::snapshot::{MAX_BYTES, Snapshot};

use crate::arguments::{self, Run};
use crate::console::{Console, Screen};
use crate::drive::drive;
use crate::load::{Machine, Ready};
use crate::run::run;
use crate::{Exit, Failure, Outcome};

/// Runs a guest for a while and writes it to a file.
pub(crate) fn snapshot(it: &arguments::Snapshot) -> Outcome<Exit> {
    let ready = Ready::load(&it.what, &it.how, 1)?;
    let mut computer = ready.computer()?;
    let console = Console::of(&ready.machine.layout);
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
        if let Some(broken) = ready.breach(computer.progress()[0]) {
            return Err(Failure::Message(format!("{broken}; nothing was written")));
        }
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
    let file = it.what.guest.display();
    let bytes = files::read_bounded(&it.what.guest, MAX_BYTES);
    if !Snapshot::is_it(&bytes.map_err(|e| format!("{file}: {e}"))?) {
        return Err(Failure::Message(format!("{file}: this is no snapshot; programs are `run`")));
    }
    run(it)
}
