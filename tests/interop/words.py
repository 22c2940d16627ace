"""Messages of docs/protocol/messages.md: values as JSON shows them, an enum's variant as `{name: fields}` or `name`.

The forms are below; what is said is a table at the end. A variant that is added to the protocol is one line there.
"""

import ipaddress
import struct
import unicodedata

from wire import Malformed, Reader

SCHEMA = 4
MESSAGE_BYTES_MAX = 64 * 1024
FILE_BLOCK_BYTES = 48 * 1024


# --- Forms -------------------------------------------------------------------------------------------------------------------


class Number:
    def __init__(self, bits):
        self.bits = bits

    def encode(self, value):
        if not 0 <= value < 1 << self.bits:
            raise ValueError("too large")
        if value <= 250:
            return bytes([value])
        for mark, form, bits in ((251, "<H", 16), (252, "<I", 32), (253, "<Q", 64)):
            if value < 1 << bits:
                return bytes([mark]) + struct.pack(form, value)

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


class Bytes:
    """So many bytes, as a list of numbers."""

    def __init__(self, count):
        self.count = count

    def encode(self, value):
        if len(value) != self.count:
            raise ValueError("another count of bytes")
        return bytes(value)

    def decode(self, reader):
        return list(reader.take(self.count))


class String:
    """Any text; `rule` looks at it and returns the form in which it is kept, or raises `Malformed`."""

    def __init__(self, rule=lambda text: text):
        self.rule = rule

    def encode(self, value):
        return U64.encode(len(value.encode())) + value.encode()

    def decode(self, reader):
        try:
            text = reader.take(U64.decode(reader)).decode()
        except UnicodeDecodeError as error:
            raise Malformed("no UTF-8") from error
        return self.rule(text)


class Blob:
    """Bytes with their count before them, at least one."""

    def __init__(self, count_max):
        self.count_max = count_max

    def encode(self, value):
        return U64.encode(len(value)) + bytes(value)

    def decode(self, reader):
        count = U64.decode(reader)
        if not 1 <= count <= self.count_max:
            raise Malformed("the length of a block")
        return list(reader.take(count))


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


class MaybeChanged(Maybe):
    """`T??`, of which JSON cannot tell the two kinds of nothing apart: an absent key or `None` is "as it was", `[None]` is "none"."""

    def encode(self, value):
        return b"\0" if value is None else b"\1" + Maybe(self.item).encode(value[0])

    def decode(self, reader):
        return [Maybe(self.item).decode(reader)] if reader.flag() else None


class Struct:
    def __init__(self, **fields):
        self.fields = fields

    def encode(self, value):
        if set(value) != set(self.fields):
            raise ValueError(f"other fields: {sorted(value)}")
        return b"".join(form.encode(value[name]) for name, form in self.fields.items())

    def decode(self, reader):
        return {name: form.decode(reader) for name, form in self.fields.items()}


class Tuple:
    def __init__(self, *items):
        self.items = items

    def encode(self, value):
        if len(value) != len(self.items):
            raise ValueError("another count of items")
        return b"".join(form.encode(item) for form, item in zip(self.items, value))

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


class Address:
    """An IP address and a port, written as people write them."""

    def encode(self, value):
        host, port = value.rsplit(":", 1)
        address = ipaddress.ip_address(host.strip("[]"))
        return U32.encode(0 if address.version == 4 else 1) + address.packed + U16.encode(int(port))

    def decode(self, reader):
        kind = U32.decode(reader)
        if kind > 1:
            raise Malformed("neither IPv4 nor IPv6")
        address = ipaddress.ip_address(reader.take(4 if kind == 0 else 16))
        port = U16.decode(reader)
        return f"{address}:{port}" if kind == 0 else f"[{address}]:{port}"


# --- Rules of texts ----------------------------------------------------------------------------------------------------------

NOT_IN_NAMES = set('@#/\\:,;"<>|*?')
# White space as Unicode has it: what Python splits at, without the four separators of files, groups, records and units.
NO_SPACE = set("\x1c\x1d\x1e\x1f")


def is_space(letter):
    return letter.isspace() and letter not in NO_SPACE


def is_control(letter):
    return unicodedata.category(letter) == "Cc"


def name(text):
    words = "".join(" " if is_space(letter) else letter for letter in text).split(" ")
    tidy = " ".join(unicodedata.normalize("NFC", word) for word in words if word)
    if not tidy or len(tidy) > 32 or len(tidy.encode()) > 128:
        raise Malformed("the length of a name")
    if any(is_control(letter) or letter in NOT_IN_NAMES for letter in tidy):
        raise Malformed("the letters of a name")
    return tidy


def file_name(text):
    tidy = unicodedata.normalize("NFC", text)
    if not 1 <= len(tidy.encode()) <= 255 or tidy in (".", ".."):
        raise Malformed("the length of a file's name")
    if any(is_control(letter) or letter in "/\\" for letter in tidy):
        raise Malformed("the letters of a file's name")
    return tidy


def text_of(bytes_max, may_contain=""):
    def rule(text):
        if not 1 <= len(text.encode()) <= bytes_max or any(is_control(letter) and letter not in may_contain for letter in text):
            raise Malformed("a text that cannot be")
        return text

    return rule


def zone(text):
    if not 1 <= len(text.encode()) <= 64 or any(is_space(letter) or is_control(letter) or letter in "[]" for letter in text):
        raise Malformed("the name of a time zone")
    return text


def password(text):
    if not 1 <= len(text.encode()) <= 256:
        raise Malformed("the length of a password")
    return text


# --- What is said ------------------------------------------------------------------------------------------------------------

U8, U16, U32, U64, BOOL = Byte(), Number(16), Number(32), Number(64), Bool()
MILLIS = ID = SEQ = U64
STRING, NAME, PASSWORD = String(), String(name), String(password)
TEXT, TITLE, SEARCH_TEXT, LABEL = String(text_of(16384, "\n\t")), String(text_of(256)), String(text_of(256)), String(text_of(64))

PLACE = Enum(Room=NAME, Direct=NAME)
FILE_NAME, CONTENT_HASH, BLOCK = String(file_name), Bytes(32), Blob(FILE_BLOCK_BYTES)
ATTACHMENT = Struct(file=ID, name=FILE_NAME, bytes=U64, hash=CONTENT_HASH)
POST_ID = Struct(outbox=U64, counter=U64)
EXCERPT = String(text_of(256))
QUOTE = Struct(seq=SEQ, quoted=Maybe(Struct(**{"from": NAME}, line=Maybe(EXCERPT))))
ALTERATION = Struct(number=U64, at=MILLIS, deleted=BOOL, edited_at=Maybe(MILLIS))
EMOJI = String(text_of(64))
REACTION = Struct(emoji=EMOJI, count=U64, by=ListOf(NAME))
REACTOR = Struct(emoji=EMOJI, account=NAME, at=MILLIS)
MESSAGE = Struct(
    conversation=ID,
    seq=SEQ,
    **{"from": NAME},
    text=TEXT,
    sent_at=MILLIS,
    altered=Maybe(ALTERATION),
    reply_to=Maybe(QUOTE),
    attachment=Maybe(ATTACHMENT),
    reactions=ListOf(REACTION),
)
SHARED_FILE = Struct(attachment=ATTACHMENT, place=PLACE, conversation=ID, seq=SEQ, **{"from": NAME}, sent_at=MILLIS)
ARRANGEMENT = Struct(pinned=BOOL, muted=BOOL, marked_unread=BOOL)
CONVERSATION = Struct(id=ID, place=PLACE, last=SEQ, since=SEQ, read=SEQ, unread=U64, alterations=U64, arrangement=ARRANGEMENT)
PAGE = Struct(conversation=CONVERSATION, messages=ListOf(MESSAGE))
SHARED = Struct(conversation=ID, seq=SEQ, alteration=U64)
KEEP = Struct(age_ms=Maybe(U64), messages=Maybe(U64))
BOUND = Enum(Unchanged=None, AsOnServer=None, Own=U64)
KEEP_CHANGE = Struct(age_ms=BOUND, messages=BOUND)
ROOM = Struct(
    name=NAME,
    private=BOOL,
    members=U64,
    standing=Enum(Outside=None, Invited=None, Inside=None),
    owner=Maybe(NAME),
    keep=KEEP,
)
HIT = Struct(place=PLACE, message=MESSAGE)
FOUND = Struct(hits=ListOf(HIT), more=BOOL, cut=BOOL)
ORIGINAL = Struct(**{"from": NAME}, text=TEXT, until=MILLIS)
ROLE = Enum(Member=None, Admin=None)
PRESENCE = Enum(Online=None, Away=None, Offline=None)
PROFILE_LINE, STATUS_TEXT = String(text_of(128)), String(text_of(160))
PROFILE = Struct(display=Maybe(NAME), department=Maybe(PROFILE_LINE), telephone=Maybe(PROFILE_LINE), status=Maybe(STATUS_TEXT))
PROFILE_CHANGE = Enum(Display=Maybe(NAME), Department=Maybe(PROFILE_LINE), Telephone=Maybe(PROFILE_LINE), Status=Maybe(STATUS_TEXT))
NAMED_PROFILE = Struct(account=NAME, profile=PROFILE)
PERSON = Struct(account=NAME, presence=PRESENCE, last_seen=Maybe(MILLIS), profile=PROFILE)
PRESENCE_CHANGE = Struct(account=NAME, presence=PRESENCE, at=MILLIS)
PRESENTITY = Enum(Everyone=None, Account=NAME, Room=NAME, Lists=None)
LIST_VERSIONS = Struct(accounts=U64, rooms=U64, groups=U64, notices=U64)
ACCOUNT = Struct(name=NAME, role=ROLE, disabled=BOOL, created_at=MILLIS, last_seen=Maybe(MILLIS), profile=PROFILE)
GROUP = Struct(name=NAME, members=U64)
DEVICE_ID = Bytes(32)
DEVICE = Struct(
    device=DEVICE_ID,
    first_seen=MILLIS,
    last_seen=MILLIS,
    connected=BOOL,
    address=Maybe(Address()),
    remembered=BOOL,
    revoked_at=Maybe(MILLIS),
)

SEVERITY = Enum(Info=None, Important=None, Critical=None)
AUDIENCE = Enum(Everyone=None, Account=NAME, Group=NAME, Room=NAME)
EVERY = Enum(Days=U32, Millis=U64)
ZONE = String(zone)
FIRST = Enum(At=MILLIS, Clock=Struct(day=Maybe(U32), time=U32))
SCHEDULE = Struct(first=FIRST, zone=Maybe(ZONE), every=Maybe(EVERY))
REMINDING = Struct(every_ms=U64, limit=U16)
DRAFT = Struct(
    post=POST_ID,
    severity=SEVERITY,
    title=Maybe(TITLE),
    body=TEXT,
    audience=ListOf(AUDIENCE),
    answers=ListOf(LABEL),
    expires_after_ms=Maybe(U64),
    schedule=Maybe(SCHEDULE),
    remind=Maybe(REMINDING),
    confirmed=BOOL,
)
OBSTACLE = Enum(
    AuthorDisabled=None, AuthorNoAdmin=None, NoRoom=None, NoGroup=None, NoAccount=None, Nobody=None, Over=None
)
MISSED = Struct(at=MILLIS, why=OBSTACLE)
SCHEDULED = Struct(
    id=ID,
    author=NAME,
    next_at=Maybe(MILLIS),
    zone=ZONE,
    draft=DRAFT,
    missed=Maybe(MISSED),
    obstacle=Maybe(OBSTACLE),
)
TEMPLATE = Struct(
    name=NAME,
    severity=SEVERITY,
    title=Maybe(TITLE),
    body=TEXT,
    audience=ListOf(AUDIENCE),
    answers=ListOf(LABEL),
    expires_after_ms=Maybe(U64),
    remind=Maybe(REMINDING),
)
PREVIEW = Struct(people=U64, online=U64, offline=U64, never=U64, everyone=BOOL)
NOTICE_STATE = Enum(Open=None, Expired=None, Withdrawn=None, AllClear=None)
GIVEN_ANSWER = Struct(answer=U8, at=MILLIS)
NOTICE = Struct(
    id=ID,
    severity=SEVERITY,
    title=Maybe(TITLE),
    body=TEXT,
    answers=ListOf(LABEL),
    author=NAME,
    sent_at=MILLIS,
    expires_at=Maybe(MILLIS),
    state=NOTICE_STATE,
    revision=U32,
    reminder=U32,
    answered=Maybe(GIVEN_ANSWER),
)
NOTICE_CHANGE = Enum(
    Update=Struct(severity=Maybe(SEVERITY), title=Maybe(TITLE), body=Maybe(TEXT), expires_after_ms=MaybeChanged(U64)),
    Withdraw=None,
    AllClear=Struct(body=Maybe(TEXT)),
    Remind=None,
)
RECEIPT = Enum(Reached=None, Locked=None, Visible=None, Answered=U8)
PROGRESS = Struct(audience=U64, reached=U64, visible=U64, answered=U64)
SUMMARY = Struct(notice=NOTICE, progress=PROGRESS)
GAP = Enum(
    NeverConnected=None,
    Offline=Struct(since=MILLIS),
    OnItsWay=None,
    Locked=Struct(since=MILLIS),
    Unanswered=None,
    AnsweredElsewhere=None,
    Over=Struct(state=NOTICE_STATE, offline_since=Maybe(MILLIS)),
)
DEVICE_ENTRY = Struct(
    device=Maybe(DEVICE_ID),
    queued_at=Maybe(MILLIS),
    reached_at=Maybe(MILLIS),
    visible_at=Maybe(MILLIS),
    answered=Maybe(Tuple(LABEL, MILLIS)),
    revision=U32,
    offline_since=Maybe(MILLIS),
    online=BOOL,
    gap=Maybe(GAP),
)
LEDGER_ENTRY = Struct(
    account=NAME,
    display=Maybe(NAME),
    department=Maybe(PROFILE_LINE),
    reached_at=Maybe(MILLIS),
    visible_at=Maybe(MILLIS),
    answered=Maybe(Tuple(LABEL, MILLIS)),
    revision=U32,
    offline_since=Maybe(MILLIS),
    online=BOOL,
    gap=Maybe(GAP),
    later=BOOL,
    devices=ListOf(DEVICE_ENTRY),
)
LEDGER_PART = Enum(Everybody=None, NotReached=None, Reached=None, Visible=None, Answered=None, Unanswered=None, Answer=U8)
LEDGER_VIEW = Struct(part=LEDGER_PART, group=Maybe(NAME), order=Enum(Name=None, Need=None))
LEDGER_TALLY = Struct(people=U64, reached=U64, visible=U64, answers=ListOf(U64), waiting=U64)
LEDGER = Struct(summary=SUMMARY, tally=Maybe(LEDGER_TALLY), entries=ListOf(LEDGER_ENTRY), more=BOOL)
AUDIT = Struct(id=U64, at=MILLIS, who=NAME, act=STRING, object=STRING, detail=STRING)
PARTIES = Enum(Room=NAME, Direct=Tuple(NAME, NAME))
EXPORTABLE = Struct(conversation=ID, parties=PARTIES)
COUNTERS = """connections sessions people_online accounts messages datagrams_received datagrams_sent datagrams_dropped
    packets_retransmitted handshakes rtt_median_micros store_latency_median_micros database_bytes receive_buffer_bytes"""
STATUS = Struct(version=STRING, started_at=MILLIS, **dict.fromkeys(COUNTERS.split(), U64))

CONTROL, NOTICES, CHAT, HISTORY, FILE = range(5)

# Name, channel and fields of each request; the answer comes on the same channel, but that of FetchNotice, which comes on notice.
REQUESTS = [
    ("SignIn", CONTROL, Struct(account=NAME, password=PASSWORD, remember=BOOL)),
    ("Register", CONTROL, Struct(account=NAME, password=PASSWORD, remember=BOOL)),
    ("Sync", CONTROL, None),
    ("Post", CHAT, Struct(post=POST_ID, to=PLACE, room=Maybe(ID), text=TEXT, reply_to=Maybe(SEQ))),
    ("FetchAfter", HISTORY, Struct(conversation=ID, after=SEQ, limit=U32)),
    ("FetchBefore", HISTORY, Struct(place=PLACE, before=Maybe(SEQ), limit=U32)),
    ("Who", HISTORY, Struct(after=Maybe(NAME))),
    ("Receipt", CHAT, Struct(notice=ID, revision=U32, receipt=RECEIPT)),
    ("SendNotice", CHAT, DRAFT),
    ("ListNotices", HISTORY, Struct(before=Maybe(ID), text=Maybe(SEARCH_TEXT))),
    ("NoticeStatus", HISTORY, Struct(notice=ID, view=LEDGER_VIEW, after=Maybe(NAME))),
    ("AddUser", CONTROL, Struct(account=NAME, password=PASSWORD, role=ROLE)),
    ("ListUsers", HISTORY, Struct(after=Maybe(NAME))),
    ("SetPassword", CONTROL, Struct(account=NAME, password=PASSWORD, keep_sessions=BOOL)),
    ("SetRole", CONTROL, Struct(account=NAME, role=ROLE, confirmed=BOOL)),
    ("SetDisabled", CONTROL, Struct(account=NAME, disabled=BOOL, confirmed=BOOL)),
    ("Status", CONTROL, None),
    ("SignInByDevice", CONTROL, Struct(account=NAME)),
    ("FetchNotice", CONTROL, Struct(notice=ID)),
    ("ChangeNotice", CHAT, Struct(notice=ID, change=NOTICE_CHANGE)),
    ("PreviewNotice", CHAT, Struct(audience=ListOf(AUDIENCE))),
    ("ListSchedules", HISTORY, Struct(after=Maybe(ID))),
    ("Unschedule", CONTROL, Struct(schedule=ID)),
    ("SaveTemplate", CHAT, TEMPLATE),
    ("RemoveTemplate", CONTROL, Struct(name=NAME)),
    ("ListTemplates", HISTORY, Struct(after=Maybe(NAME))),
    ("AddToGroup", CHAT, Struct(group=NAME, members=ListOf(NAME))),
    ("RemoveFromGroup", CHAT, Struct(group=NAME, members=ListOf(NAME), confirmed=BOOL)),
    ("ListGroups", HISTORY, Struct(after=Maybe(NAME))),
    ("GroupMembers", HISTORY, Struct(group=NAME, after=Maybe(NAME))),
    ("ListDevices", HISTORY, Struct(account=NAME, after=Maybe(DEVICE_ID))),
    ("RevokeDevice", CONTROL, Struct(account=NAME, device=DEVICE_ID)),
    ("ReadAudit", HISTORY, Struct(before=Maybe(U64))),
    ("Exportable", HISTORY, Struct(room=Maybe(NAME), after=Maybe(ID))),
    ("ExportPage", HISTORY, Struct(conversation=ID, after=SEQ)),
    ("CreateRoom", CONTROL, Struct(room=NAME, private=BOOL)),
    ("ListRooms", HISTORY, Struct(after=Maybe(NAME))),
    ("JoinRoom", CONTROL, Struct(room=NAME)),
    ("LeaveRoom", CONTROL, Struct(room=NAME, confirmed=BOOL)),
    ("RoomMembers", HISTORY, Struct(room=NAME, after=Maybe(NAME))),
    ("Invite", CONTROL, Struct(room=NAME, account=NAME)),
    ("Edit", CHAT, Struct(place=PLACE, room=Maybe(ID), seq=SEQ, text=TEXT)),
    ("Delete", CHAT, Struct(place=PLACE, room=Maybe(ID), seq=SEQ)),
    ("FetchAltered", HISTORY, Struct(conversation=ID, after=U64)),
    ("MarkRead", CHAT, Struct(place=PLACE, room=Maybe(ID), upto=SEQ)),
    ("Typing", CHAT, Struct(place=PLACE)),
    ("Away", CONTROL, Struct(away=BOOL)),
    ("Search", HISTORY, Struct(text=SEARCH_TEXT, place=Maybe(PLACE), before=Maybe(SEQ), limit=U32)),
    ("Originals", HISTORY, Struct(of=PARTIES, seq=SEQ, after=U32)),
    ("RemoveFromRoom", CONTROL, Struct(room=NAME, account=NAME, confirmed=BOOL)),
    ("RenameRoom", CONTROL, Struct(room=NAME, name=NAME)),
    ("DeleteRoom", CONTROL, Struct(room=NAME, confirmed=BOOL)),
    ("KeepRoom", CONTROL, Struct(room=NAME, number=Maybe(ID), change=KEEP_CHANGE, confirmed=BOOL)),
    ("FetchShared", HISTORY, Struct(timeline=U64, after=Maybe(ID))),
    ("Watch", CHAT, Struct(whom=ListOf(PRESENTITY), since=U64)),
    ("Reached", CHAT, Struct(notices=ListOf(Tuple(ID, U32)))),
    ("OfferFile", CONTROL, Struct(to=PLACE, room=Maybe(ID), bytes=U64, hash=CONTENT_HASH)),
    ("SendBlock", FILE, Struct(hash=CONTENT_HASH, offset=U64, block=BLOCK)),
    ("PostFile", CHAT, Struct(post=POST_ID, to=PLACE, room=Maybe(ID), text=TEXT, name=FILE_NAME, hash=CONTENT_HASH)),
    ("FetchFile", CONTROL, Struct(file=ID)),
    ("FetchBlock", CONTROL, Struct(file=ID, offset=U64)),
    ("ListFiles", HISTORY, Struct(place=PLACE, before=Maybe(SEQ))),
    ("React", CHAT, Struct(place=PLACE, room=Maybe(ID), seq=SEQ, emoji=EMOJI, set=BOOL)),
    ("FetchReactors", HISTORY, Struct(place=PLACE, seq=SEQ, after=U32)),
    ("SetProfile", CHAT, Struct(account=NAME, changes=ListOf(PROFILE_CHANGE))),
    ("Arrange", CHAT, Struct(place=PLACE, room=Maybe(ID), flag=Enum(Pinned=None, Muted=None, MarkedUnread=None), on=BOOL)),
]
ANSWERS = [
    ("Done", None),
    ("Welcome", Struct(account=NAME, role=ROLE, now=MILLIS, timeline=U64)),
    ("Posted", Struct(conversation=ID, seq=SEQ)),
    ("Page", PAGE),
    ("People", Struct(people=ListOf(PERSON), more=BOOL)),
    ("NoticeSent", Struct(notice=ID, progress=PROGRESS)),
    ("Notices", Struct(notices=ListOf(SUMMARY), more=BOOL)),
    ("Ledger", LEDGER),
    ("Users", Struct(users=ListOf(ACCOUNT), more=BOOL)),
    ("Status", STATUS),
    ("NoticeScheduled", Struct(schedule=ID, at=MILLIS, zone=ZONE)),
    ("Notice", NOTICE),
    ("NoticeChanged", SUMMARY),
    ("Preview", PREVIEW),
    ("Schedules", Struct(schedules=ListOf(SCHEDULED), more=BOOL)),
    ("Templates", Struct(templates=ListOf(TEMPLATE), more=BOOL)),
    ("Groups", Struct(groups=ListOf(GROUP), more=BOOL)),
    ("Devices", Struct(devices=ListOf(DEVICE), more=BOOL)),
    ("Audit", Struct(entries=ListOf(AUDIT), more=BOOL)),
    ("Exportable", Struct(conversations=ListOf(EXPORTABLE), more=BOOL)),
    ("Exported", Struct(messages=ListOf(MESSAGE), more=BOOL)),
    ("Rooms", Struct(rooms=ListOf(ROOM), more=BOOL)),
    ("Altered", Struct(messages=ListOf(MESSAGE), more=BOOL, last=U64)),
    ("Found", FOUND),
    ("Originals", Struct(originals=ListOf(ORIGINAL), more=BOOL)),
    ("WouldDelete", Struct(room=ID, messages=U64, of=U64)),
    ("Kept", KEEP),
    ("Shared", Struct(shared=ListOf(SHARED), more=BOOL)),
    ("Watching", Struct(since=U64, here=ListOf(PRESENCE_CHANGE), lists=LIST_VERSIONS)),
    ("Upload", Struct(**{"from": U64})),
    ("Received", Struct(upto=U64)),
    ("File", SHARED_FILE),
    ("Block", BLOCK),
    ("Files", Struct(files=ListOf(SHARED_FILE), more=BOOL)),
    ("Reactors", Struct(reactors=ListOf(REACTOR), more=BOOL)),
]
# Name, channel and fields.
EVENTS = [
    ("Conversations", CHAT, Struct(conversations=ListOf(CONVERSATION), more=BOOL)),
    ("Conversation", CHAT, CONVERSATION),
    ("Message", CHAT, MESSAGE),
    ("Presence", CHAT, Struct(version=U64, changes=ListOf(PRESENCE_CHANGE))),
    ("Notice", NOTICES, NOTICE),
    ("OpenNotices", NOTICES, ListOf(ID)),
    ("Progress", CHAT, Struct(notice=ID, progress=PROGRESS)),
    ("Left", CHAT, ID),
    ("Invited", CHAT, Struct(room=NAME, by=NAME)),
    ("Altered", CHAT, MESSAGE),
    ("Read", CHAT, Struct(conversation=ID, read=SEQ, unread=U64)),
    ("Typing", CHAT, Struct(place=PLACE, account=NAME)),
    ("Renamed", CHAT, Struct(conversation=ID, room=NAME)),
    ("Lists", CHAT, Struct(versions=LIST_VERSIONS, within_ms=U32)),
    ("Profiles", CHAT, Struct(since=U64, changes=ListOf(NAMED_PROFILE), upto=U64)),
    ("Arranged", CHAT, Struct(conversation=ID, arrangement=ARRANGEMENT)),
]

REQUEST = Enum(**{row[0]: row[-1] for row in REQUESTS})
ANSWER = Enum(**{row[0]: row[-1] for row in ANSWERS})
EVENT = Enum(**{row[0]: row[-1] for row in EVENTS})
CHANNELS = {row[0]: row[1] for row in REQUESTS}
EVENT_CHANNELS = {row[0]: row[1] for row in EVENTS}
FROM_CLIENT = Struct(id=U32, request=REQUEST)
FROM_SERVER = Enum(Reply=Struct(id=U32, result=Enum(Ok=ANSWER, Err=U16)), Event=EVENT)


def channel_of(request):
    return CHANNELS[request if isinstance(request, str) else next(iter(request))]


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
