//! A running virtual machine is a file: it goes on anywhere, and a damaged file is refused.

use std::fmt::Write;
use std::sync::Arc;

use model::diagnostic::Sources;
use model::state::State;
use proptest::prelude::*;
use refvmm::asm::assemble;
use refvmm::classification::fingerprint;
use refvmm::computer::{Authorization, Computer, EngineKind, Progress, Setup};
use refvmm::layout::MachineLayout;
use refvmm::machine;
use refvmm::snapshot::Snapshot;
use refvmm::vmm::Kind;
use sha2::{Digest, Sha256};

/// A machine, the fingerprint of its specification, and a program.
struct Case {
    layout: Arc<MachineLayout>,
    specification: String,
    image: Vec<(u128, u128)>,
    /// Most instructions.
    limit: u64,
}

/// How a run ended, and everything that was printed.
#[derive(Debug, PartialEq)]
struct End {
    progress: Progress,
    state: State,
    taken: Vec<u64>,
    output: Vec<u64>,
}

const CELLS: u64 = 2048;

fn case(isa: &str, guest: &str, limit: u64) -> Case {
    let folder = env!("CARGO_MANIFEST_DIR");
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let mut sources = Sources::default();
    let loaded = model::load(&format!("{folder}/../isa-specs/{isa}.yaml"), &open, &mut sources);
    let isa = loaded.expect("the specification loads").isa;
    let name = format!("{folder}/guests/{}/{guest}.s", isa.name);
    let text = open(&name).expect("the guest is there");
    let image = assemble(&isa, &name, &text, &mut Sources::default()).expect("it assembles");
    Case {
        layout: MachineLayout::new(isa).expect("it runs guests"),
        specification: fingerprint(&sources),
        image: image.cells.into_iter().collect(),
        limit,
    }
}

/// Where a guest may run.
fn setups() -> Vec<Setup> {
    let bare = Setup::bare(EngineKind::default(), CELLS);
    let monitored = |kind, depth| Setup { monitor: Some(kind), depth, ..bare };
    vec![
        bare,
        monitored(Kind::Vmm, 1),
        monitored(Kind::Hybrid, 1),
        monitored(Kind::Vmm, 3),
        monitored(Kind::Hybrid, 2),
    ]
}

impl Case {
    fn computer(&self, setup: Setup) -> Computer {
        let pair = &self.layout.isa.pairs[0];
        setup.build(&self.layout, Authorization::Unchecked(pair)).expect("it fits")
    }

    fn boot(&self, setup: Setup) -> Computer {
        let mut computer = self.computer(setup);
        computer.boot(&self.image);
        computer
    }

    fn text(&self, snapshot: &Snapshot) -> String {
        snapshot.text(&self.layout.isa, &self.specification).expect("it is not too large")
    }

    fn read(&self, bytes: &[u8]) -> Result<Snapshot, String> {
        Snapshot::read(bytes, &self.layout.isa, &self.specification)
    }

    fn end(&self, mut computer: Computer) -> End {
        computer.run(self.limit, self.limit, 1);
        End {
            progress: computer.progress()[0],
            state: computer.state(),
            taken: machine::taken(computer.machine()),
            output: machine::output(computer.machine()),
        }
    }

    /// Runs to an instruction on one machine, and on from a file on another.
    fn interrupted(&self, at: u64, first: Setup, then: Setup) -> End {
        let mut computer = self.boot(first);
        computer.advance(at);
        let text = self.text(&Snapshot::take(&mut computer));
        let snapshot = self.read(text.as_bytes()).expect("what was written is read");
        assert_eq!(self.text(&snapshot), text);
        let mut computer = self.computer(then);
        snapshot.restore(&mut computer).expect("it fits");
        self.end(computer)
    }
}

#[test]
fn a_small_guest_goes_on_from_every_instruction() {
    let case = case("g3", "hello", 1000);
    let bare = setups()[0];
    let whole = case.end(case.boot(bare));
    for at in 0..=whole.progress.steps + 1 {
        assert_eq!(case.interrupted(at, bare, bare), whole, "from {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_rest_of_a_run_is_the_same_anywhere(
        guest in 0..6usize,
        part in 0..1000u64,
        first in 0..5usize,
        then in 0..5usize,
    ) {
        let cases = [
            ("g3", "os", 4000),
            ("g3", "exceptions", 4000),
            ("g3", "self-modifying", 4000),
            ("g3", "wild-store", 4000),
            ("g3", "trap-loop", 500),
            ("pdp10", "factorial", 4000),
        ];
        let (isa, name, limit) = cases[guest];
        let case = case(isa, name, limit);
        let setups = setups();
        let whole = case.end(case.boot(setups[0]));
        let at = whole.progress.steps * part / 1000;
        prop_assert_eq!(case.interrupted(at, setups[first], setups[then]), whole);
    }
}

#[test]
fn no_damaged_file_is_read() {
    let case = case("g3", "hello", 1000);
    let mut computer = case.boot(setups()[0]);
    computer.advance(50);
    let text = case.text(&Snapshot::take(&mut computer));
    let bytes = text.as_bytes();
    for i in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.to_vec();
            damaged[i] ^= 1 << bit;
            assert!(case.read(&damaged).is_err(), "bit {bit} of byte {i}");
        }
        assert!(case.read(&bytes[..i]).is_err(), "{i} bytes");
    }
    for more in ["\n", " ", "{}"] {
        assert!(case.read(format!("{text}{more}").as_bytes()).is_err(), "{more:?}");
    }
}

/// A file with another text behind the checksum, which is right.
fn forged(text: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(text.contains(from), "{from}");
    let mut lines = text.splitn(3, '\n');
    let (head, _, body) = (lines.next(), lines.next(), lines.next());
    let (head, body) = (head.expect("a head"), body.expect("a body").replacen(from, to, 1));
    let mut file = format!("{head}\nsha256 ");
    for byte in Sha256::digest(format!("{head}\n{body}")) {
        write!(file, "{byte:02x}").expect("text");
    }
    format!("{file}\n{body}").into_bytes()
}

#[test]
fn what_fits_no_machine_is_refused() {
    let case = case("g3", "hello", 1000);
    let mut computer = case.boot(setups()[0]);
    let text = case.text(&Snapshot::take(&mut computer));
    assert!(case.read(&forged(&text, "\"mode 0\"", "\"mode 1\"")).is_ok());
    for (from, to) in [
        ("\"isa\": \"g3\"", "\"isa\": \"g4\""),
        ("\"mode 0\"", "\"mode 2\""),
        ("\"mode 0\"", "\"mode \""),
        ("\"mode 0\"", "\"mode +0\""),
        ("\"mode 0\"", "\"mode 0 0\""),
        ("\"mode 0\"", "\"mood 0\""),
        ("\"mode 0\",", ""),
        ("\"r 0 0", "\"r 0"),
        ("\"svc 0\"", "\"svc ffffffffffffffff\""),
        ("\"svc 0\"", "\"svc\""),
        ("\"steps\": 0", "\"steps\": 18446744073709551615"),
        ("\"steps\": 0", "\"steps\": -1"),
        ("\"cells\": 2048", "\"cells\": 20"),
        ("\"cells\": 2048", "\"cells\": 7"),
        ("\"cells\": 2048", "\"cells\": 65537"),
        ("\"8 0", "\"fffffffffffffff8 0"),
        ("\"8 0", "\"7f0 0"),
        ("\"8 0", "\"8 "),
        ("\"8 0", "\"8 g"),
        ("\"8 0", "\"8 00000000\", \"8 0"),
        ("\"8 0", "\"8 \", \"8 0"),
        ("\"output\": []", "\"output\": [-1]"),
        ("\"output\": [],", ""),
        ("\"output\": []", "\"output\": [], \"output\": []"),
        ("\"output\": []", "\"output\": [], \"more\": 1"),
    ] {
        let read = case.read(&forged(&text, from, to));
        assert!(read.is_err(), "{to} for {from}");
    }
    let isa = &case.layout.isa;
    let other = Snapshot::read(text.as_bytes(), isa, "another");
    let message = "the snapshot is of another version of the specification of `g3`";
    assert_eq!(other, Err(message.to_owned()));
    let newer = text.replacen("snapshot 1\n", "snapshot 2\n", 1);
    assert_eq!(
        case.read(newer.as_bytes()),
        Err("snapshot format 2; this program reads 1".to_owned())
    );
}

#[test]
fn a_snapshot_wants_as_many_cells_as_it_has() {
    let case = case("g3", "hello", 1000);
    let snapshot = Snapshot::take(&mut case.boot(setups()[0]));
    let larger = Setup { cells: CELLS + 1, ..setups()[0] };
    let error = "the snapshot has 2048 cells, the virtual machine 2049";
    assert_eq!(snapshot.restore(&mut case.computer(larger)), Err(error.to_owned()));
}
