#!/usr/bin/env python3
"""Reads every published vector, and writes it again byte for byte; refuses what must be refused.

    check_vectors.py [FOLDER]         the vectors beside this file unless another folder is named

Says what does not agree and ends with 1; or how many cases agree and ends with 0.
"""

import json
import sys
import zlib
from pathlib import Path

import channels
import connection
import handshake
import noise
import wire
import words
from wire import Malformed

# At least so many of each kind, so that a file that was cut or emptied is noticed.
DATAGRAMS_EACH, FRAMES_EACH, HANDSHAKES, REJECTS = 5, 5, 10, 20
FILES = ["datagrams", "frames", "messages", "handshakes", "rejects", "limits"]
ONE_SPELLING = {"PADDING": 4, "PING": 1, "BLOCKED": 4}


class Check:
    def __init__(self):
        self.agree, self.failures = 0, []

    def same(self, what, made, wanted):
        if made == wanted:
            self.agree += 1
        else:
            self.failures.append(f"{what}:\n  made   {shown(made)}\n  wanted {shown(wanted)}")

    def refused(self, what, read):
        try:
            made = read()
        except Malformed:
            self.agree += 1
        else:
            self.failures.append(f"{what}: must be refused and is read as {shown(made)}")

    def at_least(self, what, count, wanted):
        if count < wanted:
            self.failures.append(f"{what}: only {count} cases of {wanted}")


def shown(value):
    return str(value.hex() if isinstance(value, bytes) else value)[:500]


def datagrams(check, cases):
    counts = {}
    for at, case in enumerate(cases):
        what, data = f"datagrams.json case {at}", bytes.fromhex(case["bytes"])
        found = wire.decode_datagram(data)
        check.same(what, found, case["meaning"])
        if case.get("canonical", True):
            counts[found["type"]] = counts.get(found["type"], 0) + 1
            again = wire.encode_datagram(found)
            check.same(f"{what}, written again", again, data[: len(again)] if found["type"] == "PROTECTED" else data)
    for kind in [*wire.NUMBERS, "PROTECTED"]:
        check.at_least(f"datagrams.json, {kind}", counts.get(kind, 0), DATAGRAMS_EACH)


def frames(check, cases):
    counts = {}
    for at, case in enumerate(cases):
        what, data = f"frames.json case {at}", bytes.fromhex(case["bytes"])
        found = list(wire.decode_frames(data))
        check.same(what, found, case["frames"])
        check.same(f"{what}, written again", b"".join(map(wire.encode_frame, found)), data)
        check.same(f"{what}, whether it asks", any(map(wire.asks, found)), case["asks"])
        for kind in {frame["type"] for frame in found}:
            counts[kind] = counts.get(kind, 0) + 1
    kinds = "PADDING PING ACK DATA MAX_DATA BLOCKED ACK_SPREAD PATH_CHALLENGE PATH_RESPONSE RESYNC CLOSE GOAWAY KEY_ANNOUNCE EXTENSION"
    for kind in kinds.split():
        check.at_least(f"frames.json, {kind}", counts.get(kind, 0), ONE_SPELLING.get(kind, FRAMES_EACH))


FORMS = {"from_client": words.FROM_CLIENT, "from_server": words.FROM_SERVER}


def messages(check, cases):
    seen = set()
    for at, case in enumerate(cases):
        what, data, form = f"messages.json case {at}", bytes.fromhex(case["bytes"]), FORMS[case["kind"]]
        try:
            found = words.decode(form, data)
        except Malformed as error:
            check.failures.append(f"{what} cannot be read ({error}): {shown(case['meaning'])}")
            continue
        check.same(what, found, case["meaning"])
        check.same(f"{what}, written again", words.encode(form, found), data)
        seen |= variants(found)
    wanted = [("Request", row[0]) for row in words.REQUESTS] + [("Answer", row[0]) for row in words.ANSWERS]
    for kind, name in wanted + [("Event", row[0]) for row in words.EVENTS]:
        check.at_least(f"messages.json, {kind} {name}", (kind, name) in seen, 1)


def variants(found):
    """Which request, answer or event a message is."""
    if "request" in found:
        kind, value = "Request", found["request"]
    elif "Event" in found:
        kind, value = "Event", found["Event"]
    else:
        kind, value = "Answer", found["Reply"]["result"].get("Ok", "")
    return {(kind, value if isinstance(value, str) else next(iter(value)))}


class Handshake:
    """A published handshake, from its private keys on."""

    def __init__(self, case):
        self.case = case
        raw = {name: bytes.fromhex(value) for name, value in case.items() if isinstance(value, str) and name != "what"}
        self.raw, self.identities = raw, [bytes.fromhex(identity) for identity in case["identities"]]
        self.identity = self.identities[case["greeted"]]
        self.prologue = noise.prologue(wire.VERSION, case["server_versions"], raw["nonce"])

    def initiator(self):
        server, raw = noise.public_of(self.identity), self.raw
        return noise.Initiator(raw["device"], server, raw["site_key"], self.prologue, raw["client_ephemeral"])

    def responder(self):
        return noise.Responder(self.identity, self.raw["site_key"], self.prologue, self.raw["server_ephemeral"])

    def shake(self):
        """Both messages, and the secrets that each side has."""
        initiator, responder = self.initiator(), self.responder()
        first = initiator.first(self.raw["client_parameters"])
        device, offer = responder.first(first)
        second, servers = responder.second(self.raw["server_parameters"])
        choice, clients = initiator.second(second)
        return first, second, (device, offer, choice), servers, clients

    def key(self, direction):
        secrets = self.shake()[-1]
        which = noise.TO_SERVER if direction == "to_server" else noise.TO_CLIENT
        return noise.Key(secrets[which - 1], self.case["cipher"], which)


def handshakes(check, cases):
    check.at_least("handshakes.json", len(cases), HANDSHAKES)
    for at, case in enumerate(cases):
        what, shaken = f"handshakes.json case {at} ({case['what']})", Handshake(case)
        raw, session, public = shaken.raw, case["client_session"], [noise.public_of(identity) for identity in shaken.identities]
        first, second, read, servers, clients = shaken.shake()
        check.same(f"{what}: what each side reads", read, (noise.public_of(raw["device"]), raw["client_parameters"], raw["server_parameters"]))
        check.same(f"{what}: the secrets", servers, clients)
        hello0 = {"type": "HELLO0", "nonce": case["nonce"], "send_key": case["send_key"], "versions": [wire.VERSION]}
        retry = {"type": "RETRY", "nonce": case["nonce"], "cookie": case["cookie"], "key_ids": [key[:8].hex() for key in public]}
        retry.update(key=public[0].hex() if case["send_key"] else None, versions=case["server_versions"])
        hello = {"type": "HELLO", "from": session, "nonce": case["nonce"], "cookie": case["cookie"], "noise": first.hex()}
        response = {"type": "RESPONSE", "to": session, "noise": second.hex()}
        for name, meaning in (("hello0", hello0), ("retry", retry), ("hello", hello), ("response", response)):
            check.same(f"{what}: {name}", wire.encode_datagram(meaning), raw[name])
            check.same(f"{what}: {name}, read", wire.decode_datagram(raw[name]), meaning)
        parameters(check, what, shaken)
        for packet in case["packets"]:
            seal(check, f"{what}: packet {packet['number']} {packet['direction']}", shaken, packet)


def parameters(check, what, shaken):
    raw, case = shaken.raw, shaken.case
    offer = noise.decode_parameters(raw["client_parameters"], noise.CLIENT_PARAMETERS)
    check.same(f"{what}: the client's number", int.from_bytes(offer[1], "little"), case["client_session"])
    check.same(f"{what}: the cipher", next(cipher for cipher in offer[3] if cipher in noise.CIPHERS), case["cipher"])
    token = noise.reset_token(shaken.identities[0], case["server_session"])
    choice = {1: case["server_session"].to_bytes(4, "little"), 3: bytes([case["cipher"]]), 4: token, 8: raw["renewal_secret"]}
    check.same(f"{what}: the server's parameters", noise.encode_parameters(choice), raw["server_parameters"])
    check.same(f"{what}: the server's parameters, read", noise.decode_parameters(raw["server_parameters"], noise.SERVER_PARAMETERS), choice)


def seal(check, what, shaken, packet):
    key, inside, datagram = shaken.key(packet["direction"]), bytes.fromhex(packet["frames"]), bytes.fromhex(packet["datagram"])
    to = shaken.case["server_session" if packet["direction"] == "to_server" else "client_session"]
    head = wire.protected_head(to, packet["epoch"], packet["number"])
    check.same(what, key.seal(packet["number"], head, inside), datagram)
    number = noise.whole_number(wire.decode_datagram(datagram)["number"], packet["expected"])
    check.same(f"{what}, its number", number, packet["number"])
    check.same(f"{what}, opened", key.open(number, datagram), inside)


def limits(check, cases):
    """Numbers that both sides must have the same: a smaller one here would take an honest server for one that breaks the rules."""
    known = {
        "DATAGRAM_BYTES": wire.DATAGRAM_BYTES,
        "DATAGRAM_BYTES_MAX": wire.DATAGRAM_BYTES_MAX,
        "DISCOVER_BYTES": wire.DISCOVER_BYTES,
        "CLIENT_DATAGRAM_BYTES_MIN": wire.CLIENT_BYTES_MIN,
        "FRAMES_PER_DATAGRAM_MAX": connection.FRAMES_MAX,
        "ACK_RANGES_SENT_MAX": connection.RANGES_SENT,
        "ACK_DELAY_MAX_MILLIS": round(connection.ACK_DELAY * 1000),
        "UNREACHABLE_AFTER_MILLIS": round(connection.UNREACHABLE_AFTER * 1000),
        "HANDSHAKE_TIMEOUT_MILLIS": round(handshake.GIVE_UP_AFTER * 1000),
        "MESSAGE_BYTES_MAX": words.MESSAGE_BYTES_MAX,
        "MESSAGES_IN_FLIGHT_MAX": channels.MESSAGES_AHEAD_MAX,
        "FRAGMENTED_MESSAGES_MAX": channels.FRAGMENTED_MAX,
        "FRAGMENT_BYTES_MIN": channels.FRAGMENT_MIN,
        "MESSAGE_BYTES_TO_CLIENT_MAX": channels.MESSAGE_MAX,
        "CREDIT_TO_SERVER": channels.CREDIT_TO_SERVER,
        "CREDIT_TO_CLIENT": channels.CREDIT_TO_CLIENT,
        "FILE_WINDOW_BYTES": channels.FILE_WINDOW,
    }
    for case in cases:
        check.same(f"limits.json, {case['name']}", known.get(case["name"]), case["value"])
    check.at_least("limits.json", len(cases), len(known))


def rejects(check, cases, shaken):
    check.at_least("rejects.json", len(cases), REJECTS)
    for at, case in enumerate(cases):
        data = bytes.fromhex(case["bytes"])
        which = Handshake(shaken[case["handshake"]]) if "handshake" in case else None
        check.refused(f"rejects.json case {at} ({case['what']})", lambda: reading(case, data, which))


def reading(case, data, shaken):
    kind = case["kind"]
    if kind == "datagram":
        return wire.decode_datagram(data)
    if kind == "frames":
        return list(wire.decode_frames(data))
    if kind in FORMS:
        return words.decode(FORMS[kind], data)
    if kind == "client_parameters":
        return noise.decode_parameters(data, noise.CLIENT_PARAMETERS)
    if kind == "server_parameters":
        return noise.decode_parameters(data, noise.SERVER_PARAMETERS)
    if kind == "first_message":
        return shaken.responder().first(data)
    if kind == "second_message":
        initiator = shaken.initiator()
        initiator.first(shaken.raw["client_parameters"])
        return initiator.second(data)
    if kind == "packet":
        return shaken.key("to_server").open(case["number"], data)
    raise ValueError(f"a kind that nobody knows: {kind}")


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "vectors"
    files = {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in FILES}
    check = Check()
    # The checksum that everything leans on, by its well-known value.
    check.same("CRC32", zlib.crc32(b"123456789"), 0xCBF43926)
    datagrams(check, files["datagrams"])
    frames(check, files["frames"])
    messages(check, files["messages"])
    handshakes(check, files["handshakes"])
    rejects(check, files["rejects"], files["handshakes"])
    limits(check, files["limits"])
    for failure in check.failures:
        print(failure, file=sys.stderr)
    if check.failures:
        return 1
    print(f"{sum(map(len, files.values()))} vectors, {check.agree} comparisons: both implementations agree.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
