//! `refvmm trace`: what each instruction did.

use std::io::{BufWriter, Write};

use refvmm::engine::Why;

use crate::arguments::{Format, Trace};
use crate::drive::drive;
use crate::load::Ready;
use crate::observe::{Observer, mode_width};
use crate::run::{End, exit_of};
use crate::{Exit, Outcome};

/// Shows instructions until the guest stops, or as many as are asked for.
pub(crate) fn trace(it: &Trace) -> Outcome<Exit> {
    let ready = Ready::load(&it.what, &it.how, 1)?;
    let mut computer = ready.computer()?;
    let limit = it.limit.steps();
    drive(&mut computer, it.from.min(limit), 1, |_, _| Ok(()))?;
    let observer = Observer::new(&ready);
    let width = mode_width(observer.isa);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let until = it.steps.map_or(u64::MAX, |steps| it.from.saturating_add(steps));
    // Without fuel an engine only says whether the machine has halted.
    while computer.progress()[0].steps < limit.min(until) && computer.advance(0).why == Why::Fuel {
        let step = observer.step(&mut computer);
        match it.format {
            Format::Text => out.write_all(step.text(width).as_bytes())?,
            Format::Json => {
                serde_json::to_writer(&mut out, &step)?;
                out.write_all(b"\n")?;
            }
        }
        if !step.done() {
            break;
        }
    }
    out.flush()?;
    if until <= computer.progress()[0].steps {
        return Ok(Exit::Fine);
    }
    let end = End::of(&observer, &mut computer, 0);
    let _ = writeln!(std::io::stderr(), "{end}");
    Ok(exit_of(&computer))
}
