"""The client's handshake of docs/protocol/handshake.md: HELLO0, RETRY, HELLO, RESPONSE; for a new connection or for new keys."""

import os
import time

import noise
import wire
from wire import Malformed

FIRST_PAUSE, PAUSE, HELLO_TRIES, GIVE_UP_AFTER = 0.3, 1.0, 4, 10.0
CIPHERS_WANTED = b"\1\2"
VERSION, KEY_CHANGED = 9, 10


class Ended(Exception):
    """The connection cannot be made or is over; with the code that the server gave, if it gave one."""

    def __init__(self, why, code=None):
        super().__init__(why)
        self.code = code


class Handshake:
    """`due` says what to send, `on` takes what arrives; keeps no socket and no other state than its own."""

    def __init__(self, device, site_key, trusted, session, previous=None):
        self.device, self.site_key, self.trusted, self.session, self.previous = device, site_key, trusted, session, previous
        self.nonce, self.started = os.urandom(8).hex(), time.monotonic()
        self.hello, self.initiator, self.tries, self.next_at = None, None, 0, self.started
        self.hello0 = wire.encode_datagram({"type": "HELLO0", "nonce": self.nonce, "send_key": True, "versions": [wire.VERSION]})

    def due(self, now):
        """The datagram to send now, if it is time."""
        if now - self.started >= GIVE_UP_AFTER:
            raise Ended("the server does not answer")
        if now < self.next_at:
            return None
        if self.hello and self.tries >= HELLO_TRIES:
            # The cookie may have grown too old: asks for another.
            self.hello = self.initiator = None
        self.next_at = now + (FIRST_PAUSE if self.tries == 0 else PAUSE)
        self.tries += 1
        return self.hello or self.hello0

    def on(self, found):
        """What came of it: remote number, token, secret for the next keys, sealing and opening key, the server's key; or nothing."""
        if found["type"] == "RETRY" and found["nonce"] == self.nonce and not self.hello:
            self.greet(found)
        elif found["type"] == "REJECT" and found["nonce"] == self.nonce:
            raise Ended(f"the server refuses (code {found['code']})", found["code"])
        elif found["type"] == "RESPONSE" and found["to"] == self.session and self.initiator:
            return self.finish(bytes.fromhex(found["noise"]))
        return None

    def greet(self, retry):
        if self.trusted:
            known = [key for key in self.trusted if key[:8].hex() in retry["key_ids"]]
            if not known:
                raise Ended("the server's identity has changed", KEY_CHANGED)
            self.server = known[0]
        elif retry["key"]:
            self.server = bytes.fromhex(retry["key"])
        else:
            return
        if wire.VERSION not in retry["versions"]:
            raise Ended("the server speaks another version", VERSION)
        prologue = noise.prologue(wire.VERSION, retry["versions"], bytes.fromhex(self.nonce))
        self.initiator = noise.Initiator(self.device, self.server, self.site_key, prologue, os.urandom(32))
        parameters = {1: self.session.to_bytes(4, "little"), 3: CIPHERS_WANTED}
        if self.previous is not None:
            remote, secret = self.previous
            parameters[6] = remote.to_bytes(4, "little") + secret
        first = self.initiator.first(noise.encode_parameters(parameters))
        hello = {"type": "HELLO", "from": self.session, "nonce": self.nonce, "cookie": retry["cookie"], "noise": first.hex()}
        self.hello, self.tries, self.next_at = wire.encode_datagram(hello), 0, time.monotonic()

    def finish(self, message):
        payload, secrets = self.initiator.second(message)
        parameters = noise.decode_parameters(payload, noise.SERVER_PARAMETERS)
        cipher = parameters[3][0]
        if cipher not in CIPHERS_WANTED:
            raise Malformed("a cipher that nobody offered")
        sealing = noise.Key(secrets[0], cipher, noise.TO_SERVER)
        opening = noise.Key(secrets[1], cipher, noise.TO_CLIENT)
        return int.from_bytes(parameters[1], "little"), parameters[4], parameters[8], sealing, opening, self.server
