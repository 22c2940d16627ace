"""Rust as the fences read it: without comments and literals, what ships apart from what tests it, and the paths that it names."""

import re
from functools import cached_property



def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments_and_strings(text):
    """Rust code with comments and literals blanked, every line where it was."""
    token = re.compile(r"""//[^\n]*|/\*|(?<!\w)[bc]?r(?P<h>\#*)"|[bc]?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])'""", re.S)
    out, at = [], 0
    while match := token.search(text, at):
        start, end = match.span()
        if match.group() == "/*":
            depth = 1
            while depth and (mark := re.compile(r"/\*|\*/").search(text, end)):
                depth += 1 if mark.group() == "/*" else -1
                end = mark.end()
            end = end if depth == 0 else len(text)
        elif match.group("h") is not None:
            close = text.find('"' + match.group("h"), end)
            end = len(text) if close < 0 else close + 1 + len(match.group("h"))
        out += [text[at:start], blank(text[start:end])]
        at = end
    return "".join(out) + text[at:]


TEST_MARK = re.compile(r"#\s*\[\s*cfg\s*\(\s*(?:all\s*\(\s*)?test\b")


def item_end(code, at):
    """Where the item that begins at `at` ends: behind its `;` or its closing brace."""
    depth = 0
    for index in range(at, len(code)):
        letter = code[index]
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if letter == "}" and depth == 0:
                return index + 1
        elif letter == ";" and depth == 0:
            return index + 1
    return len(code)


def test_items(code):
    """The spans of items marked `#[cfg(test)]`."""
    at = 0
    while match := TEST_MARK.search(code, at):
        begin = match.start()
        while (attribute := re.compile(r"\s*#\s*\[").match(code, begin)) is not None:
            depth, begin = 1, attribute.end()
            while depth and begin < len(code):
                depth += {"[": 1, "]": -1}.get(code[begin], 0)
                begin += 1
        at = item_end(code, begin)
        yield match.start(), at


class File:
    """A tracked text file."""

    def __init__(self, path, text):
        self.path, self.text, self.is_test = path, text, path.startswith("tests/") or "/tests/" in path or "/benches/" in path

    @property
    def is_rust(self):
        return self.path.endswith(".rs")

    @cached_property
    def code(self):
        return without_comments_and_strings(self.text)

    @cached_property
    def split(self):
        """The code that ships and the code that tests it."""
        if self.is_test:
            return blank(self.code), self.code
        ships, tests = self.code, blank(self.code)
        for start, end in test_items(self.code):
            ships = ships[:start] + blank(ships[start:end]) + ships[end:]
            tests = tests[:start] + self.code[start:end] + tests[end:]
        return ships, tests

    @cached_property
    def module(self):
        package, _, inside = self.path.partition("/src/")
        root = {"core": "belfry_core", "server": "belfry_server", "server/program": "belfry", "tray-client": "belfry_tray", "tests": "belfry_tests"}.get(package)
        parts = [part for part in inside.removesuffix(".rs").split("/") if part]
        return [root or package] + (parts[:-1] if parts and parts[-1] in ("mod", "lib", "main") else parts)

    def uses(self, code):
        """Every path that a `use` names, with its line and the name that it has from then on."""
        for use in re.finditer(r"\buse\s+([^;]+);", code):
            for path, name in imports(re.sub(r"\s+", " ", use.group(1))):
                yield line_of(code, use.start(1)), self.resolve(path), name

    def names(self, code):
        """Every path in `code` with the line it is on, from the root of its crate."""
        for line, path, _ in self.uses(code):
            yield line, path
        for path in re.finditer(r"(?<![\w:.])(?:::)?[A-Za-z_]\w*(?:\s*::\s*\w+)+", code):
            yield line_of(code, path.start()), self.resolve(path.group())

    def resolve(self, name):
        parts = [part.strip() for part in name.split("::") if part.strip()]
        here = self.module
        if parts and parts[0] == "crate":
            return "::".join([here[0]] + parts[1:])
        if parts and parts[0] in ("self", "super"):
            here = list(here)
            while parts and parts[0] in ("self", "super"):
                here = here[:-1] if parts.pop(0) == "super" and len(here) > 1 else here
            return "::".join(here + parts)
        return "::".join(parts)


def imports(tree, before=""):
    """The single paths of a `use`, each with the name that it has from then on."""
    head, brace, rest = tree.strip().partition("{")
    if not brace:
        path, _, name = (part.strip() for part in (before + head).partition(" as "))
        path = path.removesuffix("::self")
        yield path, name or path.split("::")[-1]
        return
    depth, part = 0, ""
    for letter in rest[: rest.rindex("}")] + ",":
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            if part.strip():
                yield from imports(part, before + head.strip())
            part = ""
        else:
            part += letter


def leaves(tree):
    """The single paths of a `use`."""
    return (path for path, _ in imports(tree))


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def within(path, places):
    """Whether a file is one of the places or inside one: `x/drive` is `x/drive.rs` as well as `x/drive/…`."""
    return any(path in (place, place + ".rs") or path.startswith(place + "/") for place in places)


def is_under(name, module):
    return name == module.removesuffix("::") or name.startswith(module.removesuffix("::") + "::")


def every(pattern, code):
    for match in re.finditer(pattern, code):
        yield line_of(code, match.start()), match


def rust(tree):
    return [file for file in tree if file.is_rust]
