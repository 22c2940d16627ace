#!/usr/bin/env python3
"""A second implementation of Belfry's protocol, written from docs/PROTOCOL.md: signs in, speaks, listens, reads, answers notices, sends and fetches files.

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
from blake3 import blake3
from connection import Connection, Ended
from wire import Malformed

PATIENCE, RECONNECT_WITHIN, RECONNECT_MAX = 20, 60, 10
PAGE_ENTRIES_MAX = 500
PROTOCOL_VIOLATION = 13
UNKNOWN_NOTICE = 11
# After these somebody has to do something first: replaced, device revoked, account disabled, another version, another key.
FINAL = {3, 7, 8, 9, 10}


class Refused(Exception):
    """The server has said no."""

    def __init__(self, number):
        super().__init__(f"the server refused (reason {number})")
        self.number = number


class Peer:
    """One person's program, over as many connections as it takes. `connect` makes one, `sign_in` is the first request on each."""

    def __init__(self, connect, sign_in, on_message=None, answer=None):
        self.connect, self.sign_in, self.on_message, self.answer = connect, sign_in, on_message, answer
        self.places, self.delivered, self.newest, self.listed, self.listed_before = {}, {}, {}, False, False
        # Open notices as last told, and when to report what about which.
        self.notices, self.due = {}, []
        self.arrive()

    def arrive(self):
        """Connects and signs in."""
        self.connection = self.connect()
        self.connection.on_renewed = lambda: say({"event": "renewed"})
        self.connection.on_announced = lambda key: say({"event": "new_server_key", "key": written(key)})
        self.next_id, self.answers, self.listed = 1, {}, False
        welcome = self.ask(self.sign_in)["Welcome"]
        server = {"server": written(self.connection.trusted[0]), "first_use": self.connection.first_use}
        say({"event": "signed_in", "account": welcome["account"], "role": welcome["role"], **server})

    def return_after(self, lost):
        """Makes a new connection in place of one that was lost, later and later, unless nothing else would come of it."""
        give_up_at, longest = time.monotonic() + RECONNECT_WITHIN, 0.5
        while lost.code not in FINAL and time.monotonic() < give_up_at:
            say({"event": "disconnected", "reason": str(lost)})
            pause = self.connection.goes_away
            time.sleep((pause[0] + random.uniform(0, pause[1])) / 1000 if pause else random.uniform(0, longest))
            longest = min(2 * longest, RECONNECT_MAX)
            try:
                self.arrive()
                return
            except Ended as again:
                lost = again
        raise lost

    # --- Asking --------------------------------------------------------------------------------------------------------------

    def ask_until_answered(self, request):
        """Asks again on a new connection, where the answer to the first is lost: only what does no harm the second time."""
        while True:
            try:
                return self.ask(request)
            except Ended as lost:
                self.return_after(lost)

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
                # What began while one was away is news from its first message on, a room from when one came into it.
                self.note(info, info["since"] if self.listed_before else info["last"])
            self.listed = not event["more"]
            self.listed_before |= self.listed
        elif kind == "Conversation":
            self.note(event, event["since"])
        elif kind == "Left":
            for known in (self.places, self.delivered, self.newest):
                known.pop(event, None)
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
        for entry in [entry for entry in self.due if entry[0] <= time.monotonic()]:
            _, what, number = entry
            if what == "FetchNotice":
                self.fetch_notice(number)
            elif number in self.notices:
                self.give_receipts(self.notices[number])
            # Not before: a connection that is lost meanwhile leaves it due.
            self.due.remove(entry)

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
            say({"event": "posted", **self.ask_until_answered({"Post": {"post": post, "to": place, "room": None, "text": text, "reply_to": None}})["Posted"]})

    def send_file(self, place, path):
        content = path.read_bytes()
        digest = list(blake3(content))
        while True:
            try:
                self.upload(place, content, digest)
                break
            except Ended as lost:
                self.return_after(lost)
        post = {"outbox": int.from_bytes(os.urandom(8), "little"), "counter": 1}
        said = {"post": post, "to": place, "room": None, "text": path.name, "name": path.name, "hash": digest}
        say({"event": "posted", **self.ask_until_answered({"PostFile": said})["Posted"]})

    def upload(self, place, content, digest):
        self.connection.take_files()
        offer = {"to": place, "room": None, "bytes": len(content), "hash": digest}
        there = self.ask({"OfferFile": offer})["Upload"]["from"]
        say({"event": "upload", "from": there})
        while there < len(content):
            block = {"hash": digest, "offset": there, "block": list(content[there : there + words.FILE_BLOCK_BYTES])}
            there = self.ask({"SendBlock": block})["Received"]["upto"]

    def get_file(self, number, path):
        shared = self.ask_until_answered({"FetchFile": {"file": number}})["File"]
        wanted, content = shared["attachment"], b""
        while len(content) < wanted["bytes"]:
            self.connection.take_files()
            content += bytes(self.ask_until_answered({"FetchBlock": {"file": number, "offset": len(content)}})["Block"])
        if list(blake3(content)) != wanted["hash"]:
            raise Ended("what has come is not what was sent")
        path.write_bytes(content)
        say({"event": "fetched", "name": wanted["name"], "bytes": wanted["bytes"], "from": shared["from"]})

    def listen(self, seconds):
        until = time.monotonic() + seconds
        while True:
            try:
                return self.listen_while_connected(until)
            except Ended as lost:
                self.return_after(lost)

    def listen_while_connected(self, until):
        patience = time.monotonic() + PATIENCE
        while not self.listed:
            if not self.work(patience):
                raise Ended("the server does not list the conversations")
        self.catch_up()
        say({"event": "connected"})
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
    send_file = commands.add_parser("send-file")
    send_file.add_argument("path", type=Path)
    send_file.add_argument("--to", type=place_of, default="lobby", help="a room, or @somebody")
    get_file = commands.add_parser("get-file")
    get_file.add_argument("number", type=int)
    get_file.add_argument("path", type=Path)
    commands.add_parser("discover")
    return parser.parse_args()


def sign_in_of(arguments, how):
    if arguments.password is None:
        return {"SignInByDevice": {"account": arguments.user}}
    return {how: {"account": arguments.user, "password": arguments.password, "remember": arguments.remember}}


def converse(arguments, address):
    device, trusted = device_key(arguments.device), [arguments.key] if arguments.key else []

    def connect():
        nonlocal trusted
        connection = Connection(address, device, trusted=trusted, key_life=arguments.renew)
        # From now on this server and no other; the list grows when it names a new key.
        trusted = connection.trusted
        return connection

    listens = arguments.command == "listen"
    first = sign_in_of(arguments, "Register" if arguments.register else "SignIn")
    peer = Peer(connect, first, on_message=say if listens else None, answer=arguments.answer if listens else None)
    peer.sign_in = sign_in_of(arguments, "SignIn")
    if arguments.command == "say":
        peer.say(arguments.to, arguments.text)
    elif listens:
        peer.listen(arguments.seconds)
    elif arguments.command == "send-file":
        peer.send_file(arguments.to, arguments.path)
    elif arguments.command == "get-file":
        peer.get_file(arguments.number, arguments.path)
    else:
        peer.history(arguments.to, arguments.limit)
    peer.connection.say_goodbye()


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
