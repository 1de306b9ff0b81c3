//! `refvmm run`: guests to their end.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use refvmm::computer::Computer;
use refvmm::engine::Why;
use serde::Serialize;
use serde_json::json;

use crate::arguments::{Format, Run};
use crate::console::Screen;
use crate::drive::drive;
use crate::load::Ready;
use crate::observe::{Observer, next_instruction};
use crate::statistics::Statistics;
use crate::{Exit, Failure, Outcome};

/// Most values that a JSON report holds of what guests print.
const MOST_PRINTED: usize = 1 << 26;

/// How a guest's run ended.
#[derive(Debug, Serialize)]
pub(crate) struct End {
    /// Instructions.
    steps: u64,
    /// `halted`, `limit`, `unpredictable`, `unknown`, `trap` or `broken`.
    ended: &'static str,
    /// The instruction that could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<String>,
    /// What the control program's verdict assumes, and the guest does not keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
}

/// Runs guests from a program or a snapshot.
pub(crate) fn run(it: &Run) -> Outcome<Exit> {
    let ready = Ready::load(&it.what, &it.how, it.guests)?;
    let mut computer = ready.computer()?;
    let observer = Observer::new(&ready);
    let guests = computer.progress().len();
    let limit = it.limit.steps();
    match it.format {
        Format::Text => {
            let mut screen = Screen::new(&observer.console, guests);
            drive(&mut computer, limit, it.quantum, |guest, values| screen.show(guest, &values))?;
            screen.finish()?;
            let mut report = String::new();
            for guest in 0..guests {
                let end = End::of(&observer, &mut computer, guest);
                let whose = if guests > 1 { format!("guest {guest}: ") } else { String::new() };
                let _ = writeln!(report, "{whose}{end}");
            }
            if it.statistics {
                report += &Statistics::of(observer.isa, &mut computer).text();
            }
            let _ = std::io::stderr().write_all(report.as_bytes());
        }
        Format::Json => {
            let mut output = vec![Vec::new(); guests];
            drive(&mut computer, limit, it.quantum, |guest, values| {
                if output.iter().map(Vec::len).sum::<usize>() + values.len() > MOST_PRINTED {
                    return Err(Failure::Message(format!(
                        "the guests print more than {MOST_PRINTED} times; the text has it all"
                    )));
                }
                output[guest].extend(values);
                Ok(())
            })?;
            let printed = |values: &Vec<u64>| observer.console.text(values);
            let output: Vec<String> = output.iter().map(printed).collect();
            let ends: Vec<End> =
                (0..guests).map(|guest| End::of(&observer, &mut computer, guest)).collect();
            let report = json!({
                "run": 1,
                "isa": observer.isa.name,
                "engine": it.how.engine.name(),
                "monitor": it.how.monitor.name(),
                "depth": if ready.setup.monitor.is_some() { ready.setup.depth } else { 0 },
                "ends": ends,
                "output": output,
                "statistics": Statistics::of(observer.isa, &mut computer),
            });
            writeln!(std::io::stdout().lock(), "{report:#}")?;
        }
    }
    Ok(exit_of(&computer))
}

/// 0 where every guest has halted, 2 where one is none that its control program was made for.
pub(crate) fn exit_of(computer: &Computer) -> Exit {
    let all: Vec<Exit> = computer.progress().iter().map(|p| exit(p.why)).collect();
    let worst = [Exit::CouldNotRun, Exit::Undecided].into_iter().find(|exit| all.contains(exit));
    worst.unwrap_or(Exit::Fine)
}

/// The exit code of one guest's end.
pub(crate) fn exit(why: Why) -> Exit {
    match why {
        Why::Halted => Exit::Fine,
        Why::Broken(_) => Exit::CouldNotRun,
        Why::Fuel | Why::Trap(_) | Why::Unpredictable | Why::Unknown => Exit::Undecided,
    }
}

impl End {
    /// How a guest's run ended, of one that stopped or came to its limit.
    pub(crate) fn of(observer: &Observer<'_>, computer: &mut Computer, guest: usize) -> Self {
        computer.switch(guest);
        if computer.progress()[guest].why == Why::Fuel {
            // It may have halted with its last instruction.
            computer.advance(0);
        }
        let progress = computer.progress()[guest];
        let (ended, failed) = word(progress.why);
        let instruction = failed.then(|| next_instruction(observer.isa, &computer.state()));
        let broken = observer.breach(computer);
        Self { steps: progress.steps, ended, instruction, broken }
    }

    /// The same for a run that was not one of ours.
    pub(crate) fn new(steps: u64, why: Why) -> Self {
        Self { steps, ended: word(why).0, instruction: None, broken: None }
    }
}

/// How a run ended, and whether an instruction is to blame.
fn word(why: Why) -> (&'static str, bool) {
    match why {
        Why::Fuel => ("limit", false),
        Why::Halted => ("halted", false),
        Why::Trap(_) => ("trap", true),
        Why::Unpredictable => ("unpredictable", true),
        Why::Unknown => ("unknown", true),
        Why::Broken(_) => ("broken", false),
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(broken) = &self.broken {
            return f.write_str(broken);
        }
        let noun = if self.steps == 1 { "instruction" } else { "instructions" };
        let why = match self.ended {
            "halted" => return write!(f, "halted after {} {noun}", self.steps),
            "limit" => "the limit is reached",
            "unpredictable" => "the architecture does not say what the next one does",
            "unknown" => "the specification does not say what the next one does",
            _ => "a trap that nobody takes",
        };
        write!(f, "stopped after {} {noun}: {why}", self.steps)?;
        self.instruction.as_ref().map_or(Ok(()), |instruction| write!(f, ", {instruction}"))
    }
}
