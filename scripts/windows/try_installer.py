"""The server's installer: in silently, running as a service, out again: FOLDER LINUX-BELFRY SERVER.msi
NEWER-SERVER.msi."""

import re
import sys
import time

from under_wine import PATIENCE, expect, free_port, main

def until(sentence, true, limit=PATIENCE):
    end = time.monotonic() + limit
    while not (found := true()):
        expect(time.monotonic() < end, f"not within {limit} seconds: {sentence}")
        time.sleep(0.1)
    return found


def story(place, linux, msi, newer):
    drive = place.prefix / "drive_c"
    program = drive / "Program Files/Belfry Server/belfry.exe"
    data = drive / "ProgramData/Belfry"
    port = free_port()

    def installer(*words, exits=0):
        log = place.folder / f"msi-{place.steps}.log"
        return place.run(["wine", "msiexec", *words, "/qn", "/l*v", f"Z:{log}"], exits=exits, limit=180)

    def registered(key, value):
        asked = place.run(["wine", "reg", "query", key, "/v", value], exits=None)
        return asked.said()

    def service_state():
        said = place.run(["wine", "sc", "query", "Belfry"], exits=None).said()
        found = re.search(r"STATE\s*:\s*\d+\s+(\w+)", said)
        return found.group(1) if found else None

    def belfry(*words, user="alice"):
        env = {"BELFRY_PASSWORD": "correct horse", "BELFRY_SERVER": f"127.0.0.1:{port}", "BELFRY_USER": user}
        return place.run([str(linux), *words], env=env).lines()

    # Not the usual port, which somebody may be using; services take their environment from here.
    place.run(["wine", "reg", "add", r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", "/v", "BELFRY_LISTEN",
               "/d", f"127.0.0.1:{port}", "/f"])
    place.restart_wine()

    place.step("it installs silently: the program, the service with its own account, the source in the event log")
    installer("/i", f"Z:{msi}")
    expect(program.exists(), f"{program} is missing")
    service = r"HKLM\SYSTEM\CurrentControlSet\Services\Belfry"
    path = registered(service, "ImagePath")
    expect("serve --service --data" in path and "ProgramData" in path, f"the service's command is {path!r}")
    expect(r"NT SERVICE\Belfry" in registered(service, "ObjectName"), "the service has an account of its own")
    source = registered(r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Belfry", "EventMessageFile")
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
    installer("/i", f"Z:{newer}")
    expect(program.exists(), f"{program} is gone")
    until("the service runs after the upgrade", lambda: service_state() == "RUNNING")
    expect(any("alice: hello" in line for line in belfry("history", "--room", "lobby")), "the history is there")
    program_before = program.stat().st_mtime_ns
    refused = place.run(["wine", "msiexec", "/i", f"Z:{msi}", "/qn"], exits=None, limit=180)
    expect(refused.process.returncode != 0 and program.stat().st_mtime_ns == program_before, "an older one is refused")

    place.step("it goes silently, and leaves the data")
    installer("/x", f"Z:{newer}")
    expect(not program.exists(), f"{program} is still there")
    expect(service_state() is None, "the service is still there")
    expect((data / "belfry.db").exists(), "the data is gone")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main("The server's installer under Wine", story)
