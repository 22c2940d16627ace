"""The copy of the sources with all changes in it, each behind a switch, and the test programs that are built from it."""

import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "mutants" / "code"
# As it was when the command began, so that nobody has to keep still meanwhile, and the same with the switches.
SOURCES, TREE = WORK / "sources", WORK / "tree"

CHANGED = ["core/src/**/*.rs", "server/src/session/**/*.rs", "server/src/hub/**/*.rs", "server/src/store/**/*.rs"]
UNIT_TESTS = ["-p", "belfry-core", "-p", "belfry-server", "--lib"]

# They take minutes, or start programs that are not built from the copy.
NOT_QUICK = {"fuzzing", "memory", "process", "soak"}


class Change:
    """One of those that cargo-mutants lists; `number` is its place in the list, beginning with one."""

    def __init__(self, number, listed, times):
        self.number, self.file = number, listed["file"]
        self.crate = self.file.split("/")[0]
        self.line, self.column = listed["span"]["start"]["line"], listed["span"]["start"]["column"]
        self.function = (listed["function"] or {}).get("function_name", "")
        what = listed["name"].split(": ", 1)[1].removesuffix(f" in {self.function}")
        times[self.file, self.function, what] += 1
        again = times[self.file, self.function, what]
        # Of two in a function with the same words the second is named so.
        self.what = what if again == 1 else f"{what} ({again})"
        # The same change in the same function, wherever in the file that is by now.
        span = listed["function"]["span"] if listed["function"] else listed["span"]
        lines = (SOURCES / self.file).read_text().splitlines()[span["start"]["line"] - 1:span["end"]["line"]]
        self.key = hashlib.sha256("\0".join([self.file, self.function, self.what, *lines]).encode()).hexdigest()[:24]

    def room(self):
        return "/".join(self.file.split("/")[:3]).replace("/src/", "/").removesuffix(".rs")

    def __str__(self):
        return ": ".join(filter(None, [f"{self.file}:{self.line}", self.function, self.what]))


def mirror(there, paths, kept):
    """Only what differs is written, so that cargo builds no more than it has to."""
    for path in paths - kept:
        content, copy = (ROOT / path).read_bytes(), there / path
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    for copy in [copy for copy in there.rglob("*.rs") if copy.relative_to(there) not in paths | kept]:
        copy.unlink()


def take_sources():
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    paths = {pathlib.Path(name) for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    mirror(SOURCES, paths, set())
    return paths


def list_changes():
    if subprocess.run(["cargo", "mutants", "--version"], capture_output=True).returncode:
        subprocess.run(["cargo", "install", "--locked", "cargo-mutants"], check=True)
    # Without --workspace it looks at the program alone.
    command = ["cargo", "mutants", "--list", "--json", "--workspace", *(word for files in CHANGED for word in ("--file", files))]
    text = subprocess.run(command, cwd=SOURCES, stdout=subprocess.PIPE, check=True, text=True).stdout
    (WORK / "listed.json").write_text(text)
    times = collections.Counter()
    return [Change(number, listed, times) for number, listed in enumerate(json.loads(text), 1)]


def cargo(*arguments):
    """What cargo says, message by message."""
    # A switch can also stand in what the compiler may compute, for which a stable compiler has no words yet.
    environment = dict(os.environ, CARGO_TARGET_DIR=os.environ.get("BELFRY_MUTANTS_TARGET", str(WORK / "target")), RUSTC_BOOTSTRAP="1",
                       CARGO_PROFILE_DEV_DEBUG="0", CARGO_PROFILE_TEST_DEBUG="0")
    command = ["cargo", *arguments, "--locked", "--message-format", "json"]
    ended = subprocess.run(command, cwd=TREE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")], ended.stderr


def errors():
    """The compiler's errors: message and spans, the primary ones first."""
    code, said, printed = cargo("check", "--profile", "test", "--keep-going", *UNIT_TESTS)
    found = []
    for message in (each["message"] for each in said if each.get("reason") == "compiler-message"):
        spans = message["spans"] + [span for child in message["children"] for span in child["spans"]]
        if message["level"].startswith("error") and spans:
            found.append((message["rendered"], sorted(spans, key=lambda span: not span["is_primary"])))
    if code and not found:
        sys.exit(printed[-3000:])
    return found


def innermost(span, places):
    """The numbers of the changes in whose place a span lies. Macros are followed to where they are called."""
    while span:
        around = [place for place in places[span["file_name"]] if place[0] <= span["byte_start"] and span["byte_end"] <= place[1]]
        if around:
            size = min(end - start for start, end, _ in around)
            return {number for start, end, number in around if end - start == size}
        span = (span.get("expansion") or {}).get("span")
    return set()


def write_tree(paths, changes):
    """Writes all changes into the copy and leaves out what does not compile: what the compiler's errors point to goes, and the rest is
    tried again. Gives the numbers of those that are in it."""
    tool = WORK / "tool"
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--manifest-path", ROOT / "scripts/mutants/Cargo.toml", "--target-dir", tool], check=True)
    written = {pathlib.Path(change.file) for change in changes}
    crates = {change.crate for change in changes}
    mirror(TREE, paths, written | {pathlib.Path(crate, "src", name) for crate in crates for name in ("lib.rs", "mutant_switch.rs")})
    noted, numbers, placed = WORK / "not-compiling", WORK / "left-out.json", WORK / "places.json"
    without = set(noted.read_text().split()) if noted.exists() else set()
    while True:
        numbers.write_text(json.dumps([change.number for change in changes if change.key in without]))
        subprocess.run([tool / "debug/belfry-mutants", WORK / "listed.json", SOURCES, TREE, numbers, placed], check=True)
        places = collections.defaultdict(list)
        for place in json.loads(placed.read_text())["placed"]:
            places[place["file"]].append((place["start"], place["end"], place["change"]))
        found = errors()
        if not found:
            return {number for file in places.values() for _, _, number in file}
        blamed = [next(filter(None, (innermost(span, places) for span in spans)), set()) for _, spans in found]
        more = {changes[number - 1].key for one in blamed for number in one}
        print(f"{len(found)} errors of the compiler; without {len(more)} changes more", flush=True)
        if not more:
            sys.exit("\n".join(rendered for rendered, _ in found[:20]))
        without |= more
        noted.write_text("".join(f"{key}\n" for key in sorted(without)))


class Program:
    """A test program, where it is run, and which of the sources are in it: not those for other systems."""

    def __init__(self, name, executable, folder):
        self.name, self.folder = name, folder
        self.digest = hashlib.sha256(executable.read_bytes()).hexdigest()[:24]
        # A copy: what is tried does not change while it is tried.
        self.path = WORK / "programs" / f"{name}-{self.digest}"
        if not self.path.exists():
            self.path.parent.mkdir(exist_ok=True)
            for before in self.path.parent.glob(f"{name}-{'?' * 24}"):
                before.unlink()
            shutil.copy2(executable, self.path)
        listed = re.findall(r"^(.+\.rs):$", pathlib.Path(f"{executable}.d").read_text(), re.MULTILINE)
        self.files = {file.removeprefix(f"{TREE}/") for file in listed}


def build(*what):
    code, said, printed = cargo("test", "--no-run", *what)
    if code:
        sys.exit("\n".join(each["message"]["rendered"] for each in said if each.get("reason") == "compiler-message") + printed[-3000:])
    programs = {}
    for each in said:
        if each.get("reason") == "compiler-artifact" and each.get("executable") and each["profile"]["test"]:
            folder, target = pathlib.Path(each["manifest_path"]).parent, each["target"]
            name = folder.name if "lib" in target["kind"] else target["name"]
            programs[name] = Program(name, pathlib.Path(each["executable"]), folder)
    return programs


def build_unit_tests():
    return build(*UNIT_TESTS)


def build_integration_tests():
    told = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"], cwd=TREE, capture_output=True, check=True)
    package = next(package for package in json.loads(told.stdout)["packages"] if package["name"] == "belfry-tests")
    names = sorted(target["name"] for target in package["targets"] if "test" in target["kind"] and target["name"] not in NOT_QUICK)
    return build("-p", "belfry-tests", *(word for name in names for word in ("--test", name)))
