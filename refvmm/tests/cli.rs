//! The command line: what it prints, exit codes, and that nothing is printed where it does not
//! belong.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use model::diagnostic::Sources;
use model::isa::Profile;
use refvmm::classification::{Answer, Classification, KeptBits, Theorems};

const G3: &str = "../isa-specs/g3.yaml";
const OS: &str = "guests/g3/os.s";
const HELLO: &str = "guests/g3/hello.s";

fn refvmm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_refvmm"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it exits by itself")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A path for a file of one test.
fn temporary(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("{}-{name}", std::process::id())).to_string_lossy().into_owned()
}

fn written(name: &str, text: &str) -> String {
    let path = temporary(name);
    std::fs::write(&path, text).expect("the temporary folder is writable");
    path
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).expect("the file is there")
}

/// The programs in a folder.
fn guests(isa: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new("guests").join(isa)).expect("the folder is there");
    let mut all: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    all.retain(|path| path.extension().is_some_and(|e| e == "s"));
    all.sort();
    all
}

#[test]
fn the_operating_system_prints_the_same_everywhere() {
    for options in [
        &[][..],
        &["--engine", "interpreter", "--cells", "1024"],
        &["--monitor", "vmm"],
        &["--monitor", "hybrid"],
        &["--monitor", "vmm", "--depth", "3"],
        &["--monitor", "hybrid", "--depth", "3"],
        &["--monitor", "vmm", "--depth", "64", "--cells", "1024"],
    ] {
        let output = refvmm(&[&["run", G3, OS], options].concat());
        assert_eq!(code(&output), 0, "{options:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), read("guests/g3/os.out"), "{options:?}");
        assert_eq!(stderr(&output), "halted after 3093 instructions\n", "{options:?}");
    }
}

#[test]
fn guests_print_what_is_expected_bare_and_monitored() {
    for isa in ["g3", "pdp10"] {
        let spec = format!("../isa-specs/{isa}.yaml");
        for guest in guests(isa) {
            let name = guest.file_stem().expect("a name").to_string_lossy().into_owned();
            if name.starts_with("kernel-") {
                continue;
            }
            let endless = ["no-vector", "trap-loop"].contains(&name.as_str());
            let path = guest.to_string_lossy();
            // Theorem 1 is refuted for the PDP-10.
            let monitor = if isa == "g3" { "vmm" } else { "hybrid" };
            for monitor in ["none", monitor] {
                let limit = if endless { "2000" } else { "0" };
                let arguments = ["run", &spec, &path, "--monitor", monitor, "--max-steps", limit];
                let output = refvmm(&arguments);
                assert_eq!(code(&output), if endless { 3 } else { 0 }, "{name}, {monitor}");
                assert_eq!(stdout(&output), read(guest.with_extension("out")), "{name}, {monitor}");
            }
        }
    }
}

#[test]
fn statistics_show_what_trapped() {
    let run = |options: &[&str]| {
        let output = refvmm(&[&["run", G3, OS, "--statistics"], options].concat());
        assert_eq!(code(&output), 0);
        stderr(&output)
    };
    insta::assert_snapshot!("statistics-bare", run(&[]));
    insta::assert_snapshot!("statistics-vmm", run(&["--monitor", "vmm"]));
    let nested = ["--monitor", "vmm", "--depth", "3", "--guests", "2"];
    insta::assert_snapshot!("statistics-nested", run(&nested));
}

#[test]
fn an_innocuous_program_never_enters_the_monitor() {
    let text = "
        .org  8
        li    r1, 1000
again:  addi  r1, r1, -1
        bne   r1, r0, ->again
        halt
";
    let guest = written("innocuous.s", text);
    let output = refvmm(&["run", G3, &guest, "--monitor", "vmm", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let guest = &report["statistics"]["guests"][0];
    assert_eq!(guest["instructions"], 2002);
    assert_eq!(guest["monitor"]["direct"], 2001);
    assert_eq!(guest["monitor"]["entries"]["privileged"], 1);
}

#[test]
fn lines_say_whose_they_are() {
    let options = ["--monitor", "vmm", "--guests", "3", "--quantum", "7"];
    let output = refvmm(&[&["run", G3, HELLO], &options[..]].concat());
    let lines: Vec<String> =
        (0..3).map(|i| format!("guest {i}: {}", read("guests/g3/hello.out"))).collect();
    assert_eq!(stdout(&output), lines.concat());
    assert_eq!(stderr(&output).lines().count(), 3);
}

#[test]
fn json_has_the_keys_of_the_contract() {
    let output = refvmm(&["run", G3, HELLO, "--monitor", "vmm", "--format", "json"]);
    insta::assert_snapshot!("run-json", stdout(&output));
    assert!(output.stderr.is_empty());
    let traced = refvmm(&["trace", G3, HELLO, "--from", "3", "--steps", "1", "--format", "json"]);
    insta::assert_snapshot!("trace-json", stdout(&traced));
}

#[test]
fn a_trace_shows_what_instructions_do() {
    let arguments = ["trace", G3, OS, "--monitor", "vmm", "--from", "1006", "--steps", "14"];
    insta::assert_snapshot!("trace", stdout(&refvmm(&arguments)));
    let end = refvmm(&["trace", G3, HELLO, "--from", "126"]);
    assert_eq!(code(&end), 0);
    insta::assert_snapshot!("trace-end", stdout(&end));
}

/// Enters user mode without a trap; what follows shows in which mode the guest thinks it is.
const JRST1: &str = "
        .org    8
        li      r1, trap
        sw      r1, 5(r0)
        getr    r1, r2
        sw      r2, 7(r0)
        li      r1, user
        jrst1   r1
user:   li      r5, 'u'
        out     r5
        halt
trap:   li      r5, 't'
        out     r5
        halt
";

#[test]
fn a_square_that_does_not_commute_is_shown() {
    let guest = written("jrst1.s", JRST1);
    let spec = "../isa-specs/g3-jrst1.yaml";
    let output = refvmm(&["compare", spec, &guest, "--anyway"]);
    assert_eq!(code(&output), 1);
    insta::assert_snapshot!("compare", stdout(&output));
    let output = refvmm(&["compare", spec, &guest, "--anyway", "--depth", "2", "--format", "json"]);
    assert_eq!(code(&output), 1);
    insta::assert_snapshot!("compare-json", stdout(&output));
    let output = refvmm(&["compare", spec, &guest, "--monitor", "hybrid"]);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).starts_with("no difference in 11 instructions\n"));
    let jrst1 = ["compare", "../isa-specs/pdp10.yaml", "guests/pdp10/jrst1.s"];
    assert_eq!(code(&refvmm(&jrst1)), 2);
    let output = refvmm(&[&jrst1[..], &["--anyway"]].concat());
    assert_eq!(code(&output), 1);
    insta::assert_snapshot!("compare-pdp10", stdout(&output));
}

#[test]
fn programs_are_listed_and_read_back() {
    insta::assert_snapshot!("asm", stdout(&refvmm(&["asm", G3, HELLO])));
    let snapshot = temporary("asm.vm");
    assert_eq!(code(&refvmm(&["asm", G3, HELLO, "-o", &snapshot])), 0);
    let run = refvmm(&["run", G3, &snapshot]);
    assert_eq!(stdout(&run), read("guests/g3/hello.out"));
    let cells = ["--from", "0xc", "--cells", "4"];
    insta::assert_snapshot!(
        "disasm",
        stdout(&refvmm(&[&["disasm", G3, HELLO], &cells[..]].concat()))
    );
    let from_snapshot = refvmm(&[&["disasm", G3, &snapshot], &cells[..]].concat());
    assert_eq!(stdout(&from_snapshot).lines().count(), 4);
}

#[test]
fn a_snapshot_goes_on_elsewhere() {
    let file = temporary("os.vm");
    let first = refvmm(&["snapshot", G3, OS, "--at", "1234", "-o", &file, "--monitor", "hybrid"]);
    assert_eq!(code(&first), 0, "{}", stderr(&first));
    for options in [&[][..], &["--monitor", "vmm", "--depth", "2"]] {
        let rest = refvmm(&[&["restore", G3, &file], options].concat());
        assert_eq!(code(&rest), 0);
        assert_eq!(stdout(&first) + &stdout(&rest), read("guests/g3/os.out"));
    }
    // Clones.
    let clones = refvmm(&["restore", G3, &file, "--monitor", "vmm", "--guests", "2"]);
    assert_eq!(stdout(&clones).matches("all done").count(), 2);
    let later = temporary("later.vm");
    let second = refvmm(&["snapshot", G3, &file, "--at", "2000", "-o", &later]);
    let rest = refvmm(&["restore", G3, &later]);
    let all = stdout(&first) + &stdout(&second) + &stdout(&rest);
    assert_eq!(all, read("guests/g3/os.out"));
    for arguments in [
        ["snapshot", G3, &later, "--at", "1999", "-o", &file],
        ["snapshot", G3, HELLO, "--at", "130", "-o", &temporary("not-written.vm")],
    ] {
        let output = refvmm(&arguments);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).starts_with("the guest "), "{}", stderr(&output));
    }
    assert!(!Path::new(&temporary("not-written.vm")).exists());
}

/// Gives a stepper commands.
fn step(arguments: &[&str], commands: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_refvmm"))
        .arg("step")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(commands.as_bytes()).expect("it reads");
    drop(stdin);
    stdout(&child.wait_with_output().expect("it ends"))
}

#[test]
fn a_stepper_goes_both_ways() {
    let commands = "s 4\nb 2\ns\nr\nm 8 5\nu 3\ng 100000\nb\nx\ng -1\nq\n";
    insta::assert_snapshot!("step", step(&[G3, HELLO], commands));
    // Far back, over many checkpoints, under a monitor.
    let there = step(&[G3, "guests/g3/kernel-traps.s", "--at", "150"], "r\n");
    let back = step(
        &[G3, "guests/g3/kernel-traps.s", "--monitor", "vmm", "--cells", "16384"],
        "g 300000\ng 150\nr\n",
    );
    assert!(there.lines().count() > 3 && back.ends_with(&there), "{back}\n{there}");
}

#[test]
fn what_cannot_run_exits_2_with_a_message() {
    let broken = written("broken.s", "foo r1\n li r9, 3\n");
    let far = written("far.s", ".org 60000\nhalt\n");
    let foreign = written("foreign.vm", "refvmm snapshot 1\nsha256 0\n{}\n");
    let copy = written("copy.yaml", &read(G3));
    let cases: &[&[&str]] = &[
        &[],
        &["run", G3],
        &["run", G3, "no-such-guest.s"],
        &["run", "no-such-spec.yaml", OS],
        &["run", "../isa-specs/x86-legacy.yaml", OS],
        &["run", G3, &broken],
        &["run", G3, &far],
        &["run", G3, &foreign],
        &["run", G3, env!("CARGO_BIN_EXE_refvmm")],
        &["run", G3, OS, "--cells", "0"],
        &["run", G3, OS, "--cells", "100"],
        &["run", G3, OS, "--cells", "65537"],
        &["run", G3, OS, "--cells", "65536", "--monitor", "vmm"],
        &["run", G3, OS, "--monitor", "vmm", "--guests", "5"],
        &["run", G3, OS, "--guests", "2"],
        &["run", G3, OS, "--monitor", "vmm", "--depth", "65"],
        &["run", G3, OS, "--monitor", "vmm", "--quantum", "0"],
        &["run", G3, OS, "--engine", "steam"],
        &["run", &copy, OS, "--monitor", "vmm"],
        &["run", G3, OS, "--monitor", "vmm", "--classification", OS],
        &["run", "../isa-specs/pdp10.yaml", "guests/pdp10/sum.s", "--monitor", "vmm"],
        &["restore", G3, OS],
        &["asm", G3, &foreign],
        &["compare", G3, OS, "--monitor", "none"],
        &["snapshot", G3, OS, "--at", "1", "-o", "/no/such/folder/os.vm"],
    ];
    for arguments in cases {
        let output = refvmm(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_monitor_needs_grounds() {
    let stale = "../isa-specs/g3-lra.classification.json";
    let output = refvmm(&["run", G3, OS, "--monitor", "vmm", "--classification", stale]);
    insta::assert_snapshot!("stale-grounds", stderr(&output));
    let jrst1 = ["run", "../isa-specs/pdp10.yaml", "guests/pdp10/jrst1.s", "--monitor", "vmm"];
    insta::assert_snapshot!("refused", stderr(&refvmm(&jrst1)));
    let anyway = refvmm(&[&jrst1[..], &["--anyway"]].concat());
    assert_eq!((code(&anyway), stdout(&anyway)), (0, "data 2\n".to_owned()));
}

/// Sets USER and USERIO by JRSTF, and stores the PC word: a user program on the real machine with
/// USERIO off sees another one.
const USERIO: &str = "
        .org  0o140
        datao 0, 0, 0, low          ; R: 1024 cells from cell 0
        jrst  2, 1, 0, word
user:   jsp   1, 0, 0, next
next:   datao 1, 0, 0, 1
        jrst  4, 0, 0, .
word:   .word 0o14 << 27 | user
low:    .word 0
";

#[test]
fn a_guest_that_breaks_a_watched_assumption_is_stopped() {
    let guest = written("userio.s", USERIO);
    let ka10 = "../isa-specs/pdp10-ka10.yaml";
    let run = |options: &[&str]| refvmm(&[&["run", ka10, &guest], options].concat());
    let bare = run(&[]);
    assert_eq!(code(&bare), 0, "{}", stderr(&bare));
    let sentence =
        "assumption `user-io-off` (mode == executive || userio == 0) is broken at instruction 2\n";
    for depth in ["1", "2"] {
        let output = run(&["--monitor", "hybrid", "--depth", depth]);
        assert_eq!((code(&output), stderr(&output).as_str()), (2, sentence));
        assert!(stdout(&output).is_empty());
    }
    let compared = refvmm(&["compare", ka10, &guest, "--monitor", "hybrid"]);
    assert_eq!((code(&compared), stderr(&compared).as_str()), (2, sentence));
    let file = temporary("userio.vm");
    let snapshot = ["snapshot", ka10, &guest, "--monitor", "hybrid", "--at", "4", "-o", &file];
    assert_eq!(code(&refvmm(&snapshot)), 2);
    let json = run(&["--monitor", "hybrid", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((code(&json), &report["ends"][0]["ended"]), (2, &"broken".into()));
    // Why: without a condition the guest can tell.
    let anyway = refvmm(&["compare", ka10, &guest, "--monitor", "hybrid", "--anyway"]);
    assert_eq!(code(&anyway), 1);
}

/// A guest that halts the real machine, and not its own, stands still: nothing more is run or shown.
#[test]
fn a_trace_ends_where_the_real_machine_has_halted() {
    let original = read("../isa-specs/g3.yaml");
    let open =
        original.replacen("      privileged_only();\n      halted = 1;", "      halted = 1;", 1);
    assert_ne!(original, open, "HALT is privileged");
    let spec = written("halts.yaml", &open);
    let guest = written("halts.s", "        .org 8\n        halt\n        halt\n");
    let options = ["trace", &spec, &guest, "--monitor", "vmm", "--anyway", "--steps", "9"];
    let output = refvmm(&options);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("not run: the real machine has halted"), "{text}");
}

#[test]
fn a_window_beyond_storage_is_refused_where_the_verdict_needs_it() {
    let stb = "../isa-specs/g3-stb.yaml";
    let run = |spec: &str, options: &[&str]| refvmm(&[&["run", spec, OS], options].concat());
    let output = run(stb, &["--monitor", "vmm"]);
    assert_eq!(code(&output), 2);
    let message = stderr(&output);
    let end = "the guest's window ends at cell 65536, beyond its 16384 cells: \
               the verdict assumes l + b <= w (profile refined); ";
    assert!(message.starts_with("at instruction ") && message.contains(end), "{message}");
    // The hybrid monitor interprets the code that has this window; what runs directly has a smaller one.
    let (bare, hybrid) = (run(stb, &[]), run(stb, &["--monitor", "hybrid"]));
    assert_eq!((code(&bare), code(&hybrid)), (0, 0));
    assert_eq!(stdout(&bare), stdout(&hybrid));
    assert_eq!(code(&run(G3, &["--monitor", "vmm"])), 0);
}

/// The toy machine with more components and instructions, and what is said to be known of it.
fn overlaid(name: &str, state: &str, instructions: &str, vmm: &Answer) -> String {
    let text = read(G3)
        .replace("  printed: {role", &format!("{state}  printed: {{role"))
        .replace("  # Privileged\n", &format!("{instructions}  # Privileged\n"));
    let spec = written(&format!("{name}.yaml"), &text);
    let mut sources = Sources::default();
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let isa = model::load(&spec, &open, &mut sources).expect("the specification loads").isa;
    let pair = Theorems {
        supervisor: "supervisor".into(),
        user: "user".into(),
        vmm: vmm.clone(),
        hvmm: vmm.clone(),
    };
    let known = Classification::new(&isa, &sources, Profile::Extended, vec![pair]);
    written(&format!("{name}.classification.json"), &known.text());
    spec
}

fn answer(verdict: &str) -> Answer {
    Answer {
        verdict: verdict.into(),
        offending: Vec::new(),
        gap: false,
        obstacles: Vec::new(),
        keeps: Vec::new(),
        watches: Vec::new(),
        loses: Vec::new(),
    }
}

/// While a bit is 0, user mode sees a resource without a trap.
const PEEK: &str = r#"
  peek:
    encoding: "1000 0110 d[3] --- -- ---- ---- ---- ----"
    syntax: "peek d"
    semantics: |
      require mode == supervisor || lock[5] == 0 else trap(privileged);
      r[d] = secret;
  hide:
    encoding: "1000 0111 --- s[3] -- ---- ---- ---- ----"
    syntax: "hide s"
    semantics: |
      privileged_only();
      secret = r[s];

"#;

const PEEKING: &str = "
        .org  4
        .word 0, trap, 0, 4096
        .org  8
        li    r1, 'k'
        hide  r1
        peek  r2
        out   r2
        lpsw  there(r0)
there:  .word 1 << 31, user, 0, 4096
user:   peek  r3
        svc   0
trap:   out   r3
        halt
";

#[test]
fn kept_bits_are_kept_in_the_real_machine() {
    let state = "  lock: {role: R, kind: resource, width: 32}\n  secret: {role: R, kind: resource, width: 32}\n";
    let bit = |value: &str| {
        let (component, value) = ("lock".to_owned(), value.to_owned());
        vec![KeptBits { component, low: 5, width: 1, value }]
    };
    let spec = overlaid("kept", state, PEEK, &Answer { keeps: bit("1"), ..answer("holds") });
    let guest = written("peeking.s", PEEKING);
    for options in [
        &[][..],
        &["--monitor", "vmm"],
        &["--monitor", "hybrid"],
        &["--monitor", "vmm", "--depth", "3"],
        &["--monitor", "hybrid", "--depth", "2"],
    ] {
        let output = refvmm(&[&["run", &spec, &guest], options].concat());
        assert_eq!((code(&output), stdout(&output).as_str()), (0, "kk"), "{options:?}");
    }
    assert_eq!(code(&refvmm(&["compare", &spec, &guest, "--depth", "2"])), 0);
    // The other value shows the difference, and what is no bit is refused.
    let spec = overlaid("other", state, PEEK, &Answer { keeps: bit("0"), ..answer("holds") });
    assert_eq!(code(&refvmm(&["compare", &spec, &guest])), 1);
    let spec = overlaid("none", "", "", &Answer { keeps: bit("1"), ..answer("holds") });
    let output = refvmm(&["run", &spec, HELLO, "--monitor", "vmm"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("`lock`"), "{}", stderr(&output));
}

/// A store past the mapping.
const GHOST: &str = r#"
  ghost:
    encoding: "1000 0001 --- s[3] t[3] - ---- ---- ---- --"
    syntax: "ghost s, t"
    semantics: |
      if r[s] < base { phys[r[s]] = r[t]; }

"#;

/// Clears every cell before its own storage; on the bare machine there are none.
const ERASER: &str = "
        .org  8
        li    r1, 0
        lui   r3, 1
loop:   ghost r4, r1
        addi  r4, r4, 1
        bne   r4, r3, ->loop
        halt
";

#[test]
fn what_stands_in_the_way_of_a_monitor_is_named() {
    let obstacle = "not confined in user mode: ghost";
    let open = Answer { gap: true, obstacles: vec![obstacle.into()], ..answer("undecided") };
    let spec = overlaid("ghost", "", GHOST, &open);
    let guest = written("eraser.s", ERASER);
    for command in ["run", "compare"] {
        let arguments = [command, &spec, &guest, "--monitor", "vmm"];
        let output = refvmm(&arguments);
        assert_eq!(code(&output), 2, "{command}");
        let message = stderr(&output);
        assert!(message.contains(obstacle) && message.contains("a gap"), "{message}");
        let anyway = refvmm(&[&arguments[..], &["--anyway"]].concat());
        assert_eq!(code(&anyway), 0, "{command}: {}", stderr(&anyway));
    }
}

#[test]
fn classifications_of_other_formats_are_refused() {
    let old = written("old.json", "{\"classification\": 1, \"isa\": \"g3\"}\n");
    let output = refvmm(&["run", G3, OS, "--monitor", "vmm", "--classification", &old]);
    assert_eq!(code(&output), 2);
    let message = stderr(&output);
    assert!(message.contains("classification format 1; this program reads 2"), "{message}");
}

#[test]
fn what_nobody_specifies_is_undecided() {
    let text = read(G3);
    let open = text.replace("unlisted: \"trap(illegal);\"", "unlisted: unpredictable");
    let from = text.find("    semantics: |\n      r[d] = imm :: 0u16").expect("lui has semantics");
    let to = from + text[from..].find("    expect:").expect("and an expectation");
    let end = to + text[to..].find('\n').expect("a line");
    let empty = format!("{}{}", &text[..from], &text[end + 1..]);
    for (name, text, instruction, who) in [
        ("open.yaml", open, ".word 0xff000000", "architecture"),
        ("empty.yaml", empty, "lui 1, 3", "specification"),
    ] {
        let spec = written(name, &text);
        let guest = written("open.s", &format!(".org 8\n li r1, 1\n {instruction}\n"));
        let output = refvmm(&["run", &spec, &guest]);
        assert_eq!(code(&output), 3);
        let why = format!("the {who} does not say what the next one does, {instruction}\n");
        let message = format!("stopped after 1 instruction: {why}");
        assert!(stderr(&output).ends_with(&message), "{}", stderr(&output));
        let traced = refvmm(&["trace", &spec, &guest]);
        assert_eq!(code(&traced), 3);
        let last = stdout(&traced).lines().last().unwrap_or_default().to_owned();
        let why = format!("the {who} does not say what this does");
        assert!(last.contains(instruction) && last.ends_with(&why), "{last}");
    }
    let exact = refvmm(&["run", G3, HELLO, "--max-steps", "129"]);
    assert_eq!((code(&exact), stderr(&exact).as_str()), (0, "halted after 129 instructions\n"));
    let stopped = refvmm(&["run", G3, HELLO, "--max-steps", "128"]);
    assert_eq!(code(&stopped), 3);
    let stopped = refvmm(&["run", G3, "guests/g3/trap-loop.s", "--max-steps", "100"]);
    assert_eq!(code(&stopped), 3);
}

#[test]
fn single_steps_are_a_line_each() {
    let lines = [
        r#"{"class": "add", "operands": {"d": 1, "s": 2, "t": 3}, "registers": {"r": {"2": 5, "3": "0x10"}}}"#,
        r#"{"registers": {"pc": 8, "mode": 1, "bound": 100}, "storage": {"8": "0x02200000"}}"#,
        r#"{"registers": {"pc": 8, "mode": 1, "bound": 4}}"#,
        r#"{"class": "ad"}"#,
        r#"{"class": "add", "registers": {"r": {"8": 1}}}"#,
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_refvmm"))
        .args(["eval", G3])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(lines.join("\n").as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 2);
    insta::assert_snapshot!(stdout(&output));
}

#[test]
fn an_entry_is_where_a_program_starts() {
    let guest =
        written("entry.s", ".entry there\n.org 8\n halt\nthere: li r1, 'x'\n out r1\n halt\n");
    assert_eq!(stdout(&refvmm(&["run", G3, &guest])), "x");
    assert_eq!(stdout(&refvmm(&["run", G3, &guest, "--monitor", "vmm"])), "x");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_refvmm"))
        .args(["trace", G3, "guests/g3/trap-loop.s", "--max-steps", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}
