"""Datagrams and frames of docs/protocol/datagrams.md and packets.md: bytes to dictionaries and back. Knows no keys and no sockets."""

import struct
import zlib

DATAGRAM_BYTES = 1200
DATAGRAM_BYTES_MAX = 1472
DISCOVER_BYTES = 256
CLIENT_BYTES_MIN = 40
HEAD_BYTES = 9
TAG_BYTES = 16
VERSION = 2


class Malformed(Exception):
    """The bytes mean nothing; whoever reads them off the network drops them."""


class Reader:
    """What is left to read; every step checks."""

    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count > self.left():
            raise Malformed(f"{count} bytes wanted, {self.left()} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def fixed(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def u8(self):
        return self.fixed("B")

    def u16(self):
        return self.fixed("H")

    def u32(self):
        return self.fixed("I")

    def flag(self):
        value = self.u8()
        if value > 1:
            raise Malformed("neither yes nor no")
        return value == 1

    def varint(self):
        if not self.left():
            raise Malformed("the bytes end")
        raw = self.take(1 << (self.data[self.at] >> 6))
        value = int.from_bytes(raw, "big") & ((1 << (8 * len(raw) - 2)) - 1)
        if varint(value) != raw:
            raise Malformed("not the shortest form")
        return value


def varint(value):
    for bits, size in ((6, 1), (14, 2), (30, 4), (62, 8)):
        if value < 1 << bits:
            prefix = {1: 0, 2: 1, 4: 2, 8: 3}[size]
            return (value | prefix << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError("too large")


# --- Datagrams ---------------------------------------------------------------------------------------------------------------

KINDS = {0: "HELLO0", 1: "RETRY", 2: "HELLO", 3: "RESPONSE", 4: "REJECT", 6: "NO_SESSION", 7: "DISCOVER", 8: "HERE"}
NUMBERS = {name: number for number, name in KINDS.items()}
# What is padded with zeros, and to how many bytes.
PADDED = {"HELLO0": DATAGRAM_BYTES, "HELLO": DATAGRAM_BYTES, "DISCOVER": DISCOVER_BYTES}
# What is there to find out the version, and may carry another one.
ANY_VERSION = ("HELLO0", "RETRY", "DISCOVER", "HERE")


def checksum(datagram):
    return zlib.crc32(datagram[:12] + b"BLF1" + datagram[16:])


def protected_head(to, epoch, number):
    return struct.pack("<BII", 0x40 | (0x20 if epoch else 0), to, number & 0xFFFFFFFF)


def decode_datagram(data):
    reader = Reader(data)
    flags = reader.u8()
    if not flags & 0x80:
        if flags & ~0x20 != 0x40 or len(data) < HEAD_BYTES + 1 + TAG_BYTES:
            raise Malformed("no protected head")
        return {"type": "PROTECTED", "to": reader.u32(), "epoch": bool(flags & 0x20), "number": reader.u32()}
    layout, version, to, sender, crc = reader.u8(), reader.u16(), reader.u32(), reader.u32(), reader.u32()
    kind = KINDS.get(flags & 0x3F)
    if not flags & 0x40 or layout != 1 or crc != checksum(data) or kind is None:
        raise Malformed("no head of ours")
    if version != VERSION and kind not in ANY_VERSION:
        raise Malformed("another version")
    if len(data) < PADDED.get(kind, 0):
        raise Malformed("not padded")
    found = {"type": kind}
    named = {"HELLO": (False, True), "RESPONSE": (True, False), "REJECT": (True, False), "NO_SESSION": (True, False)}.get(kind, (False, False))
    if named[0]:
        found["to"] = to
    if named[1]:
        found["from"] = sender
    if kind in ("HELLO0", "RETRY", "HELLO", "REJECT", "DISCOVER", "HERE"):
        found["nonce"] = reader.take(8).hex()
    if kind in ("RETRY", "HELLO"):
        found["cookie"] = reader.take(16).hex()
    if kind == "HELLO0":
        found["send_key"] = reader.flag()
    if kind == "RETRY":
        count = reader.u8()
        if count > 4:
            raise Malformed("too many keys")
        found["key_ids"] = [reader.take(8).hex() for _ in range(count)]
        found["key"] = reader.take(32).hex() if reader.flag() else None
    if kind == "HERE":
        found["key"] = reader.take(32).hex()
    if kind in ("HELLO0", "RETRY", "HERE"):
        count = reader.u8()
        if count > 8:
            raise Malformed("too many versions")
        found["versions"] = [reader.u16() for _ in range(count)]
    if kind == "HERE":
        found["name"], found["program"] = short_text(reader, 63), short_text(reader, 32)
    if kind in ("HELLO", "RESPONSE"):
        found["noise"] = reader.take(reader.u16()).hex()
    if kind == "REJECT":
        found["code"], found["retry_after"], found["jitter"] = reader.u16(), reader.u32(), reader.u32()
    if kind == "NO_SESSION":
        found["token"] = reader.take(16).hex()
    rest = reader.take(reader.left())
    if version == VERSION:
        if (to and not named[0]) or (sender and not named[1]) or any(rest) or (rest and kind not in PADDED):
            raise Malformed("more than one spelling")
    return found


def short_text(reader, bytes_max):
    count = reader.u8()
    if count > bytes_max:
        raise Malformed("too long a text")
    try:
        return reader.take(count).decode()
    except UnicodeDecodeError as error:
        raise Malformed("no UTF-8") from error


def encode_datagram(found):
    kind = found["type"]
    if kind == "PROTECTED":
        return protected_head(found["to"], found["epoch"], found["number"])
    raw = bytes.fromhex
    body = b""
    if "nonce" in found:
        body += raw(found["nonce"])
    if "cookie" in found:
        body += raw(found["cookie"])
    if kind == "HELLO0":
        body += bytes([found["send_key"]])
    if kind == "RETRY":
        body += bytes([len(found["key_ids"])]) + b"".join(map(raw, found["key_ids"]))
        body += b"\1" + raw(found["key"]) if found["key"] else b"\0"
    if kind == "HERE":
        body += raw(found["key"])
    if "versions" in found:
        body += bytes([len(found["versions"])]) + b"".join(struct.pack("<H", version) for version in found["versions"])
    if kind == "HERE":
        for text in (found["name"].encode(), found["program"].encode()):
            body += bytes([len(text)]) + text
    if "noise" in found:
        noise = raw(found["noise"])
        body += struct.pack("<H", len(noise)) + noise
    if kind == "REJECT":
        body += struct.pack("<HII", found["code"], found["retry_after"], found["jitter"])
    if kind == "NO_SESSION":
        body += raw(found["token"])
    head = struct.pack("<BBHII", 0xC0 | NUMBERS[kind], 1, VERSION, found.get("to", 0), found.get("from", 0))
    datagram = head + b"BLF1" + body
    datagram = datagram.ljust(PADDED.get(kind, 0), b"\0")
    return datagram[:12] + struct.pack("<I", checksum(datagram)) + datagram[16:]


# --- Frames ------------------------------------------------------------------------------------------------------------------

SILENT = ("PADDING", "ACK", "ACK_SPREAD", "CLOSE")


def asks(frame):
    """Whether the packet with this frame must be acknowledged."""
    if frame["type"] == "EXTENSION":
        return frame["number"] % 2 == 1
    return frame["type"] not in SILENT


def decode_frames(payload):
    reader = Reader(payload)
    while reader.left():
        yield decode_frame(reader)


def channel_of(number):
    if number > 4:
        raise Malformed("no such channel")
    return number


def decode_frame(reader):
    number = reader.varint()
    if number == 0x00:
        return {"type": "PADDING"}
    if number == 0x01:
        return {"type": "PING"}
    if number == 0x02:
        return decode_ack(reader)
    if number == 0x04:
        return decode_data(reader)
    if number == 0x06:
        return {"type": "MAX_DATA", "channel": channel_of(reader.u8()), "bytes_granted": reader.varint()}
    if number == 0x07:
        return {"type": "BLOCKED", "channel": channel_of(reader.u8())}
    if number == 0x08:
        return {"type": "ACK_SPREAD", "millis": reader.u16()}
    if number == 0x09:
        return {"type": "PATH_CHALLENGE", "data": reader.take(8).hex()}
    if number == 0x0A:
        return {"type": "PATH_RESPONSE", "data": reader.take(8).hex()}
    if number == 0x0B:
        return {"type": "RESYNC", "channel": channel_of(reader.u8()), "next": reader.varint(), "bytes_used": reader.varint()}
    if number == 0x0C:
        code, length = reader.u16(), reader.varint()
        reason = reader.take(length)
        if length > 64:
            raise Malformed("the reason is too long")
        try:
            return {"type": "CLOSE", "code": code, "reason": reason.decode()}
        except UnicodeDecodeError as error:
            raise Malformed("no UTF-8") from error
    if number == 0x0D:
        return {"type": "GOAWAY", "retry_after": reader.u32(), "jitter": reader.u32()}
    if number == 0x0E:
        return {"type": "KEY_ANNOUNCE", "key": reader.take(32).hex()}
    if number >= 0x40:
        return {"type": "EXTENSION", "number": number, "data": reader.take(reader.varint()).hex()}
    raise Malformed(f"frame {number:#x}")


def decode_ack(reader):
    largest, delay, more, first = reader.varint(), reader.varint(), reader.u8(), reader.varint()
    if more > 63 or first > largest or delay * 8 >= 1 << 64:
        raise Malformed("no acknowledgement")
    ranges = [[largest - first, largest]]
    for _ in range(more):
        gap, length = reader.varint(), reader.varint()
        high = ranges[-1][0] - gap - 2
        if high - length < 0:
            raise Malformed("below the first packet")
        ranges.append([high - length, high])
    return {"type": "ACK", "delay_micros": delay * 8, "ranges": ranges}


def decode_data(reader):
    head, message = reader.u8(), reader.varint()
    frame = {"type": "DATA", "channel": channel_of(head & 0x0F), "message": message}
    if head & 0xF0 not in (0, 0x10, 0x30):
        raise Malformed("flags")
    if head & 0x10:
        frame["offset"] = reader.varint()
        if frame["offset"] >= 1 << 32:
            raise Malformed("offset")
    body = reader.take(reader.varint())
    if not body:
        raise Malformed("no bytes")
    frame["data"] = body.hex()
    if head & 0x20:
        frame["crc"] = reader.u32()
    return frame


def encode_frame(frame):
    kind = frame["type"]
    if kind == "PADDING":
        return b"\0"
    if kind == "PING":
        return b"\1"
    if kind == "ACK":
        ranges = frame["ranges"]
        out = b"\2" + varint(ranges[0][1]) + varint(frame["delay_micros"] // 8)
        out += bytes([len(ranges) - 1]) + varint(ranges[0][1] - ranges[0][0])
        for above, (low, high) in zip(ranges, ranges[1:]):
            out += varint(above[0] - high - 2) + varint(high - low)
        return out
    if kind == "DATA":
        body = bytes.fromhex(frame["data"])
        flags = (0x10 if "offset" in frame else 0) | (0x20 if "crc" in frame else 0)
        out = b"\4" + bytes([frame["channel"] | flags]) + varint(frame["message"])
        if "offset" in frame:
            out += varint(frame["offset"])
        out += varint(len(body)) + body
        return out + struct.pack("<I", frame["crc"]) if "crc" in frame else out
    if kind == "MAX_DATA":
        return bytes([6, frame["channel"]]) + varint(frame["bytes_granted"])
    if kind == "BLOCKED":
        return bytes([7, frame["channel"]])
    if kind == "ACK_SPREAD":
        return b"\x08" + struct.pack("<H", frame["millis"])
    if kind == "PATH_CHALLENGE":
        return b"\x09" + bytes.fromhex(frame["data"])
    if kind == "PATH_RESPONSE":
        return b"\x0a" + bytes.fromhex(frame["data"])
    if kind == "RESYNC":
        return bytes([0x0B, frame["channel"]]) + varint(frame["next"]) + varint(frame["bytes_used"])
    if kind == "CLOSE":
        reason = frame["reason"].encode()
        return b"\x0c" + struct.pack("<H", frame["code"]) + varint(len(reason)) + reason
    if kind == "GOAWAY":
        return b"\x0d" + struct.pack("<II", frame["retry_after"], frame["jitter"])
    if kind == "KEY_ANNOUNCE":
        return b"\x0e" + bytes.fromhex(frame["key"])
    body = bytes.fromhex(frame["data"])
    return varint(frame["number"]) + varint(len(body)) + body
