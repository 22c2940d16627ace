"""One connection of docs/PROTOCOL.md from the client's side: handshake, packets, acknowledgements, channels, goodbye."""

import os
import random
import select
import socket
import time
import zlib

import noise
import wire
from wire import Malformed

CREDIT_TO_SERVER = [16 << 10, 0, 128 << 10, 16 << 10]
CREDIT_TO_CLIENT = [16 << 10, 128 << 10, 256 << 10, 256 << 10]
MESSAGE_MAX = [4 << 10, 64 << 10, 64 << 10, 64 << 10]
WHOLE_MAX = 1000
IN_FLIGHT_MAX = 10
ACK_DELAY = 0.025
PROBE_FIRST, PROBE_MAX, UNREACHABLE_AFTER = 0.3, 1.0, 4.0
REORDER = 3
FLOW_CONTROL, FRAME_ENCODING, PROTOCOL_VIOLATION, LIMIT_EXCEEDED, MESSAGE_CRC = 11, 12, 13, 14, 17


class Ended(Exception):
    """The connection cannot be made or is over."""


class Breach(Exception):
    """The server has broken the rules; the code says which."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Incoming:
    """One channel's arriving messages."""

    def __init__(self, channel):
        self.channel, self.window = channel, CREDIT_TO_CLIENT[channel]
        self.next, self.pending, self.charged, self.consumed, self.granted = 0, {}, 0, 0, self.window

    def data(self, frame):
        """A DATA frame; the messages that are complete and in turn now."""
        number, body, offset = frame["message"], bytes.fromhex(frame["data"]), frame.get("offset", 0)
        if number < self.next:
            return []
        if number - self.next >= 1024:
            raise Breach(FLOW_CONTROL)
        if offset + len(body) > MESSAGE_MAX[self.channel]:
            raise Breach(LIMIT_EXCEEDED)
        whole = "offset" not in frame
        if not whole and "crc" not in frame and len(body) < 512:
            raise Breach(PROTOCOL_VIOLATION)
        message = self.pending.setdefault(number, {"whole": whole, "bytes": bytearray(), "have": bytearray(), "end": None})
        if message["whole"] != whole:
            raise Breach(PROTOCOL_VIOLATION)
        if sum(1 for other in self.pending.values() if not other["whole"] and not complete(other)) > 4:
            raise Breach(LIMIT_EXCEEDED)
        end = (offset + len(body), frame.get("crc")) if whole or "crc" in frame else message["end"]
        if message["end"] not in (None, end):
            raise Breach(PROTOCOL_VIOLATION)
        message["end"] = end
        reach = max(len(message["bytes"]), offset + len(body))
        if end and reach > end[0]:
            raise Breach(PROTOCOL_VIOLATION)
        for field in ("bytes", "have"):
            message[field].extend(bytes(reach - len(message[field])))
        self.charged += message["have"][offset : offset + len(body)].count(0)
        if self.charged > self.granted:
            raise Breach(FLOW_CONTROL)
        message["bytes"][offset : offset + len(body)] = body
        message["have"][offset : offset + len(body)] = b"\1" * len(body)
        return self.ready()

    def ready(self):
        bodies = []
        while self.next in self.pending and complete(self.pending[self.next]):
            message = self.pending.pop(self.next)
            if not message["whole"] and zlib.crc32(message["bytes"]) != message["end"][1]:
                raise Breach(MESSAGE_CRC)
            self.next += 1
            self.consumed += len(message["bytes"])
            bodies.append(bytes(message["bytes"]))
        return bodies

    def resync(self, following, used):
        """Whether messages are missing now, and those that are in turn."""
        if following <= self.next:
            return False, []
        if not self.consumed <= used <= self.granted:
            raise Breach(FLOW_CONTROL)
        self.pending = {number: message for number, message in self.pending.items() if number >= following}
        self.next, self.consumed = following, used
        self.charged = used + sum(message["have"].count(1) for message in self.pending.values())
        return True, self.ready()

    def grant(self):
        """Whether the server is to be told of a larger grant."""
        grant = self.consumed + self.window
        if self.window == 0 or grant - self.granted < self.window // 2:
            return False
        self.granted = grant
        return True


def complete(message):
    return message["end"] is not None and len(message["have"]) == message["end"][0] and 0 not in message["have"]


class Outgoing:
    """One channel's departing messages, cut into DATA frames that fit a datagram."""

    def __init__(self, channel):
        self.channel, self.next, self.used, self.granted, self.frames = channel, 0, 0, CREDIT_TO_SERVER[channel], []

    def push(self, body):
        frame = {"type": "DATA", "channel": self.channel, "message": self.next}
        self.next += 1
        if len(body) <= WHOLE_MAX:
            self.frames.append(frame | {"data": body.hex()})
            return
        for offset in range(0, len(body), WHOLE_MAX):
            piece = frame | {"offset": offset, "data": body[offset : offset + WHOLE_MAX].hex()}
            if offset + WHOLE_MAX >= len(body):
                piece["crc"] = zlib.crc32(body)
            self.frames.append(piece)

    def pop(self):
        if not self.frames or self.used + len(self.frames[0]["data"]) // 2 > self.granted:
            return None
        frame = self.frames.pop(0)
        self.used += len(frame["data"]) // 2
        return frame


class Connection:
    def __init__(self, address, site_key=bytes(32), trusted=None):
        family = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self.address = family[4]
        self.socket = socket.socket(family[0], socket.SOCK_DGRAM)
        self.socket.connect(self.address)
        self.site_key, self.trusted, self.device = site_key, trusted, os.urandom(32)
        self.session = int.from_bytes(os.urandom(4), "little") or 1
        self.handshake()
        self.epoch, self.number, self.expected, self.seen = False, 0, 0, set()
        self.arrived, self.newest_at, self.ack_due, self.full, self.waiting = [], 0.0, None, 0, False
        self.sent, self.again, self.largest, self.smoothed = {}, [], -1, None
        self.probes, self.last_asked, self.unanswered_since = 0, time.monotonic(), None
        self.incoming = [Incoming(channel) for channel in range(4)]
        self.outgoing = [Outgoing(channel) for channel in range(4)]
        self.messages, self.resyncs = [], []
        # The first packet confirms the keys.
        self.control = [{"type": "PING"}]
        self.keep_alive()
        self.flush()

    # --- Handshake -----------------------------------------------------------------------------------------------------------

    def ask(self, datagram, wanted, tries):
        """Sends the datagram until `wanted` makes something of an answer."""
        for attempt in range(tries):
            self.socket.send(datagram)
            until = time.monotonic() + (0.3 if attempt == 0 else 1.0)
            while (data := self.receive(until)) is not None:
                try:
                    answer = wanted(wire.decode_datagram(data))
                except Malformed:
                    continue
                if answer is not None:
                    return answer
        return None

    def receive(self, until):
        """A datagram, or nothing by then."""
        while True:
            wait = until - time.monotonic()
            if wait <= 0 or not select.select([self.socket], [], [], wait)[0]:
                return None
            try:
                return self.socket.recv(65536)
            except ConnectionRefusedError:
                continue

    def handshake(self):
        nonce = os.urandom(8).hex()
        hello0 = wire.encode_datagram({"type": "HELLO0", "nonce": nonce, "send_key": True, "versions": [wire.VERSION]})
        until = time.monotonic() + 10
        answer = None
        while answer is None:
            retry = self.ask(hello0, lambda found: found if found["type"] == "RETRY" and found["nonce"] == nonce else None, 4)
            if retry is not None:
                answer = self.greet(nonce, retry)
            if answer is None and time.monotonic() > until:
                raise Ended("the server does not answer")
        parameters, secrets = answer
        cipher = parameters[3][0]
        if cipher not in noise.CIPHERS:
            raise Ended("the server chose a cipher that nobody offered")
        self.remote, self.token = int.from_bytes(parameters[1], "little"), parameters[4]
        self.sealing = noise.Key(secrets[0], cipher, noise.TO_SERVER)
        self.opening = noise.Key(secrets[1], cipher, noise.TO_CLIENT)

    def greet(self, nonce, retry):
        if wire.VERSION not in retry["versions"]:
            raise Ended("the server speaks another version")
        key = self.trusted or bytes.fromhex(retry["key"] or "")
        if key[:8].hex() not in retry["key_ids"]:
            raise Ended("the server's identity has changed")
        prologue = noise.prologue(wire.VERSION, retry["versions"], bytes.fromhex(nonce))
        initiator = noise.Initiator(self.device, key, self.site_key, prologue, os.urandom(32))
        first = initiator.first(noise.encode_parameters({1: self.session.to_bytes(4, "little"), 3: b"\1\2"}))
        hello = {"type": "HELLO", "from": self.session, "nonce": nonce, "cookie": retry["cookie"], "noise": first.hex()}

        def answered(found):
            if found["type"] == "REJECT" and found["nonce"] == nonce:
                raise Ended(f"the server refuses (code {found['code']})")
            if found["type"] != "RESPONSE" or found["to"] != self.session:
                return None
            payload, secrets = initiator.second(bytes.fromhex(found["noise"]))
            return noise.decode_parameters(payload, noise.SERVER_PARAMETERS), secrets

        return self.ask(wire.encode_datagram(hello), answered, 4)

    # --- Sending -------------------------------------------------------------------------------------------------------------

    def send(self, channel, body):
        self.outgoing[channel].push(body)
        self.flush()

    def flush(self):
        """Everything that may leave now."""
        now = time.monotonic()
        while True:
            room, frames = wire.DATAGRAM_BYTES - wire.HEAD_BYTES - wire.TAG_BYTES - 100, []
            if len(self.sent) < IN_FLIGHT_MAX or self.probes:
                for take in [lambda: self.control.pop(0) if self.control else None, lambda: self.again.pop(0) if self.again else None] + [
                    channel.pop for channel in self.outgoing
                ]:
                    # A frame has at most 1000 bytes and its head: two of that size do not fit.
                    while room > WHOLE_MAX + 30 and len(frames) < 32 and (frame := take()):
                        frames.append(frame)
                        room -= len(wire.encode_frame(frame))
                if self.probes and not frames:
                    frames.append({"type": "PING"})
            if not frames and not (self.ack_due is not None and self.ack_due <= now):
                return
            self.transmit(now, frames)

    def transmit(self, now, frames):
        if self.waiting:
            delay = int((now - self.newest_at) * 1e6)
            frames = [{"type": "ACK", "delay_micros": delay, "ranges": self.arrived[:32]}, *frames]
            self.ack_due, self.full, self.waiting = None, 0, False
        number, self.number = self.number, self.number + 1
        payload = b"".join(map(wire.encode_frame, frames))
        payload = payload.ljust(wire.CLIENT_BYTES_MIN - wire.HEAD_BYTES - wire.TAG_BYTES, b"\0")
        datagram = self.sealing.seal(number, wire.protected_head(self.remote, self.epoch, number), payload)
        try:
            self.socket.send(datagram)
        except ConnectionRefusedError:
            pass
        if any(map(wire.asks, frames)):
            self.sent[number] = (now, frames)
            self.last_asked, self.probes = now, 0
            self.keep_alive()

    def keep_alive(self):
        self.ping_at = time.monotonic() + random.uniform(19.2, 28.8)

    # --- Receiving -----------------------------------------------------------------------------------------------------------

    def poll(self, until):
        """Works until a message has come, or until then; (channel, bytes), or nothing."""
        while not self.messages:
            now = time.monotonic()
            if now >= until:
                return None
            timers = [until, self.ping_at, self.probe_at()] + ([self.ack_due] if self.ack_due is not None else [])
            data = self.receive(max(min(timers), now + 0.001))
            if data is not None:
                self.arrive(data)
            self.expire()
            self.flush()
        return self.messages.pop(0)

    def probe_timeout(self):
        once = PROBE_FIRST if self.smoothed is None else max(3 * self.smoothed + ACK_DELAY, 0.2)
        return min(once * 2 ** min(self.timeouts(), 8), PROBE_MAX)

    def timeouts(self):
        return 0 if self.unanswered_since is None else self.tries

    def probe_at(self):
        return self.last_asked + self.probe_timeout() if self.sent else float("inf")

    def expire(self):
        now = time.monotonic()
        if now >= self.ping_at:
            self.control.append({"type": "PING"})
            self.keep_alive()
        if now < self.probe_at():
            return
        if self.unanswered_since is None:
            self.unanswered_since, self.tries = self.last_asked, 0
        self.tries += 1
        if now - self.unanswered_since >= UNREACHABLE_AFTER:
            raise Ended("the server does not answer any more")
        self.last_asked, self.probes = now, 1
        oldest = self.sent[min(self.sent)][1]
        self.resend([frame for frame in oldest if frame not in self.again])

    def resend(self, frames):
        self.again += [frame for frame in frames if frame["type"] == "DATA"]
        for frame in frames:
            if frame["type"] == "MAX_DATA":
                self.tell_grant(frame["channel"])

    def tell_grant(self, channel):
        self.control.append({"type": "MAX_DATA", "channel": channel, "bytes_granted": self.incoming[channel].granted})

    def arrive(self, data):
        try:
            head = wire.decode_datagram(data)
            if head["type"] == "NO_SESSION" and head["to"] == self.remote and bytes.fromhex(head["token"]) == self.token:
                raise Ended("the server was restarted")
            if head["type"] != "PROTECTED" or head["to"] != self.session or head["epoch"] != self.epoch:
                return
            number = noise.whole_number(head["number"], self.expected)
            if number in self.seen or number < self.expected - 2048:
                return
            payload = self.opening.open(number, data)
        except Malformed:
            return
        try:
            self.take(number, payload, len(data))
        except Breach as breach:
            self.say_goodbye(breach.code)
            raise Ended(f"the server has broken the rules (code {breach.code})") from breach

    def take(self, number, payload, size):
        now = time.monotonic()
        try:
            frames = list(wire.decode_frames(payload))
        except Malformed as error:
            raise Breach(FRAME_ENCODING) from error
        if sum(frame["type"] != "PADDING" for frame in frames) > 64:
            raise Breach(LIMIT_EXCEEDED)
        in_order = number == self.expected
        self.seen.add(number)
        if number >= self.expected:
            self.expected, self.newest_at = number + 1, now
            self.seen = {other for other in self.seen if other >= number - 2048}
        self.note_arrived(number)
        spread = None
        for frame in frames:
            if frame["type"] == "ACK_SPREAD":
                spread = random.uniform(0, frame["millis"] / 1000)
            self.on_frame(now, frame)
        if any(map(wire.asks, frames)):
            self.waiting = True
            self.full += size >= 1191
            delay = spread if spread is not None else 0 if not in_order or self.full >= 2 else ACK_DELAY
            self.ack_due = min(now + delay, self.ack_due if self.ack_due is not None else now + delay)

    def note_arrived(self, number):
        """Ranges from the newest downwards, not touching."""
        numbers = sorted(self.arrived + [[number, number]], reverse=True)
        joined = [numbers[0]]
        for low, high in numbers[1:]:
            if high + 1 >= joined[-1][0]:
                joined[-1] = [min(low, joined[-1][0]), joined[-1][1]]
            else:
                joined.append([low, high])
        self.arrived = joined[:32]

    def on_frame(self, now, frame):
        kind = frame["type"]
        if kind == "ACK":
            self.on_ack(now, frame)
        elif kind == "DATA":
            channel = self.incoming[frame["channel"]]
            self.deliver(frame["channel"], channel.data(frame))
        elif kind == "MAX_DATA":
            outgoing = self.outgoing[frame["channel"]]
            outgoing.granted = max(outgoing.granted, frame["bytes_granted"])
        elif kind == "RESYNC":
            missing, bodies = self.incoming[frame["channel"]].resync(frame["next"], frame["bytes_used"])
            if missing:
                self.resyncs.append(frame["channel"])
            self.deliver(frame["channel"], bodies)
        elif kind == "PATH_CHALLENGE":
            self.control.append({"type": "PATH_RESPONSE", "data": frame["data"]})
        elif kind == "CLOSE":
            self.transmit(now, [{"type": "CLOSE", "code": 0, "reason": ""}])
            raise Ended(f"the server has closed the connection (code {frame['code']})")

    def deliver(self, channel, bodies):
        self.messages += [(channel, body) for body in bodies]
        if self.incoming[channel].grant():
            self.tell_grant(channel)

    def on_ack(self, now, ack):
        largest = ack["ranges"][0][1]
        if largest >= self.number:
            raise Breach(PROTOCOL_VIOLATION)
        if largest in self.sent:
            sample = now - self.sent[largest][0]
            self.smoothed = sample if self.smoothed is None else (7 * self.smoothed + sample) / 8
        self.largest = max(self.largest, largest)
        news = [number for number in self.sent if any(low <= number <= high for low, high in ack["ranges"])]
        for number in news:
            _, frames = self.sent.pop(number)
            # What was meant to be sent again has arrived after all.
            self.again = [frame for frame in self.again if frame not in frames]
        if news:
            self.unanswered_since, self.probes = None, 0
        late = now - max(9 / 8 * (self.smoothed or PROBE_FIRST), 0.004)
        for number in [number for number in self.sent if number < self.largest]:
            if self.largest - number >= REORDER or self.sent[number][0] <= late:
                self.resend(self.sent.pop(number)[1])

    # --- Goodbye -------------------------------------------------------------------------------------------------------------

    def say_goodbye(self, code=0):
        """CLOSE up to three times, until the server answers with its own."""
        for attempt in range(3):
            self.transmit(time.monotonic(), [{"type": "CLOSE", "code": code, "reason": ""}])
            until = time.monotonic() + PROBE_FIRST * 2**attempt
            while (data := self.receive(until)) is not None:
                try:
                    number = noise.whole_number(wire.decode_datagram(data).get("number", 0), self.expected)
                    if any(frame["type"] == "CLOSE" for frame in wire.decode_frames(self.opening.open(number, data))):
                        return
                except Malformed:
                    continue
