"""belfry-tray.exe on a desktop under Wine, with the Linux server: FOLDER LINUX-BELFRY TRAY.exe TELL.exe. A picture of every step is kept
in FOLDER/try_tray/screens."""

import re
import shutil
import sys
import time

from screen import HEIGHT, NO_ACTIVATE, TOOL, TOPMOST, WIDTH, Screen
from under_wine import expect, free_port, main

CHAT, NOTICE, MESSAGE, SIGN_IN = "Belfry", "Belfry notice", "Belfry message", "Belfry: sign in"
CHINESE = "王伟: 打印机修好了"
RED = (0xC4, 0x2B, 0x1C)
TASKBAR = 20
IDLE_SECONDS = 10
# Wine wakes the program thirty times a second (platform/wine.rs); Windows does not.
IDLE_CPU_MAX = 0.05


class Story:
    def __init__(self, place, linux, tray, tell):
        self.place, self.linux, self.tray_program = place, linux, tray
        self.port = free_port()
        self.screen = Screen(place, tell)
        self.server = None

    def belfry(self, *words, user="admin", exits=0):
        env = {"BELFRY_PASSWORD": "correct horse", "BELFRY_SERVER": f"127.0.0.1:{self.port}", "BELFRY_USER": user}
        return self.place.run([self.linux, *words], env=env, exits=exits)

    def serve(self):
        self.server = self.place.start([self.linux, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", self.place.folder / "data"],
                                       env={"BELFRY_ADMIN_PASSWORD": "correct horse"})
        join = self.server.until("it says how to join", lambda: re.search(r"^join (\S+)$", self.server.said(), re.M))
        return join.group(1)

    def tray(self, *words, password=None):
        env = {"BELFRY_PASSWORD": password} if password else {}
        return self.place.start(["wine", self.tray_program, *words], env=env)

    def until(self, sentence, true, **more):
        return self.screen.until(sentence, true, **more)

    def said(self, room="lobby"):
        return [message["text"] for message in self.belfry("history", "--room", room, "--json").events()]

    def online(self, name):
        return self.presence(name) == "online"

    def presence(self, name):
        return next(person["presence"] for person in self.belfry("who", "--json").events() if person["account"] == name)

    def notice(self, severity, *to, body="Leave by the nearest exit."):
        audience = [word for name in to for word in ("--to", f"user:{name}")]
        sent = self.belfry("notice", "send", "--severity", severity, "--title", f"Drill {severity}", *audience,
                           "--answers", "Safe,Need help", body)
        return sent.lines()[0]

    def standing(self, notice, name):
        """A person's line of the ledger."""
        people = self.belfry("notice", "status", notice, "--json").events()[1:]
        return next(person for person in people if person["account"] == name)

    def visible(self, notice, name):
        self.until(f"the ledger says that {name} sees it", lambda: self.standing(notice, name)["visible_at"])

    def answered(self, notice, name, answer):
        self.until(f"the ledger says that {name} answered {answer!r}", lambda: self.standing(notice, name)["answer"] == answer)

    def popup(self):
        """The popup of a notice, where it belongs and out of everybody's way."""
        popup = self.screen.window(NOTICE)
        popup = self.until("the popup stands in its corner", lambda: next(
            (each for each in self.screen.windows(NOTICE) if each.x + each.width > WIDTH - 40), None))
        expect(popup.y + popup.height <= HEIGHT - TASKBAR, f"the popup covers the taskbar: {popup}")
        for style, what in ((TOPMOST, "above the others"), (TOOL, "out of the taskbar"), (NO_ACTIVATE, "out of the focus")):
            expect(popup.style & style, f"the popup is not {what}: {popup}")
        expect(not popup.front, f"the popup has taken the focus: {popup}")
        return popup

    def press(self, popup, answer):
        """Clicks an answer: 0 is the first one, on the left. Buttons stand at the right end of the popup's lowest line."""
        second = popup.x + popup.width - 12 - 50
        first = popup.x + popup.width - 12 - 100 - 8 - 35
        # What has just come up or moved takes no click for half a second.
        time.sleep(1)
        self.screen.click((first, second)[answer], popup.y + popup.height - 12 - 15)
        self.screen.rest()


def chatting(story):
    place, screen = story.place, story.screen
    place.step("the server starts; anna and ben have accounts")
    link = story.serve()
    for name in ("anna", "ben"):
        story.belfry("register", user=name)

    place.step("the tray program signs in as its command line says, and shows its window")
    tray = story.tray("--server", link, "--user", "anna", "--profile", r"C:\anna", "--show", password="correct horse")
    chat = screen.window(CHAT, "the chat window is shown")
    story.until("anna is online", lambda: story.online("anna"))
    expect(not screen.windows(SIGN_IN), "nobody is asked anything")
    expect(chat.x >= 0 and chat.y >= 0 and chat.width >= 360 and chat.height >= 420, f"the window is {chat}")
    screen.picture("signed-in")

    place.step("a message with Chinese letters comes in")
    lines = (chat.x + chat.width // 2, chat.y + 80, chat.width // 2 - 20, chat.height - 180)
    before = screen.pixels(*lines)
    story.belfry("send", "--room", "lobby", CHINESE, user="ben")
    story.until("the message is to be seen", lambda: screen.pixels(*lines) != before)
    time.sleep(1)
    screen.picture("chinese")

    place.step("a message goes out, typed and sent by Enter; Chinese, too")
    # A click into the composer, which is at the bottom.
    screen.click(chat.x + chat.width // 2 + 40, chat.y + chat.height - 40)
    screen.type("hello from Windows")
    screen.picture("typed")
    screen.key("Return")
    story.until("the message is stored", lambda: "hello from Windows" in story.said())
    screen.type("你好")
    screen.key("Return")
    story.until("the Chinese message is stored", lambda: "你好" in story.said())
    screen.picture("sent")

    place.step("the closed window stays away, the program stays; a message raises a popup that takes no focus")
    place.start(["wine", "notepad"])
    screen.until("Notepad is in front", lambda: any(each.front and "Notepad" in each.title for each in screen.windows()))
    screen.tell("close", CHAT)
    screen.gone(CHAT, "the chat window goes")
    expect(tray.process.poll() is None and story.online("anna"), "the program has ended")
    story.belfry("send", "--room", "lobby", "are you there?", user="ben")
    screen.window(MESSAGE, "the message pops up")
    popup = story.until("the popup is one that takes no focus", lambda: next(
        (each for each in screen.windows(MESSAGE) if each.style & NO_ACTIVATE), None))
    expect(not popup.front, f"the popup has taken the focus: {popup}")
    screen.picture("message-popup")
    return link, tray


def notices(story):
    place, screen = story.place, story.screen
    place.step("an info notice is shown, and goes by itself")
    screen.gone(MESSAGE, "the message's popup goes by itself")
    number = story.notice("info", "anna")
    story.popup()
    screen.picture("info")
    story.visible(number, "anna")
    screen.gone(NOTICE, "the info notice goes by itself", limit=30)

    for severity, answer, words in (("important", 0, "Safe"), ("critical", 1, "Need help")):
        place.step(f"an {severity} notice stays until it is answered by a click; the ledger says so")
        number = story.notice(severity, "anna")
        popup = story.popup()
        story.visible(number, "anna")
        time.sleep(1)
        screen.picture(severity)
        _, red = screen.spot(RED, popup.x, popup.y, popup.width, 30)
        expect((red > popup.width * 10) == (severity == "critical"), f"{red} pixels of the {severity} notice's head are red")
        story.press(popup, answer)
        story.answered(number, "anna", words)
        screen.gone(NOTICE, "the answered notice goes")
        expect(any(each.front and "Notepad" in each.title for each in screen.windows()), "Notepad is not in front any more")


def session(story):
    place, screen = story.place, story.screen
    place.step("behind a locked screen a notice is reached, not visible; after the lock it is")
    screen.tell("lock")
    story.until("anna is away", lambda: story.presence("anna") == "away")
    number = story.notice("important", "anna")
    story.until("the ledger says that the screen is locked", lambda: story.standing(number, "anna")["reason"] == "locked")
    expect(not story.standing(number, "anna")["visible_at"], "nobody can have seen it")
    screen.tell("unlock")
    story.until("anna is back", lambda: story.online("anna"))
    story.visible(number, "anna")
    story.press(story.popup(), 0)
    story.answered(number, "anna", "Safe")


def icon(story, tray):
    place, screen = story.place, story.screen
    place.step("a click on the icon opens the window, and another hides it; a new taskbar gets the icon, too")
    corner = (WIDTH - 120, HEIGHT - TASKBAR + 1, 120, TASKBAR - 2)

    def icon_spot():
        background = screen.pixels(WIDTH - 400, HEIGHT - 10, 1, 1)[0]
        found = [at for at, pixel in enumerate(screen.pixels(*corner)) if pixel != background]
        if not found:
            return None
        across, down = sorted(at % corner[2] for at in found), sorted(at // corner[2] for at in found)
        return corner[0] + across[len(found) // 2], corner[1] + down[len(found) // 2]

    spot = story.until("the icon is in the taskbar", icon_spot)
    screen.picture("icon")
    screen.click(*spot)
    screen.window(CHAT, "the icon opens the window")
    screen.click(*spot)
    screen.gone(CHAT, "the icon hides the window")
    screen.tell("taskbar")
    spot = story.until("the icon is in the taskbar again", icon_spot)

    place.step("the icon's menu opens, and a notice is shown meanwhile")
    before = screen.pixels()
    screen.click(*spot, button=3)
    story.until("the menu is to be seen", lambda: sum(a != b for a, b in zip(screen.pixels(), before)) > 5000)
    screen.picture("menu")
    number = story.notice("important", "anna")
    popup = story.popup()
    screen.picture("menu-and-notice")
    story.visible(number, "anna")
    # A click beside an open menu closes the menu and is nobody's. Of the windows without a title one is winit's own.
    screen.click(WIDTH // 2, HEIGHT - TASKBAR - 40)
    story.until("the menu closes", lambda: sum(each.process == popup.process for each in screen.windows("")) <= 1)
    story.press(popup, 0)
    story.answered(number, "anna", "Safe")

    place.step("a second start raises the first one's window and ends")
    again = story.tray("--profile", r"C:\anna")
    expect(again.wait() == 0, f"the second start: {again.complained()}")
    screen.window(CHAT, "the first one's window is raised")
    expect(tray.process.poll() is None, "the first one has ended")
    screen.picture("raised")


def server_gone(story):
    place, screen = story.place, story.screen
    place.step("the server stops, the window says so; the server comes back, and so does the program, with what it missed")
    story.server.interrupt()
    expect(story.server.wait() == 0, "a server that is stopped exits 0")
    time.sleep(3)
    screen.picture("server-stopped")
    story.serve()
    screen.tell("resume")
    story.belfry("send", "--room", "lobby", "back again", user="ben")
    story.until("anna is online again", lambda: story.online("anna"))
    number = story.notice("important", "anna")
    popup = story.popup()
    story.press(popup, 0)
    story.answered(number, "anna", "Safe")
    screen.picture("server-back")


def idle(story, *trays):
    story.place.step("with its window closed and nothing to do it costs nothing")
    story.screen.tell("close", CHAT)
    story.screen.gone(CHAT)
    before = [tray.cpu_seconds() for tray in trays]
    time.sleep(IDLE_SECONDS)
    for tray, used in zip(trays, before):
        share = (tray.cpu_seconds() - used) / IDLE_SECONDS
        print(f"       idle {share:.1%}, {tray.resident_mib():.0f} MiB resident")
        expect(share < IDLE_CPU_MAX, f"{tray}: uses {share:.0%} of a processor while nothing happens")


def two(story, link, tray):
    place, screen = story.place, story.screen
    place.step("a second person on the same computer: both hear each other, and both have a notice")
    other = story.tray("--server", link, "--user", "ben", "--profile", r"C:\ben", password="correct horse")
    story.until("ben is online", lambda: story.online("ben"))
    number = story.notice("important", "anna", "ben")
    for name in ("anna", "ben"):
        story.visible(number, name)
    screen.picture("two-people")
    expect(len(screen.windows(NOTICE)) == 2, "each has a popup")
    # One lies over the other: the first click answers for one, the second for the other.
    for left in (1, 0):
        popup = story.popup()
        story.press(popup, 0)
        story.until(f"{left} popups are left", lambda: len(screen.windows(NOTICE)) == left)
    for name in ("anna", "ben"):
        story.answered(number, name, "Safe")
    idle(story, tray, other)

    place.step("the end of the session ends the programs, which keep where their window was")
    screen.tell("end")
    screen.tell("end")
    for each in (tray, other):
        expect(each.wait() == 0, f"{each}: ended with {each.process.returncode}")
    settings = (place.prefix / "drive_c/anna/settings.toml").read_text()
    expect("[window]" in settings, f"the settings are {settings}")
    keys = (place.prefix / "drive_c/anna/keys.toml").read_text()
    expect("servers" in keys and "device" not in keys, "the device's key lies in a file, not in Windows' store")
    story.until("both are gone", lambda: not story.online("anna") and not story.online("ben"))


def settled(story, link):
    place, screen = story.place, story.screen
    place.step("where a policy names the server, the first start asks nothing and makes the account")
    policies = r"HKLM\SOFTWARE\Policies\Belfry"
    for name, value in (("Server", link), ("Sounds", 0), ("QuietHours", "22:00-06:30")):
        place.register(policies, name, value)
    names = {person["account"] for person in story.belfry("who", "--json").events()}
    tray = story.tray("--profile", r"C:\new", "--show")
    screen.window(CHAT, "the chat window is shown")
    new = story.until("somebody new is online", lambda: [
        person["account"] for person in story.belfry("who", "--json").events()
        if person["account"] not in names and person["presence"] == "online"])
    expect(not screen.windows(SIGN_IN), "nobody is asked anything")
    screen.picture("policy")
    print(f"       the account is {new[0]}")

    place.step("the same device comes back without a question")
    screen.tell("end")
    expect(tray.wait() == 0, "the program ends with the session")
    tray = story.tray("--profile", r"C:\new", "--show")
    story.until("it is online again", lambda: story.online(new[0]))
    expect(not screen.windows(SIGN_IN), "nobody is asked anything")
    screen.tell("end")
    expect(tray.wait() == 0, "the program ends with the session")
    place.run(["wine", "reg", "delete", policies, "/f"])


def beside(story, link):
    place, screen = story.place, story.screen
    place.step("where a file beside the program names the server, nobody has to")
    share = place.prefix / "drive_c/share"
    share.mkdir()
    shutil.copy(story.tray_program, share / "belfry-tray.exe")
    (share / "belfry-tray.toml").write_text(f'server = "{link}"\n')
    story.belfry("register", user="carl")
    tray = place.start(["wine", share / "belfry-tray.exe", "--user", "carl", "--profile", r"C:\carl"], env={"BELFRY_PASSWORD": "correct horse"})
    story.until("carl is online", lambda: story.online("carl"))
    screen.tell("end")
    expect(tray.wait() == 0, "the program ends with the session")


def story(place, linux, tray, tell):
    told = Story(place, linux, tray, tell)
    link, running = chatting(told)
    notices(told)
    session(told)
    icon(told, running)
    server_gone(told)
    two(told, link, running)
    settled(told, link)
    beside(told, link)
    told.server.interrupt()
    expect(told.server.wait() == 0, "a server that is stopped exits 0")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main("The tray program under Wine", story)
