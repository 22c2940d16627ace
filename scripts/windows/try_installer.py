"""The installers: in silently, running, out again: FOLDER LINUX-BELFRY SERVER.msi NEWER-SERVER.msi TRAY.msi NEWER-TRAY.msi TELL.exe."""

import re
import sys
import time

from screen import Screen
from under_wine import PATIENCE, expect, free_port, main


def until(sentence, true, limit=PATIENCE):
    end = time.monotonic() + limit
    while not (found := true()):
        expect(time.monotonic() < end, f"not within {limit} seconds: {sentence}")
        time.sleep(0.1)
    return found


def installer(place, *words, exits=0):
    log = place.folder / f"msi-{place.steps}.log"
    return place.run(["wine", "msiexec", *words, "/qn", "/l*v", f"Z:{log}"], exits=exits, limit=180)


def registered(place, key, value):
    asked = place.run(["wine", "reg", "query", key, "/v", value], exits=None)
    return asked.said()


def server_story(place, linux, msi, newer, tell):
    drive = place.prefix / "drive_c"
    program = drive / "Program Files/Belfry Server/belfry.exe"
    data = drive / "ProgramData/Belfry"
    port = free_port()

    def service_state():
        said = place.run(["wine", "sc", "query", "Belfry"], exits=None).said()
        found = re.search(r"STATE\s*:\s*\d+\s+(\w+)", said)
        return found.group(1) if found else None

    def belfry(*words, user="alice"):
        env = {"BELFRY_PASSWORD": "correct horse", "BELFRY_SERVER": f"127.0.0.1:{port}", "BELFRY_USER": user}
        return place.run([str(linux), *words], env=env).lines()

    # Not the usual port, which somebody may be using; services take their environment from here.
    settings = place.prefix / "drive_c/belfry.toml"
    settings.write_text('registration = "open"\n')
    environment = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
    place.register(environment, "BELFRY_LISTEN", f"127.0.0.1:{port}")
    place.register(environment, "BELFRY_CONFIG", r"C:\belfry.toml")
    place.restart_wine()

    place.step("it installs silently: the program, the service with its own account, the source in the event log")
    installer(place, "/i", f"Z:{msi}")
    expect(program.exists(), f"{program} is missing")
    service = r"HKLM\SYSTEM\CurrentControlSet\Services\Belfry"
    path = registered(place, service, "ImagePath")
    expect("serve --service --data" in path and "ProgramData" in path, f"the service's command is {path!r}")
    expect(r"NT SERVICE\Belfry" in registered(place, service, "ObjectName"), "the service has an account of its own")
    source = registered(place, r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Belfry", "EventMessageFile")
    expect("EventCreate.exe" in source, f"the event log's source is {source!r}")

    place.step("the service runs, writes its log and the first password to files, and people talk")
    until("the service runs", lambda: service_state() == "RUNNING")
    first = data / "first-start.txt"
    until("the administrator finds the password", lambda: re.search(rb"^admin password: \S+ \(shown once\)\r$", first.read_bytes(), re.M))
    expect(belfry("register") == ["registered alice"], "an account is made")
    expect(belfry("send", "--room", "lobby", "hello") == ["1"], "the first message")
    logs = list((data / "logs").glob("belfry.*.log"))
    expect(len(logs) == 1 and "started" in logs[0].read_text(), f"the log is {logs}")
    expect("admin password" not in logs[0].read_text(), "no password stands in a log")

    place.step("the service reads its settings again when it is told to")
    settings.write_text('registration = "closed"\n')
    place.run(["wine", str(tell), "reload"])
    until("it says so", lambda: "reloaded" in logs[0].read_text())
    env = {"BELFRY_PASSWORD": "correct horse", "BELFRY_SERVER": f"127.0.0.1:{port}", "BELFRY_USER": "mallory"}
    place.run([str(linux), "register"], env=env, exits=1)
    expect(service_state() == "RUNNING", "the service runs on")

    place.step("the service stops when it is told to, and starts again with its data")
    place.run(["wine", "net", "stop", "Belfry"])
    until("the service has stopped", lambda: service_state() == "STOPPED")
    expect("stopped" in logs[0].read_text().splitlines()[-1], "the server has said goodbye")
    place.run(["wine", "net", "start", "Belfry"])
    until("the service runs again", lambda: service_state() == "RUNNING")
    expect(any("alice: hello" in line for line in belfry("history", "--room", "lobby")), "the history is there")

    place.step("outside the service manager, --service is explained")
    alone = place.run(["wine", str(program), "serve", "--service", "--data", r"C:\elsewhere"], exits=2)
    expect("leave it out to run the server here" in alone.complained(), alone.complained())

    place.step("a newer one takes its place and keeps data and service; the older one is refused then")
    installer(place, "/i", f"Z:{newer}")
    expect(program.exists(), f"{program} is gone")
    until("the service runs after the upgrade", lambda: service_state() == "RUNNING")
    expect(any("alice: hello" in line for line in belfry("history", "--room", "lobby")), "the history is there")
    program_before = program.stat().st_mtime_ns
    refused = place.run(["wine", "msiexec", "/i", f"Z:{msi}", "/qn"], exits=None, limit=180)
    expect(refused.process.returncode != 0 and program.stat().st_mtime_ns == program_before, "an older one is refused")

    place.step("it goes silently, and leaves the data")
    installer(place, "/x", f"Z:{newer}")
    expect(not program.exists(), f"{program} is still there")
    expect(service_state() is None, "the service is still there")
    expect((data / "belfry.db").exists(), "the data is gone")


def tray_story(place, linux, msi, newer, tell):
    drive = place.prefix / "drive_c"
    program = drive / "Program Files/Belfry/belfry-tray.exe"
    settled, run = r"HKLM\SOFTWARE\Belfry", r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run"
    port = free_port()
    screen = Screen(place, tell)

    def belfry(*words, user="admin"):
        env = {"BELFRY_PASSWORD": "correct horse", "BELFRY_SERVER": f"127.0.0.1:{port}", "BELFRY_USER": user}
        return place.run([linux, *words], env=env)

    def newcomer():
        people = belfry("who", "--json").events()
        return [person["account"] for person in people if person["account"] != "admin" and person["presence"] == "online"]

    def shortcuts():
        return [link for link in drive.rglob("Belfry.lnk") if "Start Menu" in str(link)]

    server = place.start([linux, "serve", "--listen", f"127.0.0.1:{port}", "--data", place.folder / "tray-data"],
                         env={"BELFRY_ADMIN_PASSWORD": "correct horse"})
    join = server.until("it says how to join", lambda: re.search(r"^join \S+#(\w+)$", server.said(), re.M))

    place.step("the tray's installer puts the program, the server's name and key, the start with the system and the shortcut in place")
    installer(place, "/i", f"Z:{msi}", f"SERVER=127.0.0.1:{port}", f"SERVERKEY={join.group(1)}")
    expect(program.exists(), f"{program} is missing")
    expect(f"127.0.0.1:{port}" in registered(place, settled, "Server"), "the server is not written")
    expect(join.group(1) in registered(place, settled, "ServerKey"), "the server's key is not written")
    expect(r"Program Files\Belfry\belfry-tray.exe" in registered(place, run, "Belfry"), "it does not start with the system")
    expect(len(shortcuts()) == 1, f"the shortcuts are {shortcuts()}")

    place.step("its first start comes up connected without a question")
    tray = place.start(["wine", program])
    name = until("somebody is online", newcomer)
    expect(not screen.windows("Belfry: sign in") and not screen.windows("Belfry"), f"something is shown: {screen.windows()}")
    number = belfry("notice", "send", "--severity", "important", "--to", f"user:{name[0]}", "Installed.").lines()[0]
    screen.window("Belfry notice")
    screen.picture("installed")
    until("the ledger says that it is visible", lambda: belfry("notice", "status", number, "--json").events()[1]["visible_at"])
    screen.tell("end")
    expect(tray.wait() == 0, "the program ends with the session")

    place.step("a newer one takes its place and keeps the server; the older one is refused")
    installer(place, "/i", f"Z:{newer}")
    expect(program.exists() and f"127.0.0.1:{port}" in registered(place, settled, "Server"), "the server is forgotten")
    tray = place.start(["wine", program])
    until("the same person is online", lambda: newcomer() == name)
    screen.tell("end")
    expect(tray.wait() == 0, "the program ends with the session")
    expect(place.run(["wine", "msiexec", "/i", f"Z:{msi}", "/qn"], exits=None, limit=180).process.returncode != 0, "an older one is refused")

    place.step("another server can be named, and the key of the old one is not kept for it")
    installer(place, "/x", f"Z:{newer}")
    installer(place, "/i", f"Z:{msi}", "SERVER=one:1", "SERVERKEY=abc")
    installer(place, "/i", f"Z:{newer}", "SERVER=two:2")
    expect("two:2" in registered(place, settled, "Server"), "the new server is not written")
    expect("abc" not in registered(place, settled, "ServerKey"), "the old key is still there")

    place.step("it goes silently, and nothing of it stays but what belongs to the people")
    installer(place, "/x", f"Z:{newer}")
    expect(not program.exists() and not shortcuts(), "the program is still there")
    expect("belfry-tray" not in registered(place, run, "Belfry"), "it would still start with the system")
    expect("two" not in registered(place, settled, "Server"), "the server is still written")

    place.step("with AUTOSTART=0 and without SERVER it asks, and does not start with the system")
    installer(place, "/i", f"Z:{msi}", "AUTOSTART=0")
    expect("belfry-tray" not in registered(place, run, "Belfry"), "it starts with the system")
    tray = place.start(["wine", program, "--profile", r"C:\asked"])
    screen.window("Belfry: sign in", "the person is asked")
    screen.picture("asked")
    screen.tell("end")
    expect(tray.wait() == 0, "the program ends with the session")
    installer(place, "/x", f"Z:{msi}")
    server.interrupt()
    expect(server.wait() == 0, "a server that is stopped exits 0")


def story(place, linux, server, newer_server, tray, newer_tray, tell):
    server_story(place, linux, server, newer_server, tell)
    tray_story(place, linux, tray, newer_tray, tell)


if __name__ == "__main__":
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    main("The installers under Wine", story)
