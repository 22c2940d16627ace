#!/usr/bin/env python3
"""A second implementation of Belfry's protocol, written from docs/PROTOCOL.md: signs in, speaks, listens, reads, answers notices.

    belfry_peer.py --server HOST:PORT --user NAME [--password P] [--register] [--device FILE] COMMAND
    belfry_peer.py --server HOST:PORT discover

Prints a line of JSON for each thing that happens. Ends with 0, or with 1 and a sentence. Python 3.9 and the package `cryptography`.
"""

import argparse
import base64
import json
import os
import random
import socket
import sys
import time
from pathlib import Path

import wire
import words
from connection import Connection, Ended
from wire import Malformed

PATIENCE = 20
PAGE_ENTRIES_MAX = 500
PROTOCOL_VIOLATION = 13
UNKNOWN_NOTICE = 11


class Refused(Exception):
    """The server has said no."""

    def __init__(self, number):
        super().__init__(f"the server refused (reason {number})")
        self.number = number


class Peer:
    def __init__(self, connection, on_message=None, answer=None):
        self.connection, self.on_message, self.answer = connection, on_message, answer
        self.next_id, self.answers, self.listed = 1, {}, False
        self.places, self.delivered, self.newest = {}, {}, {}
        # Open notices as last told, and when to report what about which.
        self.notices, self.due = {}, []
        connection.on_renewed = lambda: say({"event": "renewed"})

    # --- Asking --------------------------------------------------------------------------------------------------------------

    def ask(self, request, answer_channel=None):
        number, self.next_id = self.next_id, self.next_id + 1
        body = words.encode(words.FROM_CLIENT, {"id": number, "request": request})
        self.connection.send(words.channel_of(request), body)
        until = time.monotonic() + PATIENCE
        while number not in self.answers:
            if not self.work(until):
                raise Ended("the server does not answer the request")
        channel, result = self.answers.pop(number)
        if "Err" in result:
            raise Refused(result["Err"])
        if answer_channel not in (None, channel):
            raise Ended("an answer has come on a channel on which it does not count")
        return result["Ok"]

    def work(self, until):
        """Deals with one message; whether one came in time."""
        found = self.connection.poll(until)
        if found is None:
            return False
        channel, body, spread = found
        try:
            message = words.decode(words.FROM_SERVER, body)
        except Malformed as error:
            self.connection.say_goodbye(PROTOCOL_VIOLATION)
            raise Ended("the server has said something without meaning") from error
        if "Reply" in message:
            self.answers[message["Reply"]["id"]] = (channel, message["Reply"]["result"])
            return True
        ((kind, event),) = message["Event"].items()
        # A notice is official only because of the channel it comes on.
        if (words.EVENT_CHANNELS[kind] == words.NOTICES) != (channel == words.NOTICES):
            self.connection.say_goodbye(PROTOCOL_VIOLATION)
            raise Ended("a notice has come on the wrong channel")
        self.on_event(kind, event, spread)
        return True

    def on_event(self, kind, event, spread):
        if kind == "Conversations":
            for info in event["conversations"]:
                self.note(info, info["last"])
            self.listed = not event["more"]
        elif kind == "Conversation":
            self.note(event, 0)
        elif kind == "Message":
            conversation = event["conversation"]
            self.newest[conversation] = max(self.newest.get(conversation, 0), event["seq"])
            if event["seq"] == self.delivered.get(conversation, 0) + 1:
                self.show(event)
        elif kind == "Notice":
            self.on_notice(event, spread)
        elif kind == "OpenNotices":
            self.due += [(0, "FetchNotice", notice) for notice in self.notices if notice not in event]

    # --- Messages ------------------------------------------------------------------------------------------------------------

    def note(self, info, delivered):
        self.places[info["id"]] = info["place"]
        self.delivered.setdefault(info["id"], delivered)
        self.newest[info["id"]] = max(self.newest.get(info["id"], 0), info["last"])

    def show(self, message):
        self.delivered[message["conversation"]] = message["seq"]
        if self.on_message:
            self.on_message({"event": "message", "place": self.places.get(message["conversation"]), **message})

    def catch_up(self):
        """Fetches what is missing before what has come, and everything again after a RESYNC; reports what is due."""
        if self.connection.resyncs:
            self.connection.resyncs.clear()
            self.ask("Sync")
        for conversation, newest in list(self.newest.items()):
            while (after := self.delivered.get(conversation, 0)) < newest:
                page = self.ask({"FetchAfter": {"conversation": conversation, "after": after, "limit": PAGE_ENTRIES_MAX}})["Page"]
                for message in page["messages"]:
                    if message["seq"] > self.delivered.get(conversation, 0):
                        self.show(message)
                if self.delivered.get(conversation, 0) == after:
                    self.newest[conversation] = newest = after
        self.report()

    # --- Notices -------------------------------------------------------------------------------------------------------------

    def on_notice(self, notice, spread):
        known = self.notices.get(notice["id"])
        if notice["state"] != "Open":
            if self.notices.pop(notice["id"], None):
                say({"event": "notice", **notice})
            return
        if known == notice or (known is None and notice["answered"]):
            return
        self.notices[notice["id"]] = notice
        say({"event": "notice", **notice})
        if known is None or known["revision"] < notice["revision"]:
            # Others got it at the same time: not all of them should say so at once.
            self.due.append((time.monotonic() + random.uniform(0, spread), "Reached", notice["id"]))

    def report(self):
        """The receipts whose time has come: reached, and if somebody answers here, visible and the answer."""
        now = time.monotonic()
        due, self.due = [entry for entry in self.due if entry[0] <= now], [entry for entry in self.due if entry[0] > now]
        for _, what, number in due:
            if what == "FetchNotice":
                self.fetch_notice(number)
            elif number in self.notices:
                self.give_receipts(self.notices[number])

    def give_receipts(self, notice):
        receipts = ["Reached"]
        if self.answer is not None:
            receipts += ["Visible", {"Answered": self.answer}]
        for receipt in receipts:
            try:
                self.ask({"Receipt": {"notice": notice["id"], "revision": notice["revision"], "receipt": receipt}})
            except Refused as refused:
                say({"event": "refused", "notice": notice["id"], "receipt": receipt, "reason": refused.number})
                return
            say({"event": "receipt", "notice": notice["id"], "receipt": receipt})

    def fetch_notice(self, number):
        """What became of a notice that is not open any more."""
        try:
            self.on_notice(self.ask({"FetchNotice": {"notice": number}}, words.NOTICES)["Notice"], 0)
        except Refused as refused:
            if refused.number != UNKNOWN_NOTICE:
                raise
            self.notices.pop(number, None)

    # --- Commands ------------------------------------------------------------------------------------------------------------

    def say(self, place, texts):
        outbox = int.from_bytes(os.urandom(8), "little")
        for counter, text in enumerate(texts, 1):
            post = {"outbox": outbox, "counter": counter}
            say({"event": "posted", **self.ask({"Post": {"post": post, "to": place, "text": text}})["Posted"]})

    def listen(self, seconds):
        until = time.monotonic() + PATIENCE
        while not self.listed:
            if not self.work(until):
                raise Ended("the server does not list the conversations")
        say({"event": "connected"})
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            # At the latest when a receipt is due.
            self.work(min([until, *(at for at, _, _ in self.due)]))
            self.catch_up()

    def history(self, place, limit):
        messages, before = [], None
        while limit > len(messages):
            wanted = min(limit - len(messages), PAGE_ENTRIES_MAX)
            page = self.ask({"FetchBefore": {"place": place, "before": before, "limit": wanted}})["Page"]
            messages = page["messages"] + messages
            if not page["messages"] or page["messages"][0]["seq"] == 1:
                break
            before = page["messages"][0]["seq"]
        for message in messages:
            say({"event": "message", "place": place, **message})


def say(thing):
    print(json.dumps(thing), flush=True)


def discover(address):
    """Asks one address which server is there, as broadcasts ask everybody."""
    nonce = os.urandom(8).hex()
    family = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family[0], socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.7)
        for _ in range(3):
            asking.sendto(wire.encode_datagram({"type": "DISCOVER", "nonce": nonce}), family[4])
            try:
                found = wire.decode_datagram(asking.recv(wire.DATAGRAM_BYTES_MAX))
            except (socket.timeout, Malformed):
                continue
            if found["type"] == "HERE" and found["nonce"] == nonce:
                say({"event": "here", "name": found["name"], "program": found["program"], "key": written(bytes.fromhex(found["key"]))})
                return
    raise Ended("nobody answers")


def written(key):
    return base64.b32encode(key).decode().rstrip("=").lower()


def public_key(typed):
    letters = typed.replace("-", "").replace(" ", "").upper()
    return base64.b32decode(letters + "=" * (-len(letters) % 8))


def place_of(typed):
    return {"Direct": typed[1:]} if typed.startswith("@") else {"Room": typed}


def device_key(file):
    """The device's private key: the file's, which is made if it is not there; or one for this once."""
    if file is None:
        return os.urandom(32)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(os.urandom(32))
    return file.read_bytes()


def arguments_of(parser):
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--key", type=public_key, help="the server's public key as its link shows it; without it whatever key it has")
    parser.add_argument("--user")
    parser.add_argument("--password", help="without it the device has to be known")
    parser.add_argument("--register", action="store_true", help="make the account first")
    parser.add_argument("--remember", action="store_true", help="let the device sign in without the password from now on")
    parser.add_argument("--device", type=Path, metavar="FILE", help="where the device's key is kept")
    parser.add_argument("--renew", type=float, metavar="SECONDS", help="make new keys after so long instead of an hour")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("say", "history"):
        commands.add_parser(command).add_argument("--to", type=place_of, default="lobby", help="a room, or @somebody")
    commands.choices["say"].add_argument("text", nargs="+")
    commands.choices["history"].add_argument("--limit", type=int, default=50)
    listen = commands.add_parser("listen")
    listen.add_argument("seconds", type=float)
    listen.add_argument("--answer", type=int, metavar="N", help="give each notice this answer, counted from 0")
    commands.add_parser("discover")
    return parser.parse_args()


def sign_in(peer, arguments):
    if arguments.password is None:
        request = {"SignInByDevice": {"account": arguments.user}}
    else:
        how = "Register" if arguments.register else "SignIn"
        request = {how: {"account": arguments.user, "password": arguments.password, "remember": arguments.remember}}
    welcome = peer.ask(request)["Welcome"]
    key = written(peer.connection.trusted[0])
    say({"event": "signed_in", "account": welcome["account"], "role": welcome["role"], "server": key, "first_use": peer.connection.first_use})


def converse(arguments, address):
    trusted = [arguments.key] if arguments.key else []
    connection = Connection(address, device_key(arguments.device), trusted=trusted, key_life=arguments.renew)
    if arguments.command == "listen":
        peer = Peer(connection, on_message=say, answer=arguments.answer)
    else:
        peer = Peer(connection)
    sign_in(peer, arguments)
    if arguments.command == "say":
        peer.say(arguments.to, arguments.text)
    elif arguments.command == "listen":
        peer.listen(arguments.seconds)
    else:
        peer.history(arguments.to, arguments.limit)
    connection.say_goodbye()


def main():
    arguments = arguments_of(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    host, port = arguments.server.rsplit(":", 1)
    address = (host.strip("[]"), int(port))
    try:
        discover(address) if arguments.command == "discover" else converse(arguments, address)
    except (Ended, Refused, OSError) as error:
        print(f"belfry_peer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
