"""Builds the load generator and starts it, for the scripts that make tables of what it says. No dependencies."""

import datetime
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def say(words):
    print(f"{pathlib.Path(sys.argv[0]).name}: {words}", file=sys.stderr, flush=True)


def build():
    """Belfry's program and the load generator beside it."""
    command = ["cargo", "build", "--locked", "--release", "--package", "belfry", "--package", "belfry-tests"]
    command += ["--bin", "belfry", "--bin", "belfry-load", "--features", "belfry-tests/peers"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "belfry-load"


def run(load, peer, workloads, options, lines, named=None):
    """One start of the load generator; what it prints, under another name if there is one."""
    if not workloads:
        return
    say(f"{named or peer}: {' '.join(workloads)} {' '.join(options)}")
    ended = subprocess.run([load, peer] + workloads + options, capture_output=True, text=True, check=False)
    if ended.returncode:
        say(f"{peer} did not come to its end: {ended.stderr.strip()}")
    for line in ended.stdout.splitlines():
        record = json.loads(line)
        record["peer"] = named or record["peer"]
        lines.append(record)
        if record.get("trouble"):
            say(f"{peer}, {record['workload']}: {record['trouble']}")


def machine():
    """What it runs on, and which state of the project."""
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "processors": os.cpu_count(),
        "processor": processor,
        "kernel": os.uname().release,
    }


def machine_in_words(facts, lines):
    """The same, with how much else the machine did."""
    load = [line["load_average"] for line in lines if line.get("load_average") is not None]
    return (
        f"{facts['date']}, commit {facts['commit']}: {facts['processors']} processors ({facts['processor']}), Linux {facts['kernel']}, load average "
        f"{min(load, default=0):.1f} to {max(load, default=0):.1f} during it."
    )
