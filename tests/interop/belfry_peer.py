#!/usr/bin/env python3
"""A second implementation of Belfry's protocol, written from docs/PROTOCOL.md: signs in, speaks, listens, reads.

    belfry_peer.py --server HOST:PORT --user NAME --password P [--register] say TEXT | listen SECONDS | history

Everything happens in the lobby. Prints a line of JSON for each thing that happens. Ends with 0, or with 1 and a sentence.
Python 3.9 and the package `cryptography`.
"""

import argparse
import base64
import json
import os
import sys
import time

import words
from connection import Connection, Ended
from wire import Malformed

PATIENCE = 20
LOBBY = {"Room": "lobby"}
PAGE_ENTRIES_MAX = 500


class Refused(Exception):
    pass


class Peer:
    def __init__(self, connection):
        self.connection, self.next_id, self.places, self.delivered, self.listed = connection, 1, {}, {}, False
        self.newest, self.answers = {}, {}

    def ask(self, request):
        number, self.next_id = self.next_id, self.next_id + 1
        body = words.encode(words.FROM_CLIENT, {"id": number, "request": request})
        self.connection.send(words.channel_of(request), body)
        until = time.monotonic() + PATIENCE
        while number not in self.answers:
            if not self.work(until):
                raise Ended("the server does not answer the request")
        result = self.answers.pop(number)
        if "Err" in result:
            raise Refused(f"the server refused (reason {result['Err']})")
        return result["Ok"]

    def work(self, until):
        """Deals with one message; whether one came in time."""
        found = self.connection.poll(until)
        if found is None:
            return False
        channel, body = found
        try:
            message = words.decode(words.FROM_SERVER, body)
        except Malformed as error:
            self.connection.say_goodbye(13)
            raise Ended("the server has said something without meaning") from error
        if "Reply" in message:
            self.answers[message["Reply"]["id"]] = message["Reply"]["result"]
            return True
        (kind, event), = message["Event"].items()
        if (kind == "Notice") != (channel == words.NOTICES):
            self.connection.say_goodbye(13)
            raise Ended("a notice has come on the wrong channel")
        self.on_event(kind, event)
        return True

    def on_event(self, kind, event):
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

    def note(self, info, delivered):
        self.places[info["id"]] = info["place"]
        self.delivered.setdefault(info["id"], delivered)
        self.newest[info["id"]] = max(self.newest.get(info["id"], 0), info["last"])

    def show(self, message):
        self.delivered[message["conversation"]] = message["seq"]
        if self.listening:
            say({"event": "message", "place": self.places.get(message["conversation"]), **message})

    listening = False

    def catch_up(self):
        """Fetches what is missing before what has come, and everything again after a RESYNC."""
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

    # --- Commands ------------------------------------------------------------------------------------------------------------

    def say(self, text):
        post = {"outbox": int.from_bytes(os.urandom(8), "little"), "counter": 1}
        say({"event": "posted", **self.ask({"Post": {"post": post, "to": LOBBY, "text": text}})["Posted"]})

    def listen(self, seconds):
        self.listening = True
        while not self.listed:
            if not self.work(time.monotonic() + PATIENCE):
                raise Ended("the server does not list the conversations")
        say({"event": "connected"})
        until = time.monotonic() + seconds
        while self.work(until):
            self.catch_up()

    def history(self):
        page = self.ask({"FetchBefore": {"place": LOBBY, "before": None, "limit": PAGE_ENTRIES_MAX}})["Page"]
        for message in page["messages"]:
            say({"event": "message", "place": page["conversation"]["place"], **message})


def say(thing):
    print(json.dumps(thing), flush=True)


def public_key(written):
    letters = written.replace("-", "").replace(" ", "").upper()
    return base64.b32decode(letters + "=" * (-len(letters) % 8))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--key", type=public_key, help="the server's public key as its link shows it; without it whatever key it has")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--register", action="store_true", help="make the account first")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("say").add_argument("text")
    commands.add_parser("listen").add_argument("seconds", type=float)
    commands.add_parser("history")
    arguments = parser.parse_args()
    host, port = arguments.server.rsplit(":", 1)
    try:
        peer = Peer(Connection((host.strip("[]"), int(port)), trusted=arguments.key))
        peer.ask({"Register" if arguments.register else "SignIn": {"account": arguments.user, "password": arguments.password}})
        if arguments.command == "say":
            peer.say(arguments.text)
        elif arguments.command == "listen":
            peer.listen(arguments.seconds)
        else:
            peer.history()
        peer.connection.say_goodbye()
    except (Ended, Refused, OSError) as error:
        print(f"belfry_peer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
