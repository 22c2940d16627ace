"""Programs under Wine and on Linux: started, waited for with a limit, stopped by process id. Python 3, nothing else."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

# A slow machine under load; what takes longer is broken.
PATIENCE = 60


class Broken(Exception):
    """A step did not go as it should; the message is for a person."""


class Place:
    """A fresh Wine prefix, a folder for what programs say, and everything that was started."""

    def __init__(self, folder, name):
        self.folder = Path(folder) / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.shim = Path(folder) / "bcryptprimitives.dll"
        self.prefix = self.folder / "prefix"
        self.started = []
        self.keeper = None
        self.steps = 0
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("BELFRY_")}
        self.environment |= {
            "LC_ALL": "C.UTF-8", "WINEPREFIX": str(self.prefix), "WINEARCH": "win64", "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "BELFRY_PROFILE": str(self.folder / "profile"),
            "LD_PRELOAD": str(Path(folder) / "patient.so"),
        }

    def __enter__(self):
        try:
            self.make_prefix()
        except Broken:
            self.__exit__()
            raise
        return self

    def make_prefix(self):
        self.run(["wine", "wineboot", "--init"], limit=180)
        self.run(["wine", "winecfg", "/v", "win10"])
        self.lend_shim(self.prefix / "drive_c/windows/system32")
        # Making a prefix can leave two service managers behind, of which each knows half of what it is told.
        self.restart_wine()

    def restart_wine(self):
        """Begins again with one service manager, which a waiting program keeps."""
        self.end_wine()
        self.keeper = subprocess.Popen(["wine", "cmd", "/k"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=self.environment)

    def __exit__(self, *_):
        for program in self.started:
            program.kill()
        self.end_wine()

    def end_wine(self):
        """Ends Wine's own processes, which belong to this prefix alone."""
        if self.keeper:
            self.keeper.kill()
            self.keeper.wait()
        # This one may kill.
        environment = {key: value for key, value in self.environment.items() if key != "LD_PRELOAD"}
        for how in ("--kill", "--wait"):
            subprocess.run(["wineserver", how], env=environment, timeout=PATIENCE, check=False)

    def lend_shim(self, folder):
        """Wine 8 lacks a DLL that Windows has; a Wine that has it keeps its own."""
        if not (folder / self.shim.name).exists():
            shutil.copy(self.shim, folder)

    def register(self, key, name, value):
        """Writes a text or a number to the registry."""
        kind = "REG_DWORD" if isinstance(value, int) else "REG_SZ"
        # In a prefix that has just been made Wine's reg fails now and then without a word, and does it when it is asked again.
        for exits in (None, None, 0):
            words = ["wine", "reg", "add", key, "/v", name, "/t", kind, "/d", value, "/f"]
            if self.run(words, exits=exits).process.returncode == 0:
                return

    def step(self, sentence):
        self.steps += 1
        print(f"  {self.steps:2} {sentence}", flush=True)

    def start(self, words, **more):
        program = Program(self, [str(word) for word in words], **more)
        self.started.append(program)
        return program

    def run(self, words, exits=0, limit=PATIENCE, **more):
        """Runs a program to its end and gives what it said on standard output."""
        program = self.start(words, **more)
        code = program.wait(limit)
        if exits is not None and code != exits:
            raise Broken(f"{program}: exit code {code} instead of {exits}.\n{program.said()}{program.complained()}")
        return program


class Program:
    """A process whose words go to files."""

    def __init__(self, place, words, env=None, stdin=None, pass_fds=()):
        self.words = words
        number = len(place.started)
        name = f"{number:03}-{Path(words[1] if words[0] == 'wine' else words[0]).name}"
        self.out, self.err = place.folder / f"{name}.out", place.folder / f"{name}.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                words, stdout=out, stderr=err, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                env=place.environment | (env or {}), cwd=place.folder, pass_fds=pass_fds)
        if stdin is not None:
            self.process.stdin.write(stdin.encode())
            self.process.stdin.close()

    def __str__(self):
        return " ".join(self.words)

    def said(self):
        return self.out.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")

    def complained(self):
        return self.err.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")

    def lines(self):
        return self.said().splitlines()

    def events(self):
        """The whole lines of JSON so far."""
        return [json.loads(line) for line in self.said().split("\n")[:-1]]

    def wait(self, limit=PATIENCE):
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Broken(f"{self}: still running after {limit} seconds.\n{self.said()}{self.complained()}") from None

    def until(self, sentence, true, limit=PATIENCE):
        """Waits until `true()` gives something, and gives it."""
        end = time.monotonic() + limit
        while True:
            # Asked before looking: what a program that has ended has said is complete.
            ended = self.process.poll() is not None
            if found := true():
                return found
            if ended or time.monotonic() > end:
                why = f"it ended with {self.process.returncode}" if ended else f"not within {limit} seconds"
                raise Broken(f"{self}: {sentence}: {why}.\n{self.said()}{self.complained()}")
            time.sleep(0.05)

    def event(self, sentence, **fields):
        """Waits for an event with these fields."""
        return self.until(sentence, lambda: next((e for e in self.events() if fields.items() <= e.items()), None))

    def interrupt(self):
        """Ctrl+C: Wine turns the signal into the console's event."""
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self):
        """What the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def expect(true, sentence):
    if not true:
        raise Broken(sentence)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main(title, story):
    """Runs the story in a place of its own and says how it went."""
    folder, *rest = sys.argv[1:]
    print(title, flush=True)
    begun = time.monotonic()
    try:
        with Place(folder, Path(sys.argv[0]).stem) as place:
            story(place, *[Path(argument).resolve() for argument in rest])
            print(f"  all {place.steps} steps in {time.monotonic() - begun:.0f} s; what each program said: {place.folder}")
    except Broken as broken:
        print(f"{Path(sys.argv[0]).name}: {broken}", file=sys.stderr)
        sys.exit(1)
