"""Messages of docs/PROTOCOL.md (section 12): values as JSON shows them, an enum's variant as `{name: fields}` or `name`."""

import struct

from wire import Malformed, Reader

SCHEMA = 1
MESSAGE_BYTES_MAX = 64 * 1024


class Number:
    def __init__(self, bits):
        self.bits = bits

    def encode(self, value):
        if value <= 250:
            return bytes([value])
        for mark, form, bits in ((251, "<H", 16), (252, "<I", 32), (253, "<Q", 64)):
            if value < 1 << bits:
                return bytes([mark]) + struct.pack(form, value)
        raise ValueError("too large")

    def decode(self, reader):
        first = reader.u8()
        if first <= 250:
            return first
        bits, form = {251: (16, "H"), 252: (32, "I"), 253: (64, "Q")}.get(first, (128, ""))
        if bits > self.bits:
            raise Malformed("too wide a number")
        return reader.fixed(form)


class Byte:
    def encode(self, value):
        return bytes([value])

    def decode(self, reader):
        return reader.u8()


class Bool(Byte):
    def decode(self, reader):
        return reader.flag()


class String:
    """What is checked of it is its size; the rest of the rules is the server's to hold."""

    def __init__(self, bytes_max):
        self.bytes_max = bytes_max

    def encode(self, value):
        return U64.encode(len(value.encode())) + value.encode()

    def decode(self, reader):
        try:
            text = reader.take(U64.decode(reader)).decode()
        except UnicodeDecodeError as error:
            raise Malformed("no UTF-8") from error
        if len(text.encode()) > self.bytes_max or (self.bytes_max < MESSAGE_BYTES_MAX and not text.strip()):
            raise Malformed("a text that cannot be")
        return text


class ListOf:
    def __init__(self, item):
        self.item = item

    def encode(self, value):
        return U64.encode(len(value)) + b"".join(map(self.item.encode, value))

    def decode(self, reader):
        count = U64.decode(reader)
        if count > reader.left():
            raise Malformed("a list longer than its bytes")
        return [self.item.decode(reader) for _ in range(count)]


class Maybe:
    def __init__(self, item):
        self.item = item

    def encode(self, value):
        return b"\0" if value is None else b"\1" + self.item.encode(value)

    def decode(self, reader):
        return self.item.decode(reader) if reader.flag() else None


class Struct:
    def __init__(self, **fields):
        self.fields = fields

    def encode(self, value):
        return b"".join(form.encode(value[name]) for name, form in self.fields.items())

    def decode(self, reader):
        return {name: form.decode(reader) for name, form in self.fields.items()}


class Tuple:
    def __init__(self, *items):
        self.items = items

    def encode(self, value):
        return b"".join(form.encode(item) for form, item in zip(self.items, value, strict=True))

    def decode(self, reader):
        return [form.decode(reader) for form in self.items]


class Enum:
    """Variants in their order; `None` for one without fields."""

    def __init__(self, **variants):
        self.variants = variants

    def encode(self, value):
        name, fields = (value, None) if isinstance(value, str) else next(iter(value.items()))
        form = self.variants[name]
        return U32.encode(list(self.variants).index(name)) + (form.encode(fields) if form else b"")

    def decode(self, reader):
        number = U32.decode(reader)
        if number >= len(self.variants):
            raise Malformed("no such variant")
        name, form = list(self.variants.items())[number]
        return {name: form.decode(reader)} if form else name


U16, U32, U64 = Number(16), Number(32), Number(64)
BOOL = Bool()
MILLIS = ID = SEQ = U64
NAME, TEXT, TITLE, LABEL, PASSWORD, STRING = (String(limit) for limit in (128, 16384, 256, 64, 256, MESSAGE_BYTES_MAX))

PLACE = Enum(Room=NAME, Direct=NAME)
POST_ID = Struct(outbox=U64, counter=U64)
MESSAGE = Struct(conversation=ID, seq=SEQ, **{"from": NAME}, text=TEXT, sent_at=MILLIS)
CONVERSATION = Struct(id=ID, place=PLACE, last=SEQ)
PAGE = Struct(conversation=CONVERSATION, messages=ListOf(MESSAGE))
ROLE = Enum(Member=None, Admin=None)
PRESENCE = Enum(Online=None, Away=None, Offline=None)
PERSON = Struct(account=NAME, presence=PRESENCE, last_seen=Maybe(MILLIS))
PRESENCE_CHANGE = Struct(account=NAME, presence=PRESENCE, at=MILLIS)
ACCOUNT = Struct(name=NAME, role=ROLE, disabled=BOOL, created_at=MILLIS, last_seen=Maybe(MILLIS))
SEVERITY = Enum(Info=None, Important=None, Critical=None)
AUDIENCE = Enum(Everyone=None, Account=NAME, Group=NAME, Room=NAME)
DRAFT = Struct(
    post=POST_ID, severity=SEVERITY, title=Maybe(TITLE), body=TEXT, audience=ListOf(AUDIENCE), answers=ListOf(LABEL), expires_at=Maybe(MILLIS)
)
NOTICE_STATE = Enum(Open=None, Expired=None, Withdrawn=None)
NOTICE = Struct(
    id=ID, severity=SEVERITY, title=Maybe(TITLE), body=TEXT, answers=ListOf(LABEL), author=NAME, sent_at=MILLIS, expires_at=Maybe(MILLIS), state=NOTICE_STATE
)
RECEIPT = Enum(Reached=None, Visible=None, Answered=Byte())
PROGRESS = Struct(audience=U64, reached=U64, visible=U64, answered=U64)
SUMMARY = Struct(notice=NOTICE, progress=PROGRESS)
LEDGER_ENTRY = Struct(
    account=NAME, reached_at=Maybe(MILLIS), visible_at=Maybe(MILLIS), answered=Maybe(Tuple(LABEL, MILLIS)), offline_since=Maybe(MILLIS), online=BOOL
)
LEDGER = Struct(summary=SUMMARY, entries=ListOf(LEDGER_ENTRY), more=BOOL)
AUDIT = Struct(id=U64, at=MILLIS, who=NAME, act=STRING, object=STRING, detail=STRING)
PARTIES = Enum(Room=NAME, Direct=Tuple(NAME, NAME))
EXPORTABLE = Struct(conversation=ID, parties=PARTIES)
COUNTERS = """connections sessions people_online accounts messages datagrams_received datagrams_sent datagrams_dropped
    packets_retransmitted handshakes rtt_median_micros store_latency_median_micros database_bytes receive_buffer_bytes"""
STATUS = Struct(version=STRING, started_at=MILLIS, **dict.fromkeys(COUNTERS.split(), U64))

REQUEST = Enum(
    SignIn=Struct(account=NAME, password=PASSWORD),
    Register=Struct(account=NAME, password=PASSWORD),
    Sync=None,
    Post=Struct(post=POST_ID, to=PLACE, text=TEXT),
    FetchAfter=Struct(conversation=ID, after=SEQ, limit=U32),
    FetchBefore=Struct(place=PLACE, before=Maybe(SEQ), limit=U32),
    Who=Struct(after=Maybe(NAME)),
    Receipt=Struct(notice=ID, receipt=RECEIPT),
    SendNotice=DRAFT,
    ListNotices=Struct(before=Maybe(ID)),
    NoticeStatus=Struct(notice=ID, after=Maybe(NAME)),
    AddUser=Struct(account=NAME, password=PASSWORD, role=ROLE),
    ListUsers=Struct(after=Maybe(NAME)),
    SetPassword=Struct(account=NAME, password=PASSWORD),
    SetRole=Struct(account=NAME, role=ROLE),
    SetDisabled=Struct(account=NAME, disabled=BOOL),
    Status=None,
    ReadAudit=Struct(before=Maybe(U64)),
    Exportable=Struct(room=Maybe(NAME), after=Maybe(ID)),
    ExportPage=Struct(conversation=ID, after=SEQ),
)
ANSWER = Enum(
    Done=None,
    Welcome=Struct(account=NAME, role=ROLE, now=MILLIS),
    Posted=Struct(conversation=ID, seq=SEQ),
    Page=PAGE,
    People=Struct(people=ListOf(PERSON), more=BOOL),
    NoticeSent=Struct(notice=ID, progress=PROGRESS),
    Notices=Struct(notices=ListOf(SUMMARY), more=BOOL),
    Ledger=LEDGER,
    Users=Struct(users=ListOf(ACCOUNT), more=BOOL),
    Status=STATUS,
    Audit=Struct(entries=ListOf(AUDIT), more=BOOL),
    Exportable=Struct(conversations=ListOf(EXPORTABLE), more=BOOL),
    Exported=Struct(messages=ListOf(MESSAGE), more=BOOL),
)
EVENT = Enum(
    Conversations=Struct(conversations=ListOf(CONVERSATION), more=BOOL),
    Conversation=CONVERSATION,
    Message=MESSAGE,
    Presence=ListOf(PRESENCE_CHANGE),
    Notice=NOTICE,
    Progress=Struct(notice=ID, progress=PROGRESS),
)
FROM_CLIENT = Struct(id=U32, request=REQUEST)
FROM_SERVER = Enum(Reply=Struct(id=U32, result=Enum(Ok=ANSWER, Err=U16)), Event=EVENT)

CONTROL, NOTICES, CHAT, HISTORY = range(4)
CHANNELS = {name: CONTROL for name in ("SignIn", "Register", "Sync", "AddUser", "SetPassword", "SetRole", "SetDisabled", "Status")}
CHANNELS |= {name: CHAT for name in ("Post", "Receipt", "SendNotice")}


def channel_of(request):
    return CHANNELS.get(request if isinstance(request, str) else next(iter(request)), HISTORY)


def encode(form, value):
    return bytes([SCHEMA]) + form.encode(value)


def decode(form, data):
    reader = Reader(data)
    if len(data) > MESSAGE_BYTES_MAX or reader.u8() != SCHEMA:
        raise Malformed("the schema or the size")
    value = form.decode(reader)
    if reader.left():
        raise Malformed("bytes are left over")
    return value
