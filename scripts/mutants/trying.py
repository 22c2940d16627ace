"""Runs tests of the copy: each once as it is, to see which changes it reaches, then those that reach a change with that change in force."""

import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from switched import WORK

AT_ONCE = int(os.environ.get("BELFRY_MUTANTS_AT_ONCE", os.cpu_count() or 1))

# Most changes are caught by one of the first tests; after that as many in a process as take so many seconds.
FIRST_TESTS = 6
SECONDS_AT_ONCE = 2.0

# Seconds that a few tests may take at least, and that one may take without any change. Who hangs has noticed something.
PATIENCE = 20.0
PATIENCE_UNCHANGED = 600.0

# A change can make something grow without end, or go on when nobody waits any more.
MEMORY_MAX = 4 << 30
FILE_MAX = 1 << 30
CPU_SECONDS_MAX = 900


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_MAX, FILE_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def scratch():
    # What the tests write is of no use to anybody: where there is a disk in memory, nothing waits for a real one.
    return tempfile.mkdtemp(prefix="belfry-mutants-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def run(program, tests, patience, variables):
    """Whether these tests pass (None: not in time), what was printed, and how long it took."""
    folder = scratch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BELFRY_")}
    environment |= {"TMPDIR": folder, "RUST_BACKTRACE": "0"} | variables
    begun = time.monotonic()
    try:
        with open(os.path.join(folder, "printed"), "w+b") as printed:
            process = subprocess.Popen([program.path, "--exact", "--test-threads", "1", *tests], cwd=program.folder, env=environment, preexec_fn=limits,
                                       stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                passed = process.wait(patience) == 0
            except subprocess.TimeoutExpired:
                passed = None
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
            printed.seek(0)
            return passed, printed.read(4 << 20).decode(errors="replace"), time.monotonic() - begun
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def all_at_once(attempt, of):
    """(what was tried, what came of it) as it comes. Whoever ends it waits for no more than what is being tried."""
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    try:
        trying = {pool.submit(attempt, one): one for one in of}
        for tried in concurrent.futures.as_completed(trying):
            yield trying[tried], tried.result()
    finally:
        pool.shutdown(cancel_futures=True)


def look(program):
    """What each test of a program reaches, and how long it takes. The same program is looked at once."""
    seen = WORK / "reached" / f"{program.name}-{program.digest}.json"
    if seen.exists():
        return json.loads(seen.read_text())
    listed = subprocess.run([program.path, "--list", "--format", "terse"], cwd=program.folder, capture_output=True, text=True, check=True).stdout
    tests = [line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")]

    def one(test):
        with tempfile.NamedTemporaryFile(dir=WORK) as reached:
            passed, said, seconds = run(program, [test], PATIENCE_UNCHANGED, {"BELFRY_MUTANTS_SEEN": reached.name})
            return passed, said, {"seconds": round(seconds, 3), "reached": sorted({int(number) for number in pathlib.Path(reached.name).read_text().split()})}

    found = {}
    for test, (passed, said, of_it) in all_at_once(one, tests):
        if not passed:
            print(f"without any change this fails, and is left out: {program.name}: {test}\n{said[-1500:]}", flush=True)
        elif "1 ignored" not in said:
            found[test] = of_it
    seen.parent.mkdir(exist_ok=True)
    for before in seen.parent.glob(f"{program.name}-{'?' * 24}.json"):
        before.unlink()
    seen.write_text(json.dumps(found))
    return found


def reaching(programs, quickest):
    """For each change's number the tests of these programs that reach it, the quickest first: (seconds, program, test)."""
    tests = {}
    for program in programs:
        for test, of_it in look(program).items():
            for number in of_it["reached"] if of_it["seconds"] <= quickest else []:
                tests.setdefault(number, []).append((of_it["seconds"], program, test))
    return {number: sorted(of_it, key=lambda one: (one[0], one[1].name, one[2])) for number, of_it in tests.items()}


def chunks(tests):
    """The first few, then the rest by the time they take; each of one program."""
    parts, seconds = [tests[:FIRST_TESTS]], SECONDS_AT_ONCE
    for test in tests[FIRST_TESTS:]:
        if seconds + test[0] > SECONDS_AT_ONCE:
            parts.append([])
            seconds = 0.0
        parts[-1].append(test)
        seconds += test[0]
    for part in parts:
        for program in sorted({program for _, program, _ in part}, key=lambda program: program.name):
            of_it = [one for one in part if one[1] is program]
            yield program, [test for _, _, test in of_it], sum(seconds for seconds, _, _ in of_it)


def caught_by(number, tests):
    """Which test notices the change with this number, if one does."""
    for program, names, seconds in chunks(tests):
        passed, said, _ = run(program, names, max(PATIENCE, 5 * seconds), {"BELFRY_MUTANT": str(number)})
        if not passed:
            failed = re.findall(r"^test (.*?)(?: - should panic)? \.\.\. FAILED", said, re.MULTILINE)
            # Of those that hang or end everything it is the last one begun.
            begun = re.findall(r"^test (.*?)(?: - should panic)? \.\.\. ", said, re.MULTILINE)
            return f"{program.name}: {(failed[:1] or begun[-1:] or names)[0]}"
    return None
