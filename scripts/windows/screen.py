"""A display that nobody sees, with Wine's desktop and taskbar on it: looked at, clicked, typed into. Needs Xvfb, xdotool, ImageMagick."""

import os
import subprocess
import time
from collections import namedtuple

from under_wine import PATIENCE, Broken, expect

WIDTH, HEIGHT = 1280, 800

Window = namedtuple("Window", "process style x y width height front title")

TOPMOST, TOOL, NO_ACTIVATE = 0x8, 0x80, 0x08000000


class Screen:
    """One display with the windows of one Wine prefix. It has no Segoe UI, as some Windows have not: the program has to find a font."""

    def __init__(self, place, tell):
        self.place, self.tell_program = place, tell
        self.pictures = place.folder / "screens"
        self.pictures.mkdir()
        read, write = os.pipe()
        self.server = place.start(["Xvfb", "-noreset", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
                                  pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as numbers:
            number = numbers.readline().strip()
        expect(number, f"there is no display: {self.server.complained()}")
        self.environment = place.environment | {"DISPLAY": f":{number}"}
        # Wine's taskbar is white: the icon has to be told, or it is white, too.
        place.register(r"HKCU\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize", "SystemUsesLightTheme", 1)
        # Only a desktop of this name has a taskbar.
        place.register(r"HKCU\Software\Wine\Explorer", "Desktop", "shell")
        place.register(r"HKCU\Software\Wine\Explorer\Desktops", "shell", f"{WIDTH}x{HEIGHT}")
        place.environment = self.environment
        place.restart_wine()

    def command(self, *words, wants=subprocess.DEVNULL):
        done = subprocess.run([str(word) for word in words], env=self.environment, stdout=wants, stderr=subprocess.PIPE, timeout=PATIENCE)
        expect(done.returncode == 0, f"{words}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def picture(self, name):
        """Keeps what is to be seen now."""
        self.command("import", "-window", "root", self.pictures / f"{self.place.steps:02}-{name}.png")

    def pixels(self, x=0, y=0, width=WIDTH, height=HEIGHT):
        """The colours of a rectangle, line by line."""
        raw = self.command("import", "-window", "root", "-crop", f"{width}x{height}+{x}+{y}", "+repage", "-depth", "8", "rgb:-",
                           wants=subprocess.PIPE)
        return [tuple(raw[at:at + 3]) for at in range(0, len(raw), 3)]

    def spot(self, colour, x, y, width, height):
        """The middle of the pixels of this colour in a rectangle, and how many there are."""
        found = [at for at, pixel in enumerate(self.pixels(x, y, width, height)) if all(abs(a - b) <= 6 for a, b in zip(pixel, colour))]
        if not found:
            return None, 0
        across, down = sorted(at % width for at in found), sorted(at // width for at in found)
        return (x + across[len(found) // 2], y + down[len(found) // 2]), len(found)

    def click(self, x, y, button=1):
        self.command("xdotool", "mousemove", x, y, "sleep", "0.1", "click", button)

    def rest(self):
        """Takes the pointer away from every window."""
        self.command("xdotool", "mousemove", 3, 3)

    def type(self, text):
        # For a letter that no key has, xdotool gives it to one for a moment: Wine has to have looked at the key before it is taken back.
        self.command("xdotool", "type", "--delay", "40" if text.isascii() else "800", text)

    def key(self, name):
        self.command("xdotool", "key", name)

    def tell(self, *words):
        """Has the program told something by Windows; see tell.c."""
        return self.place.run(["wine", self.tell_program, *words])

    def windows(self, title=None):
        """The windows that are shown, of this title or of all."""
        windows = []
        looked = self.place.run(["wine", self.tell_program, "windows"], exits=None)
        if looked.process.returncode != 0 and not looked.said():
            # On a busy machine Wine has ended one of some hundred programs before it began, with 1 and no word. Looking again changes nothing.
            looked = self.tell("windows")
        for line in looked.lines():
            process, style, *numbers, name = line.split(" ", 7)
            windows.append(Window(int(process), int(style, 16), *map(int, numbers), name))
        return [window for window in windows if title in (None, window.title)]

    def until(self, sentence, true, limit=PATIENCE):
        """Waits until `true()` gives something, and gives it."""
        end = time.monotonic() + limit
        while not (found := true()):
            if time.monotonic() > end:
                self.picture("broken")
                raise Broken(f"{sentence}: not within {limit} seconds. Windows: {self.windows()}. Pictures: {self.pictures}")
            time.sleep(0.2)
        return found

    def window(self, title, sentence="a window is shown", limit=PATIENCE):
        return self.until(f"{sentence} ({title})", lambda: next(iter(self.windows(title)), None), limit)

    def gone(self, title, sentence="a window goes", limit=PATIENCE):
        self.until(f"{sentence} ({title})", lambda: not self.windows(title), limit)
