"""Has z3, cvc5 and bitwuzla answer the obligations that `analyze check SPEC --emit smt2=DIR` writes.

second_opinions.py check [--jobs N] [--limit S] [--patience S] [--partial] DIR...
    asks all three about every file below the directories, compares with `:status`, prints a table
second_opinions.py worker SOLVER S
    answers the files named on standard input, one line each, each within S seconds
second_opinions.py available
    prints the solvers whose Python modules are installed

A patience of 0 asks nobody twice. Exit codes: 0 no disagreement and, unless --partial, an outside
answer to everything; 1 otherwise; 2 could not run.
"""

import argparse
import collections
import hashlib
import importlib.util
import os
import pathlib
import re
import resource
import select
import subprocess
import sys
import threading
import time

SOLVERS = ("z3", "cvc5", "bitwuzla")
STATUS = re.compile(r"^\(set-info :status (sat|unsat|unknown)\)$", re.M)
LOGIC = re.compile(r"^\(set-logic (\w+)\)$", re.M)
DEFINITE = ("sat", "unsat")
# What one solver may use, in bytes.
MEMORY = 4 << 30


def read(path):
    """A file without its comments, and without the answer that it states."""
    text = pathlib.Path(path).read_text()
    return re.sub(r"^;.*\n", "", text, flags=re.M)


# The side that runs one solver


def z3(limit):
    import z3

    def ask(text):
        solver = z3.SolverFor(LOGIC.search(text).group(1))
        solver.set("timeout", int(limit * 1000))
        solver.from_string(text)
        return str(solver.check())

    return ask


def cvc5(limit):
    import cvc5

    def ask(text):
        solver = cvc5.Solver(cvc5.TermManager())
        solver.setOption("tlimit-per", str(int(limit * 1000)))
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "obligation")
        out = ""
        while not (command := parser.nextCommand()).isNull():
            out += command.invoke(solver, parser.getSymbolManager())
        return out.strip()

    return ask


def bitwuzla(limit):
    import bitwuzla

    def ask(text):
        options = bitwuzla.Options()
        options.set(bitwuzla.Option.TIME_LIMIT_PER, int(limit * 1000))
        parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
        # Our own call of check_sat is the only one: its result is returned.
        parser.parse(text.replace("(check-sat)\n(exit)\n", ""), True, False)
        return str(parser.bitwuzla().check_sat())

    return ask


def worker(solver, limit):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    ask = {"z3": z3, "cvc5": cvc5, "bitwuzla": bitwuzla}[solver](limit)
    for path in sys.stdin:
        try:
            # A stated answer must not reach the solver: some compare, none should know.
            answer = ask(STATUS.sub("", read(path.rstrip("\n"))))
            # `unknown (TIMEOUT)` is unknown.
            if answer.startswith("unknown"):
                answer = "unknown"
            elif answer not in DEFINITE:
                answer = "error " + answer
        except MemoryError:
            answer = "unknown"
        except Exception as error:  # whatever a solver throws is its answer
            answer = f"error {error!r}"
        print(" ".join(answer.split()), flush=True)
    return 0


def available():
    return [s for s in SOLVERS if importlib.util.find_spec(s) is not None]


# The side that asks


class Process:
    """A solver's process; it is started anew after it crashed or hung."""

    def __init__(self, solver, limit):
        self.solver, self.limit, self.process = solver, limit, None

    def ask(self, path):
        if self.process is None:
            command = [sys.executable, os.path.abspath(__file__), "worker", self.solver, str(self.limit)]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
            )
        line, deadline = b"", time.monotonic() + 2 * self.limit + 20
        try:
            self.process.stdin.write(f"{path}\n".encode())
            while not line.endswith(b"\n"):
                left = deadline - time.monotonic()
                ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
                if not ready:
                    self.stop()
                    return "unknown"
                more = self.process.stdout.read(4096)
                if not more:
                    raise BrokenPipeError
                line += more
        except BrokenPipeError:
            self.stop()
            return "crash"
        return line.decode().strip()

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def ask_all(questions, limit, jobs):
    """The answers to (solver, path) pairs, and the seconds each solver took."""
    waiting = collections.deque(questions)
    total = len(waiting)
    answers, seconds, lock = {}, collections.Counter(), threading.Lock()

    def run():
        processes = {s: Process(s, limit) for s in SOLVERS}
        while True:
            with lock:
                if not waiting:
                    break
                solver, path = waiting.popleft()
            begin = time.monotonic()
            answer = processes[solver].ask(path)
            with lock:
                answers[solver, path] = answer
                seconds[solver] += time.monotonic() - begin
                if len(answers) % 1000 == 0:
                    print(f"{len(answers)} of {total} questions", flush=True)
        for process in processes.values():
            process.stop()

    threads = [threading.Thread(target=run) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, seconds


def check(directories, limit, patience, jobs, partial):
    missing = [s for s in SOLVERS if s not in available()]
    if missing:
        print(f"missing: {', '.join(missing)}", file=sys.stderr)
        return 1
    # Formulas that differ in comments only are asked about once.
    formulas, obligations = {}, []
    for directory in directories:
        files = sorted(pathlib.Path(directory).rglob("*.smt2"))
        if not files:
            print(f"{directory}: no obligations", file=sys.stderr)
            return 2
        for path in files:
            text = read(path)
            key = hashlib.sha256(STATUS.sub("", text).encode()).digest()
            stated = STATUS.search(text).group(1)
            first = formulas.setdefault(key, str(path))
            obligations.append((pathlib.Path(directory).name, str(path), first, stated))
    paths = list(formulas.values())
    print(f"{len(obligations)} obligations, {len(paths)} distinct formulas, {limit:g} s each", flush=True)
    begin = time.monotonic()
    answers, seconds = ask_all([(s, p) for p in paths for s in SOLVERS], limit, jobs)
    silent = [p for p in paths if not any(answers[s, p] in DEFINITE for s in SOLVERS)]
    if silent and patience > 0:
        print(f"{len(silent)} without an answer are asked again, {patience:g} s each", flush=True)
        more, again = ask_all([(s, p) for p in silent for s in SOLVERS], patience, jobs)
        answers.update(more)
        seconds.update(again)

    failures, open_here, none = [], [], []
    table = collections.Counter()
    for name, path, first, stated in obligations:
        table[name, "all"] += 1
        given = {s: answers[s, first] for s in SOLVERS}
        definite = {s: a for s, a in given.items() if a in DEFINITE}
        for solver, answer in given.items():
            table[name, solver, answer if answer in DEFINITE else "unknown"] += 1
            if answer.startswith("error"):
                failures.append(f"{path}: {solver}: {answer}")
            elif answer == "crash":
                print(f"{path}: {solver} crashed")
        if len(set(definite.values()) | ({stated} & set(DEFINITE))) > 1:
            said = ", ".join(f"{s} {a}" for s, a in definite.items())
            failures.append(f"{path}: DISAGREEMENT: we say {stated}, {said}")
        if not definite:
            table[name, "none"] += 1
            none.append(path)
        elif stated == "unknown":
            said = ", ".join(f"{s} {a}" for s, a in definite.items())
            open_here.append(f"{path}: we left it open, {said}")

    names = list(dict.fromkeys(name for name, *_ in obligations))
    width = max(len(n) for n in (*names, "specification"))
    heads = "".join(f" {s:>20}" for s in SOLVERS)
    print(f"\n{'specification':{width}} {'all':>6}{heads}   none   (sat/unsat/unknown)")
    for name in names:
        cells = ("/".join(str(table[name, s, a]) for a in (*DEFINITE, "unknown")) for s in SOLVERS)
        row = "".join(f" {cell:>20}" for cell in cells)
        print(f"{name:{width}} {table[name, 'all']:>6}{row} {table[name, 'none']:>6}")
    spent = ", ".join(f"{s} {seconds[s]:.0f} s" for s in SOLVERS)
    print(f"\n{time.monotonic() - begin:.0f} s with {jobs} jobs: {spent}")
    for line in open_here:
        print(line)
    for path in none:
        print(f"{path}: no definite outside answer")
    for line in failures:
        print(line)
    print(f"{len(failures)} disagreements or errors, {len(none)} without an outside answer")
    return 1 if failures or (none and not partial) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("check")
    one.add_argument("directories", nargs="+", metavar="DIR")
    one.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    one.add_argument("--limit", type=float, default=10)
    one.add_argument("--patience", type=float, default=120)
    one.add_argument("--partial", action="store_true", help="obligations may be left without an answer")
    one = commands.add_parser("worker")
    one.add_argument("solver", choices=SOLVERS)
    one.add_argument("limit", type=float)
    commands.add_parser("available")
    it = parser.parse_args()
    if it.command == "check":
        return check(it.directories, it.limit, it.patience, it.jobs, it.partial)
    if it.command == "worker":
        return worker(it.solver, it.limit)
    print("\n".join(available()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
