"""A part of scripts/show-tray: a house of 300 people with long names and long notices, under a window manager with a panel.

What two people and short texts hide: it is asserted that no popup is under the panel or off the screen, that none takes the keyboard, that
no window changes its size by itself, and that every answer of six can be given. The rest is for people who look at the pictures.
"""

import random
import re
import shutil
import subprocess
import time

from stage import Failed, wait

PEOPLE = 300
HERE = 24
GROUPS = ("Station 4", "Nachtdienst und Notaufnahme Süd", "维修部", "Reception", "فريق الطوارئ", "Kitchen & laundry", "Board", "IT")
ROOMS = ("Ward 4", "Handover of the night on floor 2", "夜班交接", "Lunch", "Parking", "غرفة الاجتماعات", "Building site")
GIVEN = ("Anna", "Ben", "Maximiliane Theodora", "Jean-Baptiste", "Zoë", "Nguyễn Thị", "Oleksandra", "Mohammed", "Ingibjörg", "Li", "Priya", "Ørjan")
FAMILY = ("Berg", "Ode", "von Oberstein-Wallenrodt", "Müller-Lüdenscheidt", "Papadopoulos-Konstantinidis", "Okonkwo", "Minh Khai",
          "Łukaszewska", "al-Khwarizmi", "Guðmundsdóttir", "Subramanian", "Sæther")
OTHERS = ("王伟", "欧阳建国", "สมชาย ใจดี", "محمد عبد الرحمن", "דוד לוי", "佐藤 健太郎", "김민준", "Δημήτρης Παπαδόπουλος", "Екатерина А. Черноусова-Петрова")
SIX = "All is well,I need help at once,I am not in the building today,Somebody is with me,I do not know yet,Ask me again in ten minutes"
LONG = "Leave the building by the nearest exit. Do not use the lifts; take nobody's word that it is a drill, and help whoever is slower than you are. "


def names(count):
    """Different ones, from two letters to as many as an account may have; the same on every day."""
    dice = random.Random(300)
    found = list(OTHERS)
    while len(found) < count:
        name = f"{dice.choice(GIVEN)} {dice.choice(FAMILY)}"
        while name in found or len(name) < 3:
            name += f" {dice.choice('ABCDEFGHJKLMNPRSTUVW')}."
        if len(name) <= 32:
            found.append(name)
    return found[:count]


def fill(stage):
    """Who is there, and where: 300 accounts, groups and rooms, some of them here, and a lobby that has been talked in."""
    print(f"a house of {PEOPLE} people")
    people = names(PEOPLE)
    for name in people:
        stage.belfry("user", "add", "--", name, new=True)
    for place, group in enumerate(GROUPS):
        stage.belfry("group", "add", "--", group, *people[place::len(GROUPS)], "alice")
    for room in ROOMS:
        stage.belfry("room", "create", "--", room, user="alice")
    for name in people[:HERE]:
        stage.start("listener", [stage.program("belfry"), "listen", "--json"], stage.as_user(name))
    wait("they are here", lambda: sum('"online"' in line for line in stage.belfry("who", "--json").splitlines()) > HERE)
    lines = ["Good morning, all.", "早上好！" * 12, "السلام عليكم، الاجتماع في الطابق الثالث.", "w" * 200, LONG * 3,
             "See https://lan-host/handover/2026/11/30/floor-2?ward=4&shift=night#beds and http://printer.", "\u05e9\u05dc\u05d5\u05dd \u05dc\u05db\u05d5\u05dc\u05dd"]
    for place, text in enumerate(lines):
        stage.belfry("send", "--room", "lobby", "--", text, user=people[place])
    stage.belfry("send", "--room", "lobby", "-", user=people[1], lines=[f"{number}. of forty lines" for number in range(1, 41)])
    return people


def work_area(stage):
    """What the panel leaves, by the window manager's own word."""
    said = subprocess.run(["xprop", "-root", "_NET_WORKAREA"], env=stage.env, capture_output=True, text=True, timeout=20).stdout
    found = re.findall(r"\d+", said.partition("=")[2])
    return tuple(map(int, found[:4])) if len(found) >= 4 else None


def active(stage):
    """Which window has the keyboard."""
    return (stage.xdotool("getactivewindow") or [None])[0]


def inside(stage, title):
    """That all windows of that title are where nothing covers them."""
    left, top, width, height = work_area(stage)
    for window in stage.windows(title):
        x, y, w, h = stage.place(window)
        # One that waits for its turn is measured far away.
        if x <= -30000:
            continue
        if not (left <= x and top <= y and x + w <= left + width and y + h <= top + height):
            raise Failed(f"{title} at {x}, {y}, {w} by {h} is not inside of {left}, {top}, {width} by {height}")


def same_size(stage, window, before, after_what):
    now = stage.place(window)[2:]
    if now != before:
        raise Failed(f"a window of {before} has {now} after {after_what}")


def chat_windows(stage, chat):
    """The chat window as small as it may be, as it comes, and wide; people and Ctrl+K."""
    print("the chat window in three sizes")
    for width, height in ((360, 420), (720, 560), (1240, 700)):
        stage.arrange(chat, 10, 30, width, height)
        wait("it has that size", lambda: stage.place(chat)[2:] == (width, height))
        stage.picture(f"chat-{width}", chat)
    stage.arrange(chat, 10, 30, 720, 560)
    stage.keys(chat, "ctrl+k")
    stage.picture("new-conversation", chat)
    stage.type(chat, "ober")
    stage.picture("new-conversation-ober", chat)
    stage.keys(chat, "Escape")


def popups(stage, chat):
    """Six answers, four notices at once: none under the panel, none takes the keyboard, and each can be answered."""
    print("notices with long texts and six answers")
    stage.front(chat)
    before, size = active(stage), stage.place(chat)[2:]
    sent = [(stage.notice("--severity", severity, "--title", title, "--answers", answers, "--", body), answers.split(",")) for severity, title, answers, body in (
        ("info", "Canteen", "Acknowledge", "Opens at 12:30."),
        ("important", "The lifts of the north building stand still until the afternoon, and the stairs are wet", "I have read it,Call me", LONG * 4),
        ("important", "Where are you?", SIX, LONG * 10),
        ("critical", "火灾警报：请立即离开大楼", SIX, LONG * 2),
    )]
    # The screen holds one or two of them; the most severe and newest goes before the others, which follow when it has been answered.
    for number, answers in reversed(sent[1:]):
        wait(f"notice {number} is visible to alice", lambda: stage.ledger(number)["alice"]["visible_at"])
        stage.picture(f"notice-with-{len(answers)}-answers", settle=False)
        inside(stage, "^Belfry notice$")
        if active(stage) != before:
            raise Failed("a notice has taken the keyboard")
        same_size(stage, chat, size, "notices")
        answer_by_key(stage, chat, number, answers)
    stage.picture("strip", chat)


def answer_by_key(stage, chat, number, answers):
    """The last of its answers by the keyboard alone. More than three stand in the list of notices, to which the first Return leads."""
    stage.front(chat)
    stage.xdotool("key", "ctrl+alt+b")
    # A notice takes no key for half a second after it has come up.
    time.sleep(1)
    if len(answers) > 3:
        stage.xdotool("key", "Return")
        time.sleep(1)
        stage.picture("answers-in-the-list", chat)
    stage.xdotool("key", *["Tab"] * (len(answers) - 1), "Return")
    given = wait(f"notice {number} is answered", lambda: stage.ledger(number)["alice"]["answer"])
    if given != answers[-1]:
        raise Failed(f"notice {number} is answered with {given}, not {answers[-1]}")
    stage.keys(chat, "Escape")


def administrator(stage, admin_window):
    """The ledger of 300 people, with six answers and a long notice; several sendings by the form."""
    print("the administrator's window")
    stage.keys(admin_window, "ctrl+shift+n")
    desk = stage.window("^Belfry: notices$")
    stage.arrange(desk, 200, 40, 900, 640)
    wait("it has that size", lambda: stage.place(desk)[2:] == (900, 640))
    stage.picture("desk-of-300", desk)
    size = stage.place(desk)[2:]
    for turn in range(3):
        stage.notice("--severity", "info", "--title", f"Sent while the window is open {turn}", "--", LONG)
        time.sleep(1)
        same_size(stage, desk, size, "a notice was sent")
    stage.picture("desk-after-three", desk)
    return desk


def at_twice_the_size(stage):
    """Text at 200 percent, from the first window on."""
    print("text of twice the size")
    profile = stage.work / "profile-bob"
    profile.mkdir(mode=0o700)
    (profile / "settings.toml").write_text("text-percent = 200\n")
    bob = stage.tray("bob", "--show")
    chat = stage.window("^Belfry$", bob)
    stage.signed_in("bob")
    for width, height in ((720, 560), (1240, 700)):
        stage.arrange(chat, 10, 30, width, height)
        stage.picture(f"twice-{width}", chat)
    stage.picture("twice-popups", settle=False)
    inside(stage, "^Belfry notice$")
    stage.end(bob)


def house(stage):
    missing = [tool for tool in ("openbox", "tint2", "xprop") if not shutil.which(tool)]
    if missing:
        raise Failed(f"missing: {', '.join(missing)}; scripts/setup-linux-desktop --pictures")
    stage.open_display(managed=True)
    wait("the panel has its place", lambda: (work_area(stage) or (0, 0, 0, 800))[3] < 800)
    stage.open_server(BELFRY_POSTS_PER_SECOND="1000")
    for user in ("alice", "bob"):
        stage.belfry("register", user=user)
    fill(stage)
    alice = stage.tray("alice", "--show")
    chat = stage.window("^Belfry$", alice)
    stage.signed_in("alice")
    chat_windows(stage, chat)
    popups(stage, chat)
    admin = stage.tray("admin", "--show")
    window = stage.window("^Belfry$", admin)
    stage.signed_in("admin")
    administrator(stage, window)
    stage.end(alice)
    stage.end(admin)
    at_twice_the_size(stage)
