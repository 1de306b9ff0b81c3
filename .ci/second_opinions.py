"""Has z3, cvc5 and bitwuzla answer the obligations that `analyze check SPEC --emit smt2=DIR` writes.

second_opinions.py check [--jobs N] [--limit S] [--patience S] [--partial] [--all] [--update] DIR...
    asks all three about every distinct formula below the directories, S seconds each; then, about what
    is left without an answer, along hints (below) up to `patience` seconds each; compares with
    `:status`, prints a table. Questions about saving registers are left out. What these versions of the solvers have answered before stands in the
    ledger `outside_answers.txt`: of that one formula in twenty is asked about again, and which ones
    changes with the ledger. --all asks about everything; --update adds the answers to the ledger,
    and with --all drops the formulas that are no longer there
second_opinions.py worker WAY S
    answers the files named on standard input, one line each, each within S seconds
second_opinions.py available
    prints the solvers whose Python modules are installed

The ways: `z3`, `cvc5` and `bitwuzla` as they are; `led` is bitwuzla, and cvc5 translating vectors to
integers, which sees at once that (l + a) - l is a, with what the comments of a file say. Values of a model
are tried first: a formula that has a model with them has one. A hint names two values and the conditions
of two paths: where both are taken, the values should be equal. It is believed only after a solver has
found no model of the premises, what was believed before and its negation. Where the answer is `unsat`, a
part of a formula may stand for it, and arbitrary values for products and quotients, equal ones for equal
operands. So the last answer is an answer about the formula, and nothing of ours is trusted but the formula.

A patience of 0 leads nobody. Exit codes: 0 no disagreement and, unless --partial, an outside
answer to everything; 1 otherwise; 2 could not run.
"""

import argparse
import collections
import hashlib
import importlib.metadata
import importlib.util
import itertools
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
WAYS = (*SOLVERS, "led")
COLUMNS = (*WAYS, "ledger")
PACKAGES = ("z3-solver", "cvc5", "bitwuzla")
STATUS = re.compile(r"^\(set-info :status (sat|unsat|unknown)\)$", re.M)
# What saves registers (Theorem 2 is open either way): formulas about a dozen guests at once, for which there are no hints.
LEFT_OUT = re.compile(r"^; question: save/", re.M)
LOGIC = re.compile(r"^\(set-logic (\w+)\)$", re.M)
DEFINITE = ("sat", "unsat")
# What one solver may use, in bytes.
MEMORY = 4 << 30
LEDGER = pathlib.Path(__file__).with_name("outside_answers.txt")
# One formula of so many in the ledger is asked about again.
SAMPLE = 20


def read(path):
    """A file without its comments."""
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


def cvc5(limit, **options):
    import cvc5

    def ask(text):
        solver = cvc5.Solver(cvc5.TermManager())
        for name, value in options.items():
            solver.setOption(name.replace("_", "-"), value)
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


def integers(limit):
    return cvc5(limit, solve_bv_as_int="sum")


SYMBOL = re.compile(r"\b[ven]\d+\b")
VALUE = re.compile(r"^; value (\S+) (\S+)$", re.M)
HINT = re.compile(r"^; hint (\S+) (\S+)((?: \S+)*)$", re.M)
VECTOR = re.compile(r"\(_ BitVec \d+\)")
BIT = "(_ BitVec 1)"
# An assertion that what is alike has equal values: those are its last two symbols.
CONGRUENCE = "(assert (=> "
PRODUCT = re.compile(r"\(define-fun (\w+) \(\) (.*) \((bvmul|bv[us]div|bv[us]rem) ([ven]\d+) ([ven]\d+)\)\)")


class Led:
    """A formula, and the hints that turned out to follow from its premises."""

    def __init__(self, text):
        self.lines, self.parts, self.place = {}, {}, {}
        self.congruences, self.roots = [], []
        products = collections.defaultdict(list)
        for line in text.splitlines():
            symbols = SYMBOL.findall(line)
            if line.startswith(("(declare-const ", "(define-fun ")):
                name, *self.parts[symbols[0]] = symbols
                if product := PRODUCT.fullmatch(line):
                    name, vector, operator, *operands = product.groups()
                    line = f"(declare-const {name} {vector})"
                    alike = products[operator, vector]
                    for same, others in alike:
                        equal = " ".join(f"(= {a} {b})" for a, b in zip(operands, others))
                        congruence = f"(assert (=> (and {equal}) (= {name} {same})))"
                        self.congruences.append((congruence, others, [name, same]))
                    alike.append((name, operands))
                self.lines[name] = line
                self.place[name] = len(self.place)
            elif line.startswith(CONGRUENCE):
                self.congruences.append((line, symbols[:-2], symbols[-2:]))
            elif line.startswith("(assert "):
                self.roots.append(line)
        self.logic = LOGIC.search(text).group(0)
        # Conditions and indices.
        self.kept = {name for name, line in self.lines.items() if VECTOR.search(line).group() == BIT}
        self.kept.update(index for _, indices, _ in self.congruences for index in indices)
        self.hints = [(a, b, paths.split()) for a, b, paths in HINT.findall(text)]
        self.believed = {}
        # The pairs of these, in any order.
        self.alike = set()

    def flat(self, symbol, operator):
        """What some nested `bvand` or `bvor` are made of."""
        whole = re.search(rf" \({operator} ([ven]\d+) ([ven]\d+)\)\)$", self.lines[symbol])
        return [x for part in whole.groups() for x in self.flat(part, operator)] if whole else [symbol]

    def goals(self):
        """Assertions that have no model if and only if the last one has none: a conjunction with an
        alternative is one of two conjunctions."""
        conjuncts = self.flat(SYMBOL.findall(self.roots[-1])[0], "bvand")
        split = max(conjuncts, key=lambda x: len(self.flat(x, "bvor")))
        rest = [x for x in conjuncts if x != split]
        for part in self.flat(split, "bvor"):
            yield "\n".join(f"(assert (= {x} #b1))" for x in [part, *rest])

    def claim(self, hint):
        a, b, paths = hint
        claim = f"(= {a} {b})"
        for path in paths:
            claim = f"(=> (= {path} #b1) {claim})"
        return claim

    def believe(self, hint, claim):
        pair = hint[:2]
        self.believed[pair] = self.believed.get(pair, "") + f"(assert {claim})\n"
        self.alike.add(frozenset(pair))

    def cone(self, text, cut):
        """The symbols that some text rests on; what lies below those of `cut` is left out."""
        seen, stack = set(), SYMBOL.findall(text)
        while stack:
            symbol = stack.pop()
            if symbol not in seen:
                seen.add(symbol)
                if symbol not in cut:
                    stack.extend(self.parts[symbol])
        return seen

    def questions(self, last):
        """The premises, an assertion, and what is known of their parts, in three sizes. The smaller ones take
        the values that hints speak of for arbitrary ones, the smallest conditions and indices too, and know
        only of elements whose indices are believed to be alike. All say less than the whole formula."""
        believed = {x for pair in self.believed for x in pair} - set(SYMBOL.findall(last))
        for cut in (believed, believed - self.kept, set()):
            yield self.question(last, cut)

    def question(self, last, cut):
        asserts = "\n".join([*self.roots[:-1], last])
        cone, known, size = self.cone(asserts, cut), [], -1
        # What is known of some parts speaks of others.
        while len(cone) > size:
            size = len(cone)
            known = [hint for pair, hint in self.believed.items() if cone.issuperset(pair)]
            for line, indices, elements in self.congruences:
                if cone.issuperset(elements) and (not cut or frozenset(indices) in self.alike):
                    known.append(line)
            cone |= self.cone("\n".join(known), cut)
        lines = []
        for name in sorted(cone, key=self.place.get):
            line = self.lines[name]
            lines.append(f"(declare-const {name} {VECTOR.search(line).group()})" if name in cut else line)
        return "\n".join([self.logic, *lines, *known, asserts, "(check-sat)\n(exit)\n"])


def first(text, solvers):
    """The first definite answer."""
    answers = (ask(text) for ask in solvers)
    return next((a for a in answers if a in DEFINITE), "unknown")


def led(limit):
    quick = [bitwuzla(0.05), integers(0.5), bitwuzla(0.5)]
    slow = [*quick, integers(5), bitwuzla(5)]
    # The parts of a specification's formulas are often the same.
    answers = {}

    def unsatisfiable(text, solvers):
        key = hashlib.sha256(text.encode()).digest()
        if key not in answers:
            answer = first(text, solvers)
            # What was not settled may be next time: how far a solver comes is a matter of load.
            if answer not in DEFINITE:
                return False
            answers[key] = answer
        return answers[key] == "unsat"

    def impossible(formula, last, sizes, solvers):
        questions = itertools.islice(formula.questions(last), sizes)
        return any(unsatisfiable(question, solvers) for question in questions)

    def ask(text):
        # A formula with a model has one even with these values.
        values = "".join(f"(assert (= {a} {b}))\n" for a, b in VALUE.findall(text))
        if values and bitwuzla(limit)(text.replace("(check-sat)\n", values + "(check-sat)\n")) == "sat":
            return "sat"
        formula, end = Led(text), time.monotonic() + limit
        hints = formula.hints
        # A hint that small questions do not settle may be wrong, or of no use.
        for sizes, solvers in ((2, quick), (3, quick), (3, slow)):
            unsettled = []
            for hint in hints:
                if time.monotonic() > end:
                    return "unknown"
                claim = formula.claim(hint)
                if impossible(formula, f"(assert (not {claim}))", sizes, solvers):
                    formula.believe(hint, claim)
                else:
                    unsettled.append(hint)
            if all(impossible(formula, goal, sizes, slow) for goal in formula.goals()):
                return "unsat"
            # The whole formula with what follows from it: here are the models.
            whole = text.replace("(check-sat)\n", "".join(formula.believed.values()) + "(check-sat)\n")
            left = max(end - time.monotonic(), 0) / 2 if solvers is slow else 3
            if (answer := first(whole, [bitwuzla(left), integers(left)])) in DEFINITE:
                return answer
            hints = unsettled
        return "unknown"

    return ask


def worker(way, limit):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    ask = {"z3": z3, "cvc5": cvc5, "bitwuzla": bitwuzla, "led": led}[way](limit)
    for path in sys.stdin:
        try:
            path = path.rstrip("\n")
            text = pathlib.Path(path).read_text() if way == "led" else read(path)
            # A stated answer must not reach the solver: some compare, none should know.
            answer = ask(STATUS.sub("", text))
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

    def __init__(self, way, limit):
        self.way, self.limit, self.process = way, limit, None

    def ask(self, path):
        if self.process is None:
            command = [sys.executable, os.path.abspath(__file__), "worker", self.way, str(self.limit)]
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
    """The answers to (way, path) pairs, and the seconds each way took."""
    waiting = collections.deque(questions)
    total = len(waiting)
    answers, seconds, lock = {}, collections.Counter(), threading.Lock()

    def run():
        processes = {way: Process(way, limit) for way in WAYS}
        while True:
            with lock:
                if not waiting:
                    break
                way, path = waiting.popleft()
            begin = time.monotonic()
            answer = processes[way].ask(path)
            with lock:
                answers[way, path] = answer
                seconds[way] += time.monotonic() - begin
                if way == "led" and answer not in DEFINITE:
                    print(f"{path}: {answer} after {time.monotonic() - begin:.0f} s", flush=True)
                if len(answers) % (1000 if way != "led" else 50) == 0:
                    print(f"{len(answers)} of {total} questions", flush=True)
        for process in processes.values():
            process.stop()

    threads = [threading.Thread(target=run) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, seconds


def versions():
    return ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)


def read_ledger():
    """What was answered about the formulas with these digests, if the solvers are those of today."""
    head, *lines = LEDGER.read_text().splitlines() if LEDGER.exists() else [""]
    if head != versions():
        print(f"the ledger is of {head or 'nobody'}, and here are {versions()}: all are asked", flush=True)
        return {}
    return {digest: (answer, ways) for digest, answer, ways in (line.split() for line in lines)}


def write_ledger(answered):
    lines = [f"{digest} {answer} {ways}" for digest, (answer, ways) in sorted(answered.items())]
    new = LEDGER.with_suffix(".new")
    new.write_text("\n".join([versions(), *lines]) + "\n")
    new.replace(LEDGER)


def is_sampled(digest, seed):
    return int(hashlib.sha256(f"{seed} {digest}".encode()).hexdigest(), 16) % SAMPLE == 0


def check(directories, limit, patience, jobs, partial, everything, update):
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
            if LEFT_OUT.search(path.read_text()):
                continue
            text = read(path)
            key = hashlib.sha256(STATUS.sub("", text).encode()).hexdigest()[:32]
            stated = STATUS.search(text).group(1)
            first = formulas.setdefault(key, str(path))
            obligations.append((pathlib.Path(directory).name, str(path), first, stated))
    ledger = {} if everything else read_ledger()
    seed = hashlib.sha256(repr(sorted(ledger)).encode()).hexdigest()
    paths = [path for digest, path in formulas.items() if digest not in ledger or is_sampled(digest, seed)]
    known = sum(digest in ledger for digest in formulas)
    print(f"{len(obligations)} obligations, {len(formulas)} distinct formulas, {known} in the ledger")
    print(f"{len(paths)} are asked about, {limit:g} s each", flush=True)
    begin = time.monotonic()
    answers, seconds = ask_all([(s, p) for p in paths for s in SOLVERS], limit, jobs)
    if patience > 0:
        silent = [p for p in paths if not any(answers.get((w, p)) in DEFINITE for w in SOLVERS)]
        print(f"{len(silent)} without an answer, led {patience:g} s each", flush=True)
        more, again = ask_all([("led", p) for p in silent], patience, jobs)
        answers.update(more)
        seconds.update(again)
    answered = dict(ledger)
    for digest, path in formulas.items():
        definite = {w: answers[w, path] for w in WAYS if answers.get((w, path)) in DEFINITE}
        if definite:
            answered[digest] = (next(iter(definite.values())), ",".join(definite))
        if digest in ledger:
            answers["ledger", path] = ledger[digest][0]

    failures, open_here, none = [], [], []
    table = collections.Counter()
    for name, path, first, stated in obligations:
        table[name, "all"] += 1
        given = {way: answers[way, first] for way in COLUMNS if (way, first) in answers}
        definite = {way: a for way, a in given.items() if a in DEFINITE}
        for way, answer in given.items():
            table[name, way, answer if answer in DEFINITE else "unknown"] += 1
            if answer.startswith("error"):
                failures.append(f"{path}: {way}: {answer}")
            elif answer == "crash":
                print(f"{path}: {way} crashed")
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
    heads = "".join(f" {way:>15}" for way in COLUMNS)
    print(f"\n{'specification':{width}} {'all':>6}{heads}   none   (sat/unsat/unknown)")
    for name in names:
        cells = ("/".join(str(table[name, way, a]) for a in (*DEFINITE, "unknown")) for way in COLUMNS)
        row = "".join(f" {cell:>15}" for cell in cells)
        print(f"{name:{width}} {table[name, 'all']:>6}{row} {table[name, 'none']:>6}")
    spent = ", ".join(f"{way} {seconds[way]:.0f} s" for way in WAYS)
    print(f"\n{time.monotonic() - begin:.0f} s with {jobs} jobs: {spent}")
    for line in open_here:
        print(line)
    for path in none:
        print(f"{path}: no definite outside answer")
    for line in failures:
        print(line)
    if update and not failures:
        write_ledger(answered)
    print(f"{len(failures)} disagreements or errors, {len(none)} without an outside answer")
    return 1 if failures or (none and not partial) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("check")
    one.add_argument("directories", nargs="+", metavar="DIR")
    one.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    one.add_argument("--limit", type=float, default=0.5)
    one.add_argument("--patience", type=float, default=120)
    one.add_argument("--all", action="store_true", help="ask about what is in the ledger, too")
    one.add_argument("--update", action="store_true", help="add the answers to the ledger")
    one.add_argument("--partial", action="store_true", help="obligations may be left without an answer")
    one = commands.add_parser("worker")
    one.add_argument("way", choices=WAYS)
    one.add_argument("limit", type=float)
    commands.add_parser("available")
    it = parser.parse_args()
    if it.command == "check":
        return check(it.directories, it.limit, it.patience, it.jobs, it.partial, it.all, it.update)
    if it.command == "worker":
        return worker(it.way, it.limit)
    print("\n".join(available()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
