"""Channels of docs/protocol/packets.md: messages cut into DATA frames, frames put together to messages, each once and in order."""

import zlib

CHANNELS, FILE = 5, 4
CREDIT_TO_SERVER = [16 << 10, 0, 128 << 10, 16 << 10, 0]
CREDIT_TO_CLIENT = [16 << 10, 128 << 10, 256 << 10, 1 << 20, 0]
MESSAGE_MAX = [4 << 10, 64 << 10, 64 << 10, 64 << 10, 64 << 10]
# What a transfer that was accepted may have on its way.
FILE_WINDOW = 16 * (64 << 10)
WHOLE_MAX = 1000
MESSAGES_AHEAD_MAX = 1024
FRAGMENT_MIN, FRAGMENTED_MAX = 512, 16
FLOW_CONTROL, FRAME_ENCODING, PROTOCOL_VIOLATION, LIMIT_EXCEEDED, MESSAGE_CRC = 11, 12, 13, 14, 17


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
        if number - self.next >= MESSAGES_AHEAD_MAX:
            raise Breach(FLOW_CONTROL)
        if offset + len(body) > MESSAGE_MAX[self.channel]:
            raise Breach(LIMIT_EXCEEDED)
        whole = "offset" not in frame
        if not whole and "crc" not in frame and len(body) < FRAGMENT_MIN:
            raise Breach(PROTOCOL_VIOLATION)
        message = self.pending.setdefault(number, {"whole": whole, "bytes": bytearray(), "have": bytearray(), "end": None})
        if message["whole"] != whole:
            raise Breach(PROTOCOL_VIOLATION)
        if sum(1 for other in self.pending.values() if not other["whole"] and not complete(other)) > FRAGMENTED_MAX:
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

    def set_window(self, window):
        """Another window from now on; whether the server is to be told of a larger grant."""
        self.window, before = window, self.granted
        self.granted = max(before, self.consumed + window)
        return self.granted > before

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
        self.blocked_at = None

    def push(self, body):
        frame = {"type": "DATA", "channel": self.channel, "message": self.next}
        self.next += 1
        if len(body) <= WHOLE_MAX:
            self.frames.append({**frame, "data": body.hex()})
            return
        # The last piece may be small, the others may not.
        for offset in range(0, len(body), WHOLE_MAX):
            piece = {**frame, "offset": offset, "data": body[offset : offset + WHOLE_MAX].hex()}
            if offset + WHOLE_MAX >= len(body):
                piece["crc"] = zlib.crc32(body)
            self.frames.append(piece)

    def size(self):
        return len(self.frames[0]["data"]) // 2

    def peek(self):
        """The next frame that may leave: the server's grant holds the others back, and hears so once."""
        if not self.frames:
            return None
        if self.used + self.size() <= self.granted:
            return self.frames[0]
        return {"type": "BLOCKED", "channel": self.channel} if self.blocked_at != self.granted else None

    def pop(self, frame):
        if frame["type"] == "BLOCKED":
            self.blocked_at = self.granted
        else:
            self.used += self.size()
            self.frames.pop(0)
