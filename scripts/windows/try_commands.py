"""belfry.exe as server and as command line, with the Linux program on the other side: FOLDER LINUX-BELFRY WINDOWS-BELFRY."""

import json
import re
import sys
import time

from under_wine import expect, free_port, main

IDLE_SECONDS = 5
IDLE_CPU_MAX = 0.05

CHINESE = "王伟: 你好, grüße, привет"


class Side:
    """One system's program."""

    def __init__(self, place, name, words):
        self.place, self.name, self.words = place, name, words

    def start(self, *words, user=None, password="correct horse", server=None, **more):
        env = {"BELFRY_PASSWORD": password} if user else {}
        if user:
            words = (*words, "--user", user, "--server", server)
        return self.place.start([*self.words, *words], env=env | more.pop("env", {}), **more)

    def run(self, *words, exits=0, **more):
        program = self.start(*words, **more)
        code = program.wait()
        expect(code == exits, f"{program}: exit code {code} instead of {exits}.\n{program.said()}{program.complained()}")
        return program

    def serve(self, data, port):
        server = self.start("serve", "--listen", f"127.0.0.1:{port}", "--data", data, env={"BELFRY_ADMIN_PASSWORD": "correct horse"})
        join = server.until("it says how to join", lambda: re.search(r"^join (\S+)$", server.said(), re.M))
        expect(server.lines()[0] == f"listening on 127.0.0.1:{port}", f"the first line is {server.lines()[0]!r}")
        server.link = join.group(1)
        return server


def converse(place, home, away, port):
    """Accounts, messages, a notice and the ledger between a server's own system and the other one."""
    server = f"127.0.0.1:{port}"
    place.step(f"alice registers on {home.name}, bob on {away.name}")
    for side, user in ((home, "alice"), (away, "bob")):
        expect(side.run("register", user=user, server=server).lines() == [f"registered {user}"], "an account is made")

    place.step("messages of both have one order and every letter, on both sides")
    expect(home.run("send", "--room", "lobby", "hello", user="alice", server=server).lines() == ["1"], "the first message")
    expect(away.run("send", "--room", "lobby", CHINESE, user="bob", server=server).lines() == ["2"], "the second message")
    for side in (home, away):
        heard = side.run("history", "--room", "lobby", "--json", user="alice", server=server).events()
        said = [(message["seq"], message["from"], message["text"]) for message in heard]
        expect(said == [(1, "alice", "hello"), (2, "bob", CHINESE)], f"{side.name} has another history: {said}")

    place.step("lines from a pipe are all stored, in their order")
    typed = [f"line {n}" for n in range(40)]
    away.run("chat", user="bob", server=server, stdin="\r\n".join(typed) + "\r\n")
    heard = home.run("history", "--room", "lobby", "--limit", "40", "--json", user="alice", server=server).events()
    expect([message["text"] for message in heard] == typed, f"the history is {[message['text'] for message in heard]}")

    place.step("a listener hears a message, and a notice, which it answers; the ledger says so")
    listener = away.start("listen", "--json", "--acknowledge", user="bob", server=server)
    listener.event("it connects", event="connected")
    home.run("send", "--to", "bob", "are you there?", user="alice", server=server)
    listener.event("it hears the message", event="message", text="are you there?")
    for side, severity in ((home, "info"), (away, "important"), (home, "critical")):
        sent = side.run("notice", "send", "--severity", severity, "--title", f"Drill {severity}", "--to", "user:bob",
                        "--answers", "Safe,Need help", "--wait", "answered", "--timeout", "30s", "Leave by the nearest exit.",
                        user="admin", server=server)
        number = sent.lines()[0]
        listener.event("it hears the notice", event="notice", severity=severity, title=f"Drill {severity}")
        status = side.run("notice", "status", number, "--json", user="admin", server=server).events()
        expect(status[1]["account"] == "bob" and status[1]["answer"] == "Safe", f"the ledger says {json.dumps(status)}")

    place.step("who is here is the same for both")
    for side in (home, away):
        people = side.run("who", "--json", user="alice", server=server).events()
        here = {person["account"]: person["presence"] for person in people}
        expect(here["alice"] == here["bob"] == "online", f"{side.name} sees {here}")
    return listener


def refusals(place, side, port, link):
    """Exit codes and sentences of the contract."""
    place.step(f"refusals have their exit codes on {side.name}")
    wrong = side.run("who", user="alice", password="wrong password", server=f"127.0.0.1:{port}", exits=1)
    expect(wrong.complained().startswith("belfry: "), wrong.complained())
    forged = link.split("#")[0] + "#" + "a" * 52
    side.run("who", user="alice", server=forged, exits=4)
    side.run("who", "--connect-timeout", "2", user="alice", server=f"127.0.0.1:{free_port()}", exits=3)
    side.run("send", "--room", "lobby", exits=2)


def idle(place, *programs):
    """Nothing to do must cost nothing: a loop that spins shows here."""
    before = [program.cpu_seconds() for program in programs]
    time.sleep(IDLE_SECONDS)
    for program, used in zip(programs, before):
        share = (program.cpu_seconds() - used) / IDLE_SECONDS
        expect(share < IDLE_CPU_MAX, f"{program}: uses {share:.0%} of a processor while nothing happens")
        print(f"       idle {share:.1%}, {program.resident_mib():.0f} MiB resident: {' '.join(program.words[:3])}")


def windows_server(place, linux, windows):
    port = free_port()
    data = place.prefix / "drive_c" / "data"
    place.step("the Windows server starts and says where it is")
    server = windows.serve("C:\\data", port)
    listener = converse(place, linux, windows, port)
    refusals(place, linux, port, server.link)
    refusals(place, windows, port, server.link)

    place.step("a second server on the same port, and one in the same folder, are refused with a sentence")
    busy = windows.run("serve", "--listen", f"127.0.0.1:{port}", "--data", "C:\\other", exits=1)
    expect(f"Port {port} is already in use" in busy.complained(), busy.complained())
    expect(not (place.prefix / "drive_c" / "other").exists(), "a server that cannot listen touches nothing")
    busy = windows.run("serve", "--listen", f"127.0.0.1:{free_port()}", "--data", "C:\\data", exits=1)
    expect(busy.complained().startswith("belfry: "), busy.complained())

    place.step("server and listener cost nothing while nothing happens")
    idle(place, server, listener)

    place.step("Ctrl+C stops the server, which says goodbye; the listener comes back by itself and misses nothing")
    server.interrupt()
    expect(server.wait() == 0, "a server that is stopped exits 0")
    listener.event("it hears the goodbye", event="disconnected")
    server = windows.serve("C:\\data", port)
    linux.run("send", "--room", "lobby", "back again", user="alice", server=f"127.0.0.1:{port}")
    listener.event("it hears what comes later", event="message", text="back again")
    heard = [event["text"] for event in listener.events() if event["event"] == "message"]
    expect(len(heard) == len(set(heard)), f"something came twice: {heard}")

    place.step("a killed server loses nothing")
    server.kill()
    server = windows.serve("C:\\data", port)
    last = linux.run("history", "--room", "lobby", "--limit", "1", "--json", user="alice", server=f"127.0.0.1:{port}").events()
    expect([message["text"] for message in last] == ["back again"], f"the last message is {last}")
    expect((data / "identity.key").exists() and (data / "belfry.db").exists(), "the data is where it should be")

    place.step("Ctrl+C ends the listener with a goodbye")
    listener.interrupt()
    expect(listener.wait() == 0, "a listener that is stopped exits 0")
    server.interrupt()
    expect(server.wait() == 0, "a server that is stopped exits 0")


def linux_server(place, linux, windows):
    port = free_port()
    data = place.folder / "linux-data"
    place.step("the Linux server starts")
    server = linux.serve(str(data), port)
    # Another server at another address: what the profile remembers of it does not matter.
    listener = converse(place, linux, windows, port)
    place.step("a killed server comes back; the Windows listener does, too")
    server.kill()
    server = linux.serve(str(data), port)
    linux.run("send", "--room", "lobby", "after the crash", user="alice", server=f"127.0.0.1:{port}")
    listener.event("it hears what comes later", event="message", text="after the crash")
    listener.interrupt()
    expect(listener.wait() == 0, "a listener that is stopped exits 0")
    server.interrupt()
    expect(server.wait() == 0, "a server that is stopped exits 0")


def story(place, linux, windows):
    place.lend_shim(windows.parent)
    linux = Side(place, "Linux", [linux])
    windows = Side(place, "Windows", ["wine", windows])
    said = windows.run("--version").said()
    expect(said == linux.run("--version").said(), f"the programs have different versions: {said}")
    windows_server(place, linux, windows)
    linux_server(place, linux, windows)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main("The command line under Wine", story)
