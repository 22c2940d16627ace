"""One connection from the client's side: packets, acknowledgements, losses, new keys, goodbye (docs/protocol/packets.md and
connection.md)."""

import os
import random
import select
import socket
import time

import noise
import wire
from channels import CHANNELS, FILE, FILE_WINDOW, FRAME_ENCODING, LIMIT_EXCEEDED, PROTOCOL_VIOLATION, Breach, Incoming, Outgoing
from handshake import Ended, Handshake
from wire import Malformed

__all__ = ["Connection", "Ended"]

IN_FLIGHT_MAX = 10
ACK_DELAY, FULL = 0.025, 1000
PROBE_FIRST, PROBE_COLD, PROBE_MAX, UNREACHABLE_AFTER, COLD_AFTER = 0.3, 0.2, 1.0, 4.0, 1.0
PAYLOAD_MAX = wire.DATAGRAM_BYTES - wire.HEAD_BYTES - wire.TAG_BYTES
# The rest is for an acknowledgement.
FRAMES_ROOM = PAYLOAD_MAX - 115
REORDER, WINDOW, RANGES_SENT, FRAMES_MAX = 3, 2048, 32, 64
KEY_LIFE, KEY_RETRY, PACKETS_PER_KEY, REDIAL_AFTER = 3600.0, 60.0, 1 << 22, 10.0
OLD_KEY_PROBES = 3


class Connection:
    def __init__(self, address, device=None, site_key=bytes(32), trusted=(), key_life=None):
        family = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family[0], socket.SOCK_DGRAM)
        self.socket.connect(family[4])
        self.device, self.site_key, self.trusted = device or os.urandom(32), site_key, list(trusted)
        self.goes_away = None
        self.session = int.from_bytes(os.urandom(4), "little") or 1
        self.key_life = key_life or KEY_LIFE * random.uniform(0.9, 1.1)
        self.shaking, self.redialed_at = None, None
        # Called when new keys are in use, and when the server has named a new key of its own.
        self.on_renewed, self.on_announced = lambda: None, lambda key: None
        self.remote, self.token, self.secret, self.sealing, self.opening, key = self.shake_hands()
        self.first_use = not self.trusted
        self.trusted = self.trusted or [key]
        self.epoch, self.before, self.number, self.opened, self.sealed_before = False, None, 0, 0, 0
        self.expected, self.seen, self.heard_at = 0, set(), time.monotonic()
        self.arrived, self.newest_at, self.ack_due, self.full, self.waiting, self.acks_alone = [], 0.0, None, 0, False, 0
        self.sent, self.again, self.largest, self.smoothed, self.variation = {}, [], -1, None, 0.0
        self.probes, self.tries, self.last_asked, self.last_cold, self.unanswered_since = 0, 0, time.monotonic(), False, None
        self.incoming = [Incoming(channel) for channel in range(CHANNELS)]
        self.outgoing = [Outgoing(channel) for channel in range(CHANNELS)]
        self.messages, self.resyncs = [], []
        # The first packet confirms the keys.
        self.control = [{"type": "PING"}]
        self.renew_at = time.monotonic() + self.key_life
        self.keep_alive()
        self.flush()

    def shake_hands(self):
        shaking = Handshake(self.device, self.site_key, self.trusted, self.session)
        while True:
            datagram = shaking.due(time.monotonic())
            if datagram:
                self.put(datagram)
            data = self.receive(shaking.next_at)
            try:
                done = data and shaking.on(wire.decode_datagram(data))
            except Malformed:
                continue
            if done:
                return done

    def receive(self, until):
        """A datagram, or nothing by then."""
        while True:
            wait = until - time.monotonic()
            if not select.select([self.socket], [], [], max(wait, 0))[0]:
                return None
            try:
                return self.socket.recv(65536)
            except ConnectionRefusedError:
                if wait <= 0:
                    return None

    def put(self, datagram):
        try:
            self.socket.send(datagram)
        except ConnectionRefusedError:
            # Nobody is there now; whoever comes back is asked again.
            pass

    # --- Sending -------------------------------------------------------------------------------------------------------------

    def send(self, channel, body):
        self.outgoing[channel].push(body)
        self.flush()

    def take_files(self):
        """Blocks of files may come from now on."""
        if self.incoming[FILE].set_window(FILE_WINDOW):
            self.tell_grant(FILE)
            self.flush()

    def next_frame(self):
        """The most urgent frame that may leave, and how to take note that it has."""
        for queue in (self.control, self.again):
            if queue:
                return queue[0], lambda _: queue.pop(0)
        for outgoing in self.outgoing:
            frame = outgoing.peek()
            if frame:
                return frame, outgoing.pop
        return None

    def flush(self):
        """Everything that may leave now."""
        now = time.monotonic()
        while True:
            frames, room = [], FRAMES_ROOM
            if len(self.sent) < IN_FLIGHT_MAX or self.probes:
                while len(frames) < FRAMES_MAX // 2 and (found := self.next_frame()):
                    size = len(wire.encode_frame(found[0]))
                    if size > room:
                        break
                    found[1](found[0])
                    frames.append(found[0])
                    room -= size
                if self.probes and not frames:
                    frames.append({"type": "PING"})
            if not frames and not (self.ack_due is not None and self.ack_due <= now):
                return
            self.transmit(now, frames)

    def transmit(self, now, frames):
        if self.waiting:
            room = PAYLOAD_MAX - sum(len(wire.encode_frame(frame)) for frame in frames) - 1
            # As many ranges as there is room for, the newest first.
            for count in (RANGES_SENT, 8, 1):
                ack = {"type": "ACK", "delay_micros": int((now - self.newest_at) * 1e6), "ranges": self.arrived[:count]}
                if len(wire.encode_frame(ack)) <= room:
                    break
            if not any(map(wire.asks, frames)):
                self.acks_alone += 1
                if self.acks_alone > RANGES_SENT:
                    frames = [*frames, {"type": "PING"}]
            frames = [ack, *frames]
            self.ack_due, self.full, self.waiting = None, 0, False
        number, self.number = self.number, self.number + 1
        payload = b"".join(map(wire.encode_frame, frames))
        payload = payload.ljust(wire.CLIENT_BYTES_MIN - wire.HEAD_BYTES - wire.TAG_BYTES, b"\0")
        datagram = self.sealing.seal(number, wire.protected_head(self.remote, self.epoch, number), payload)
        if len(datagram) > wire.DATAGRAM_BYTES:
            raise AssertionError(f"{len(datagram)} bytes are too many for a datagram")
        self.put(datagram)
        if any(map(wire.asks, frames)):
            self.acks_alone = 0
            self.sent[number] = (now, frames)
            self.last_asked, self.last_cold, self.probes = now, now - self.heard_at >= COLD_AFTER, 0
            self.keep_alive()

    def keep_alive(self):
        self.ping_at = time.monotonic() + random.uniform(19.2, 28.8)

    # --- Time ----------------------------------------------------------------------------------------------------------------

    def poll(self, until):
        """Works until a message has come, or until then; (channel, bytes, seconds over which to spread reactions), or nothing."""
        while not self.messages:
            now = time.monotonic()
            if now >= until:
                return None
            timers = [until, self.ping_at, self.probe_at(), self.shaking.next_at if self.shaking else self.renew_at]
            timers += [self.ack_due] if self.ack_due is not None else []
            data = self.receive(max(min(timers), now + 0.001))
            if data is not None:
                self.arrive(data)
            self.expire()
            self.flush()
        return self.messages.pop(0)

    def probe_timeout(self):
        """For the newest packet that asks, without doubling."""
        once = PROBE_FIRST if self.smoothed is None else max(self.smoothed + max(4 * self.variation, 0.001) + ACK_DELAY, 0.03)
        return max(once, PROBE_COLD) if self.last_cold else once

    def probe_at(self):
        return self.last_asked + min(self.probe_timeout() * 2 ** min(self.tries, 8), PROBE_MAX) if self.sent else float("inf")

    def expire(self):
        now = time.monotonic()
        if now >= self.ping_at:
            self.control.append({"type": "PING"})
            self.keep_alive()
        self.renew(now)
        if now < self.probe_at():
            return
        if self.unanswered_since is None:
            self.unanswered_since = self.last_asked
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

    # --- New keys ------------------------------------------------------------------------------------------------------------

    def renew(self, now):
        """Starts the handshake for new keys, or goes on with one that is under way."""
        used_up = max(self.number - self.sealed_before, self.opened) >= PACKETS_PER_KEY and now + KEY_RETRY >= self.renew_at
        if not self.shaking and (now >= self.renew_at or used_up):
            self.renew_at = now + KEY_RETRY
            self.shaking = Handshake(self.device, self.site_key, self.trusted, self.session, (self.remote, self.secret))
        datagram = self.shake(lambda shaking: shaking.due(now))
        if datagram:
            self.put(datagram)

    def shake(self, step):
        """One step of the handshake beside the connection, which goes on when that comes to nothing."""
        try:
            return step(self.shaking) if self.shaking else None
        except Ended:
            self.shaking = None
            return None

    def on_shaken(self, done):
        remote, _, secret, sealing, opening, _ = done
        renews, self.shaking = self.shaking.previous is not None, None
        if not renews or remote != self.remote:
            # The server has made another connection: it knows nothing of this one any more.
            raise Ended("the server was restarted")
        self.before = (self.opening, time.monotonic() + OLD_KEY_PROBES * self.probe_timeout())
        self.sealing, self.opening, self.secret, self.epoch = sealing, opening, secret, not self.epoch
        self.opened, self.sealed_before, self.renew_at = 0, self.number, time.monotonic() + self.key_life
        self.on_renewed()
        # Shows the server that we have them, too.
        self.control.append({"type": "PING"})

    def on_no_session(self, found):
        """Perhaps the server was restarted; its word can be overheard, so only a handshake proves it."""
        now = time.monotonic()
        is_ours = found["to"] == self.remote and bytes.fromhex(found["token"]) == self.token
        if is_ours and not self.shaking and (self.redialed_at is None or now - self.redialed_at >= REDIAL_AFTER):
            self.redialed_at = now
            other = self.session % 0xFFFFFFFF + 1
            self.shaking = Handshake(self.device, self.site_key, self.trusted, other)

    # --- Receiving -----------------------------------------------------------------------------------------------------------

    def arrive(self, data):
        try:
            head = wire.decode_datagram(data)
            if head["type"] == "NO_SESSION":
                self.on_no_session(head)
            elif head["type"] != "PROTECTED":
                done = self.shake(lambda shaking: shaking.on(head))
                if done:
                    self.on_shaken(done)
            elif head["to"] == self.session:
                self.open(head, data)
        except Malformed:
            return
        except Breach as breach:
            self.say_goodbye(breach.code)
            raise Ended(f"the server has broken the rules (code {breach.code})") from breach

    def open(self, head, data):
        number = noise.whole_number(head["number"], self.expected)
        if number in self.seen or number < self.expected - WINDOW:
            return
        if head["epoch"] == self.epoch:
            payload = self.opening.open(number, data)
            self.opened += 1
        elif self.before and time.monotonic() < self.before[1]:
            payload = self.before[0].open(number, data)
        else:
            return
        self.take(number, payload, len(data))

    def take(self, number, payload, size):
        now = self.heard_at = time.monotonic()
        try:
            frames = list(wire.decode_frames(payload))
        except Malformed as error:
            raise Breach(FRAME_ENCODING) from error
        if sum(frame["type"] != "PADDING" for frame in frames) > FRAMES_MAX:
            raise Breach(LIMIT_EXCEEDED)
        in_order = number == self.expected
        self.seen.add(number)
        if number >= self.expected:
            self.expected, self.newest_at = number + 1, now
            self.seen = {other for other in self.seen if other >= number - WINDOW}
        self.note_arrived(number)
        spread, wait = None, 0.0
        for frame in frames:
            if frame["type"] == "ACK_SPREAD":
                wait = frame["millis"] / 1000
                spread = random.uniform(0, wait)
            self.on_frame(now, frame, wait)
        if any(map(wire.asks, frames)):
            self.waiting = True
            self.full += size >= FULL
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
        self.arrived = joined[:RANGES_SENT]

    def on_frame(self, now, frame, spread):
        kind = frame["type"]
        if kind == "ACK":
            self.on_ack(now, frame)
        elif kind == "DATA":
            self.deliver(frame["channel"], self.incoming[frame["channel"]].data(frame), spread)
        elif kind == "MAX_DATA":
            outgoing = self.outgoing[frame["channel"]]
            outgoing.granted = max(outgoing.granted, frame["bytes_granted"])
        elif kind == "RESYNC":
            missing, bodies = self.incoming[frame["channel"]].resync(frame["next"], frame["bytes_used"])
            if missing:
                self.resyncs.append(frame["channel"])
            self.deliver(frame["channel"], bodies, spread)
        elif kind == "PATH_CHALLENGE":
            # The newest alone: an older one is of no use any more.
            self.control = [other for other in self.control if other["type"] != "PATH_RESPONSE"]
            self.control.append({"type": "PATH_RESPONSE", "data": frame["data"]})
        elif kind == "GOAWAY":
            self.goes_away = (frame["retry_after"], frame["jitter"])
        elif kind == "KEY_ANNOUNCE":
            key = bytes.fromhex(frame["key"])
            # In place: whoever makes the next connection trusts it, too.
            self.trusted[:] = [key, *(other for other in self.trusted if other != key)][:4]
            self.on_announced(key)
        elif kind == "CLOSE":
            self.transmit(now, [{"type": "CLOSE", "code": 0, "reason": ""}])
            raise Ended(f"the server has closed the connection (code {frame['code']})", frame["code"])

    def deliver(self, channel, bodies, spread):
        self.messages += [(channel, body, spread) for body in bodies]
        if self.incoming[channel].grant():
            self.tell_grant(channel)

    def on_ack(self, now, ack):
        largest = ack["ranges"][0][1]
        if largest >= self.number:
            raise Breach(PROTOCOL_VIOLATION)
        if largest in self.sent:
            self.sample(min(now - self.sent[largest][0], 2.0))
        self.largest = max(self.largest, largest)
        news = [number for number in self.sent if any(low <= number <= high for low, high in ack["ranges"])]
        for number in news:
            _, frames = self.sent.pop(number)
            # What was meant to be sent again has arrived after all.
            self.again = [frame for frame in self.again if frame not in frames]
            for frame in frames:
                if frame["type"] == "ACK":
                    self.forget_arrived(frame["ranges"][0][1])
        if news:
            self.unanswered_since, self.tries, self.probes = None, 0, 0
        late = now - max(9 / 8 * (self.smoothed or PROBE_FIRST), 0.004)
        for number in [number for number in self.sent if number < self.largest]:
            if self.largest - number >= REORDER or self.sent[number][0] <= late:
                self.resend(self.sent.pop(number)[1])

    def sample(self, latest):
        if self.smoothed is None:
            self.smoothed, self.variation = latest, latest / 2
        else:
            self.variation = (3 * self.variation + abs(self.smoothed - latest)) / 4
            self.smoothed = (7 * self.smoothed + latest) / 8

    def forget_arrived(self, largest):
        """The server knows what was acknowledged up to there."""
        self.arrived = self.arrived[:1] + [known for known in self.arrived[1:] if known[1] >= largest]

    # --- Goodbye -------------------------------------------------------------------------------------------------------------

    def say_goodbye(self, code=0):
        """CLOSE up to three times, until the server answers with its own."""
        for attempt in range(3):
            self.transmit(time.monotonic(), [{"type": "CLOSE", "code": code, "reason": ""}])
            until = time.monotonic() + self.probe_timeout() * 2**attempt
            while (data := self.receive(until)) is not None:
                try:
                    head = wire.decode_datagram(data)
                    if head["type"] == "NO_SESSION" and head["to"] == self.remote:
                        return
                    number = noise.whole_number(head.get("number", 0), self.expected)
                    if any(frame["type"] == "CLOSE" for frame in wire.decode_frames(self.opening.open(number, data))):
                        return
                except Malformed:
                    continue
