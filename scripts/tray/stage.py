"""The stage that scripts/show-tray, scripts/measure-tray and scripts/test-screen-reader play on: a display without a screen, a real server
on loopback, real trays, mouse and keyboard by xdotool."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = Path(os.environ.get("BELFRY_PROGRAMS") or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug")
PATIENCE = 30.0
ADMIN = "correct horse battery"
PERSON = "a password of ours"


class Failed(Exception):
    """A step did not come true in time."""


def wait(what, condition, patience=PATIENCE):
    """Waits until the condition gives something, and gives that."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(what)
        time.sleep(0.1)


class Stage:
    """Display, session bus, server and trays; everything that was started is ended by its process."""

    def __init__(self, folder, work):
        self.folder, self.work = folder, work
        self.started = []
        self.env = dict(os.environ, NO_COLOR="1", HOME=str(work), XDG_RUNTIME_DIR=str(work), LC_ALL="C.UTF-8", TZ="UTC")
        for name in ("WAYLAND_DISPLAY", "DISPLAY", "BELFRY_SERVER", "BELFRY_USER", "BELFRY_PASSWORD"):
            self.env.pop(name, None)
        self.steps = 0
        self.port = 0
        self.link = ""
        self.server = None
        self.managed = False

    def start(self, name, command, env=None, **more):
        log = open(self.work / f"{name}.log", "ab")
        process = subprocess.Popen(command, env=env or self.env, stdout=log, stderr=subprocess.STDOUT, **more)
        self.started.append((name, process))
        return process

    def log(self, name):
        return (self.work / f"{name}.log").read_text(errors="replace")

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self):
        for _, process in reversed(self.started):
            self.end(process)

    def program(self, name):
        return BUILT / name

    def open_display(self, managed=False):
        """A display; managed, with a window manager and a panel on its lower edge, as a desktop has them."""
        read, write = os.pipe()
        self.start("xvfb", ["Xvfb", "-noreset", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"], pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as number:
            self.env["DISPLAY"] = ":" + number.readline().strip()
        address = self.work / "bus"
        self.start("dbus", ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={address}"])
        self.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={address}"
        subprocess.run(["xsetroot", "-solid", "#3a6ea5"], env=self.env, check=False, stderr=subprocess.DEVNULL) if shutil.which("xsetroot") else None
        self.managed = managed
        if managed:
            for name in ("openbox", "tint2"):
                self.start(name, [name])

    def open_server(self, **more):
        env = dict(self.env, BELFRY_ADMIN_PASSWORD=ADMIN, **more)
        before = len(self.log("server")) if (self.work / "server.log").exists() else 0
        server = self.start("server", [BUILT / "belfry", "serve", "--listen", f"127.0.0.1:{self.port}", "--data", self.work / "data"], env)
        said = wait("the server says that it listens", lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log("server")[before:]))
        self.port = int(said[1])
        key = wait("the server prints its link", lambda: re.search(r"join belfry://[^#\s]*(#\S+)", self.log("server")))
        self.link = f"belfry://127.0.0.1:{self.port}/{key[1]}"
        self.server = server
        return server

    def as_user(self, user):
        """The surroundings in which a program is this person's."""
        return dict(self.env, BELFRY_SERVER=self.link, BELFRY_USER=user, BELFRY_PASSWORD=ADMIN if user == "admin" else PERSON)

    def belfry(self, *arguments, user="admin", check=True, lines=(), new=False):
        """What the command prints; `new` with the password of somebody who is to be made."""
        env = dict(self.as_user(user), **({"BELFRY_NEW_PASSWORD": PERSON} if new else {}))
        done = subprocess.run([BUILT / "belfry", *arguments], env=env, capture_output=True, text=True, timeout=60,
                              input="".join(f"{line}\n" for line in lines))
        if check and done.returncode != 0:
            raise Failed(f"belfry {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def tray(self, user, *arguments, password=True):
        env = dict(self.env, **({"BELFRY_PASSWORD": ADMIN if user == "admin" else PERSON} if password else {}))
        profile = self.work / f"profile-{user}"
        return self.start(f"tray-{user}", [BUILT / "belfry-tray", "--server", self.link, "--user", user, "--profile", profile, *arguments], env)

    def xdotool(self, *arguments):
        return subprocess.run(["xdotool", *map(str, arguments)], env=self.env, capture_output=True, text=True, timeout=20).stdout.split()

    def windows(self, title, process=None):
        found = self.xdotool("search", "--onlyvisible", *(["--all", "--pid", process.pid] if process else []), "--name", title)
        return found

    def window(self, title, process=None):
        return wait(f"a window {title}", lambda: self.windows(title, process))[-1]

    def place(self, window):
        said = dict(line.split("=") for line in self.xdotool("getwindowgeometry", "--shell", window) if "=" in line)
        return tuple(int(said[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))

    def click(self, window, x, y):
        """A click there; negative numbers count from the far edge."""
        left, top, width, height = self.place(window)
        self.xdotool("mousemove", left + (x if x >= 0 else width + x), top + (y if y >= 0 else height + y))
        time.sleep(0.15)
        self.xdotool("click", 1)

    def type(self, window, text, *keys, delay=12):
        self.xdotool("windowactivate" if self.managed else "windowfocus", "--sync", window)
        self.xdotool("type", "--delay", delay, text)
        for key in keys:
            self.xdotool("key", key)

    def front(self, window):
        """Where nobody manages windows, what is to be typed into or photographed is raised by hand."""
        if self.managed:
            self.xdotool("windowactivate", "--sync", window)
            return
        self.xdotool("windowraise", window)
        self.xdotool("windowfocus", "--sync", window)

    def keys(self, window, *keys):
        self.front(window)
        for key in keys:
            self.xdotool("key", key)

    def arrange(self, window, x, y, width, height):
        self.xdotool("windowsize", window, width, height)
        self.xdotool("windowmove", window, x, y)

    def picture(self, name, window="root", settle=True):
        self.steps += 1
        path = self.folder / f"{self.steps:02}-{name}.png"
        # A window that has just changed is drawn within a few frames; two equal pictures say that it is.
        before = None
        for _ in range(20):
            time.sleep(0.25)
            subprocess.run(["import", "-silent", "-window", window, path], env=self.env, check=True, timeout=20)
            now = subprocess.run(["convert", path, "rgb:-"], capture_output=True, check=True, timeout=20).stdout
            if now == before or not settle:
                break
            before = now
        print(f"  {path.name}")
        return path

    def lock(self, locked):
        """What every desktop's screen saver says."""
        subprocess.run(["dbus-send", "--session", "--type=signal", "/org/freedesktop/ScreenSaver",
                        "org.freedesktop.ScreenSaver.ActiveChanged", f"boolean:{str(locked).lower()}"], env=self.env, check=True, timeout=20)

    def signed_in(self, user):
        """The tray has signed in, and its windows know: it writes that down in the same turn in which it draws them anew."""
        settings = self.work / f"profile-{user}" / "settings.toml"
        wait(f"{user}'s tray has signed in", lambda: settings.exists() and "device-known = true" in settings.read_text())

    def remembered(self, user, query="SELECT text FROM messages"):
        """What the tray has written down. Nobody else may open its file while it runs, so a copy is looked at; one that was taken in the
        middle of a writing is none."""
        copy = self.work / f"copy-{user}"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for name in ("cache.db", "cache.db-wal"):
            if (self.work / f"profile-{user}" / name).exists():
                shutil.copy(self.work / f"profile-{user}" / name, copy / name)
        try:
            with sqlite3.connect(copy / "cache.db") as database:
                return [row[0] for row in database.execute(query)]
        except sqlite3.Error:
            return []

    def history(self, user="alice", room="lobby"):
        return [json.loads(line)["text"] for line in self.belfry("history", "--room", room, "--json", user=user).splitlines()]

    def presence(self, name):
        people = map(json.loads, self.belfry("who", "--json").splitlines())
        return next((person["presence"] for person in people if person["account"] == name), None)

    def ledger(self, notice):
        return {row["account"]: row for row in map(json.loads, self.belfry("notice", "status", notice, "--json").splitlines()) if "account" in row}

    def notices(self):
        return {str(json.loads(line)["id"]) for line in self.belfry("notice", "list", "--json").splitlines()}

    def notice(self, *arguments):
        return self.belfry("notice", "send", "--yes", *arguments).split()[0]
