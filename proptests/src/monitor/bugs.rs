//! The list of seeded bugs, for the machine `g3`.

use refvmm::cpu::Cpu;
use refvmm::engine::{OnTrap, Raised, Stop, Why};

use super::seeded::{Bug, Loading, Place, Routine, Running};

const fn allocator(name: &'static str, says: &'static str, wrong: fn(&mut Loading<'_>)) -> Bug {
    Bug { name, says, place: Place::Allocator(wrong), hidden: false }
}

const fn direct(
    name: &'static str,
    says: &'static str,
    wrong: fn(&mut Running<'_>) -> Stop,
) -> Bug {
    Bug { name, says, place: Place::Direct(wrong), hidden: false }
}

const fn routine(name: &'static str, says: &'static str, wrong: fn(&mut Routine<'_>)) -> Bug {
    Bug { name, says, place: Place::Routine(wrong), hidden: false }
}

/// Wrong ways to load R′ = (l + k, max(0, min(b, w − l))), M′ = user.
pub const ALLOCATOR: &[Bug] = &[
    allocator("no-clip", "the bound is the guest's, not clipped", |it| it.set_bound(it.b())),
    allocator("clip-one-over", "the clip leaves a cell too many", |it| {
        if it.clips() {
            it.set_bound(it.bound() + 1);
        }
    }),
    allocator("clip-one-under", "the clip takes a cell too many", |it| {
        if it.clips() {
            it.set_bound(it.bound().saturating_sub(1));
        }
    }),
    allocator("clip-to-size", "the bound is clipped to w, not to w - l", |it| {
        if it.clips() {
            it.set_bound(it.b().min(it.scene.size()));
        }
    }),
    allocator("clip-to-installation", "the bound is clipped to the real machine", |it| {
        if it.clips() {
            it.set_bound(it.b().min(it.scene.cells.saturating_sub(it.base())));
        }
    }),
    allocator("negative-room", "w - l wraps where the window begins beyond storage", |it| {
        let room = it.scene.size().wrapping_sub(it.l()) & u64::from(u32::MAX);
        it.set_bound(it.b().min(room));
    }),
    allocator("inclusive-bound", "the bound is taken for the last cell, not for a size", |it| {
        it.set_bound(it.bound().saturating_sub(1));
    }),
    allocator("empty-is-all", "an empty window is taken for all of the partition", |it| {
        if it.b() == 0 && it.l() < it.scene.size() {
            it.set_bound(it.scene.size() - it.l());
        }
    }),
    allocator("relocation-over", "the relocation is one too high", |it| it.set_base(it.base() + 1)),
    allocator("relocation-under", "the relocation is one too low", |it| it.set_base(it.base() - 1)),
    allocator("relocation-lost", "the guest's relocation is not added", |it| {
        it.set_base(it.scene.first());
    }),
    allocator("partition-lost", "the partition's place is not added", |it| it.set_base(it.l())),
    allocator(
        "relocation-wraps",
        "l + k is added modulo the component, and the bound kept",
        |it| {
            let (base, whole) = (it.l() + it.scene.first(), u64::from(u32::MAX));
            if base > whole {
                it.set_base(base & whole);
                it.set_bound(it.b().min(it.scene.size()));
            }
        },
    ),
    allocator("neighbour", "the partition is that of whoever is behind the guest", |it| {
        it.set_base(it.base() + it.scene.size());
    }),
    allocator("supervisor-left-on", "the guest runs in its virtual mode", |it| {
        let mode = it.scene.mode();
        mode.set(it.real, mode.get(it.guest));
    }),
    allocator("every-second", "every second change of R is forgotten", |it| {
        if it.count % 2 == 1 {
            it.real.copy_from_slice(it.old);
        }
    }),
    allocator("stale-bound", "a change of R loads the relocation only", |it| {
        if it.count > 2 {
            it.set_bound(it.scene.bounds().get(it.old));
        }
    }),
    allocator("stale-relocation", "a change of R loads the bound only", |it| {
        if it.count > 2 {
            it.set_base(it.scene.relocation().get(it.old));
        }
    }),
    Bug {
        hidden: true,
        ..allocator("leak", "a component of the guest's R gets into the real one", |it| {
            let waiting = it.scene.register("waiting");
            waiting.set(it.real, waiting.get(it.guest));
        })
    },
];

/// Hands a trap over as if the instruction had begun: the dispatcher reflects it as it is.
fn reflect(it: &mut Running<'_>, change: fn(&mut Raised, &mut u64)) -> Stop {
    let stop = it.go();
    let Why::Trap(mut raised) = stop.why else { return stop };
    raised.committed = true;
    let next = [2, 3].contains(&raised.trap.index());
    let counter = it.scene.register("pc");
    let mut at = counter.get(&it.cpu.registers) + u64::from(next);
    change(&mut raised, &mut at);
    counter.set(&mut it.cpu.registers, at & u64::from(u32::MAX));
    Stop { why: Why::Trap(raised), ..stop }
}

/// Wrong ways to run a guest, and to hear of its traps.
pub const DIRECT: &[Bug] = &[
    direct("one-more", "an instruction more runs than is said", |it| {
        let stop = it.go();
        if stop.why == Why::Fuel {
            it.engine.run(it.cpu, 1, OnTrap::HandOver);
        }
        stop
    }),
    direct("miscounted", "instructions before a trap count one too many", |it| {
        let stop = it.go();
        Stop { steps: stop.steps + u64::from(matches!(stop.why, Why::Trap(_))), ..stop }
    }),
    direct("trap-swallowed", "a supervisor call is skipped", |it| {
        let stop = it.go();
        match stop.why {
            Why::Trap(raised) if raised.trap.index() == 2 => {
                let counter = it.scene.register("pc");
                let next = counter.get(&it.cpu.registers) + 1;
                counter.set(&mut it.cpu.registers, next);
                Stop { steps: stop.steps + 1, why: Why::Fuel }
            }
            _ => stop,
        }
    }),
    direct(
        "all-reflected",
        "the virtual supervisor's privileged instructions are reflected",
        |it| reflect(it, |_, _| ()),
    ),
    direct("kinds-swapped", "memory traps reach the guest as illegal instructions", |it| {
        let stop = it.go();
        match stop.why {
            Why::Trap(mut raised) if raised.trap.index() == 0 => {
                raised.trap.0 = 4;
                raised.committed = true;
                Stop { why: Why::Trap(raised), ..stop }
            }
            _ => stop,
        }
    }),
    direct("saved-this-for-next", "a supervisor call saves its own P", |it| {
        reflect_some(it, 2, |raised, at| {
            let _ = raised;
            *at -= 1;
        })
    }),
    direct("saved-next-for-this", "a memory trap saves the next P", |it| {
        reflect_some(it, 0, |_, at| *at += 1)
    }),
    direct("argument-lost", "a supervisor call reaches the guest without its number", |it| {
        reflect_some(it, 2, |raised, _| raised.argument = 0)
    }),
    direct("argument-cut", "the number of a supervisor call is cut to eight bits", |it| {
        reflect_some(it, 2, |raised, _| raised.argument &= 0xff)
    }),
    direct("needless-entry", "each run begins with a needless entry to the dispatcher", |it| {
        if it.fuel == 0 {
            return it.go();
        }
        let trap = model::isa::TrapId(1);
        let raised = Raised { trap, argument: 0, committed: false };
        Stop { steps: 0, why: Why::Trap(raised) }
    }),
    direct("scratch", "a trap leaves a number in the cell behind the partition", |it| {
        let stop = it.go();
        let end = it.scene.first() + it.scene.size();
        if matches!(stop.why, Why::Trap(_)) {
            scribble(it.cpu, end);
        }
        stop
    }),
    direct("scratch-below", "a trap leaves a number in the cell before the partition", |it| {
        let stop = it.go();
        let cell = it.scene.first() - 1;
        if matches!(stop.why, Why::Trap(_)) {
            scribble(it.cpu, cell);
        }
        stop
    }),
];

/// Changes a cell, if there is one.
fn scribble(cpu: &mut Cpu, cell: u64) {
    if let Some(cell) = cpu.contents_mut().get_mut(cell as usize) {
        *cell ^= 1;
    }
}

/// The same for one trap only.
fn reflect_some(it: &mut Running<'_>, trap: usize, change: fn(&mut Raised, &mut u64)) -> Stop {
    let before = it.cpu.clone();
    let stop = it.go();
    match stop.why {
        Why::Trap(raised) if raised.trap.index() == trap => {
            *it.cpu = before;
            reflect(it, change)
        }
        _ => stop,
    }
}

/// Does something to the old PSW of a reflected trap.
fn saved(it: &mut Routine<'_>, cell: u64, change: fn(u64) -> u64) {
    if it.reflected().is_some() {
        it.change(cell, change);
    }
}

/// Wrong interpreter routines and reflections.
pub const ROUTINES: &[Bug] = &[
    routine("old-psw-displaced", "the old PSW is stored one cell too far", |it| {
        if it.reflected().is_some() {
            let cells = it.cpu.contents_mut();
            cells.copy_within(0..4, 1);
            cells[0] = it.before.load(0);
        }
    }),
    routine("old-psw-lost", "the old PSW is not stored", |it| {
        if it.reflected().is_some() {
            it.cpu.contents_mut()[..4].copy_from_slice(&it.before.contents()[..4]);
        }
    }),
    routine("new-psw-misplaced", "P comes from the cell of the old PSW", |it| {
        if it.reflected().is_some() {
            it.set("pc", it.cpu.load(1));
        }
    }),
    routine("new-psw-half", "a trap loads M and P but not R", |it| {
        if it.reflected().is_some() {
            it.set("base", it.old("base"));
            it.set("bound", it.old("bound"));
        }
    }),
    routine("saved-p-over", "the saved P is one too high", |it| {
        saved(it, 1, |p| p.wrapping_add(1));
    }),
    routine("saved-p-under", "the saved P is one too low", |it| {
        saved(it, 1, |p| p.wrapping_sub(1));
    }),
    routine("saved-p-real", "the saved P is relocated", |it| {
        if it.reflected().is_some() {
            let l = it.old("base");
            it.change(1, |p| p.wrapping_add(l));
        }
    }),
    routine("saved-mode-real", "the saved mode is the real one", |it| {
        saved(it, 0, |m| m | 1 << 31);
    }),
    routine("saved-relocation-real", "the saved relocation is the real one", |it| {
        if it.reflected().is_some() {
            let k = it.scene.first();
            it.change(2, |l| l + k);
        }
    }),
    routine("saved-bound-clipped", "the saved bound is the clipped one", |it| {
        if it.reflected().is_some() {
            let room = it.scene.size().saturating_sub(it.old("base"));
            it.change(3, |b| b.min(room));
        }
    }),
    routine("saved-argument-lost", "the old PSW has no argument", |it| {
        saved(it, 0, |m| m & !0xffff);
    }),
    routine("saved-code-wrong", "the old PSW names another trap", |it| {
        saved(it, 0, |m| m ^ 1 << 16);
    }),
    routine("stale-mode-reflected", "the virtual mode stays when a trap is reflected", |it| {
        if it.reflected().is_some() {
            it.set("mode", it.old("mode"));
        }
    }),
    routine("stale-mode-emulated", "the virtual mode stays when a PSW is loaded", |it| {
        if it.emulated() {
            it.set("mode", it.old("mode"));
        }
    }),
    routine("stale-r-emulated", "the virtual relocation stays when R is loaded", |it| {
        if it.emulated() {
            it.set("base", it.old("base"));
        }
    }),
    routine("lost-p", "P stays at the instruction that was emulated", |it| {
        if it.emulated() {
            it.set("pc", it.old("pc"));
        }
    }),
    routine("clobbered", "a routine uses register 7 for itself", |it| {
        let slot = it.scene.register("r").slot + 7;
        it.cpu.registers[slot] = 0;
    }),
    routine("real-relocation-read", "the guest reads the real relocation", |it| {
        let first = it.scene.register("r").slot;
        let (l, k) = (it.old("base"), it.scene.first());
        let emulated = it.emulated();
        for slot in (first..first + 8).filter(|_| emulated) {
            if it.cpu.registers[slot] != it.before.registers[slot] && it.cpu.registers[slot] == l {
                it.cpu.registers[slot] = (l + k) & u64::from(u32::MAX);
            }
        }
    }),
    routine("real-mode-read", "the guest reads the real mode", |it| {
        let first = it.scene.register("r").slot;
        let emulated = it.emulated();
        // `getmode` in supervisor mode leaves a 0 and changes nothing else.
        for slot in (first..first + 8).filter(|_| emulated) {
            let (now, old) = (it.cpu.registers[slot], it.before.registers[slot]);
            if now == 0 && old != 0 && it.old("base") != 0 && it.old("bound") != 0 {
                it.cpu.registers[slot] = 1;
            }
        }
    }),
    routine("output-lost", "what is written does not get to the guest's console", |it| {
        it.cpu.output.truncate(it.before.output.len());
    }),
    routine("output-doubled", "what is written is written twice", |it| {
        let new = it.cpu.output[it.before.output.len()..].to_vec();
        it.cpu.output.extend(new);
    }),
    routine("printed-lost", "the control block loses a component of R", |it| {
        it.set("printed", it.old("printed"));
    }),
    routine("still-waiting", "a reflected trap does not end waiting", |it| {
        if it.reflected().is_some() {
            it.set("waiting", it.old("waiting"));
        }
    }),
    routine("halt-lost", "a guest cannot halt", |it| it.set("halted", it.old("halted"))),
    routine("counted-twice", "a reflected trap counts twice", |it| {
        if let Some(trap) = it.reflected() {
            it.cpu.taken[trap] += 1;
        }
    }),
    routine("not-counted", "an emulated instruction does not count", |it| {
        if it.emulated() {
            it.stop.steps = 0;
        }
    }),
    routine("last-cell", "a routine leaves a number in the guest's last cell", |it| {
        it.change(it.scene.size() - 1, |w| w ^ 1);
    }),
];

/// Wrong changes between guests.
pub const SWITCHES: &[Bug] = &[
    Bug {
        name: "switch-register",
        says: "a register is not saved with the others",
        hidden: false,
        place: Place::Switch(|monitor, guest| {
            use refvmm::machine::Machine;
            let slot = monitor.hardware().cpu.registers.len() - 1;
            let general = monitor.layout().isa.register_ids().find(|(_, r)| r.count.is_some());
            let slot = general.and_then(|(id, _)| monitor.layout().slot(id, 3)).unwrap_or(slot);
            let kept = monitor.hardware().cpu.registers[slot];
            monitor.switch(guest);
            monitor.hardware().cpu.registers[slot] = kept;
        }),
    },
    Bug {
        name: "switch-counter",
        says: "P is not saved with the registers",
        hidden: false,
        place: Place::Switch(|monitor, guest| {
            use refvmm::machine::Machine;
            let bits = monitor.layout().counter[0];
            let kept = bits.get(&monitor.hardware().cpu.registers);
            monitor.switch(guest);
            bits.set(&mut monitor.hardware().cpu.registers, kept);
        }),
    },
    Bug {
        name: "switch-mapping",
        says: "the next guest runs in the window of the last one",
        hidden: false,
        place: Place::Switch(|monitor, guest| {
            use refvmm::machine::Machine;
            let kept = monitor.below().control().to_vec();
            monitor.switch(guest);
            monitor.below().set_control(&kept);
        }),
    },
    Bug {
        name: "switch-nobody",
        says: "every third switch is forgotten",
        hidden: false,
        place: Place::Switch(|monitor, guest| {
            if monitor.counts().direct % 3 != 2 {
                monitor.switch(guest);
            }
        }),
    },
];

/// All of them.
pub fn all() -> Vec<&'static Bug> {
    [ALLOCATOR, DIRECT, ROUTINES, SWITCHES].into_iter().flatten().collect()
}
