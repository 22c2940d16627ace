"""Which room leans on which: the imports between the modules of one crate that have the same parent, through whatever hands names on."""

import re

from reading import blank, rust


def shipping(tree):
    """The modules that ship, each by its path from the root of its crate."""
    files = {}
    for file in rust(tree):
        if not file.is_test and "/src/" in file.path and "/src/bin/" not in file.path and not file.path.startswith("scripts/"):
            # A program beside its library has the library's root, and imports it by name.
            files.setdefault(tuple(file.module), file)
    return files


def leaned_on(file):
    """The code that ships, without what only a comment's links need."""
    return re.sub(r"#\[cfg\(doc\)\]\s*use\s[^;]+;", lambda use: blank(use.group()), file.split[0])


class Crates:
    """All modules that ship, and what each calls by another name than where it is from."""

    def __init__(self, tree):
        self.files = shipping(tree)
        self.modules = {module[:depth] for module in self.files for depth in range(1, len(module) + 1)}
        self.known = {module: {name: self.absolute(module, path) for _, path, name in file.uses(leaned_on(file))}
                      for module, file in self.files.items()}

    def absolute(self, module, path):
        parts = tuple(path.split("::"))
        return module + parts if module + parts[:1] in self.modules else parts

    def owner(self, path):
        """The module that a path leads to, through every `use` on the way; `None` where it is another crate's or nobody's."""
        seen = set()
        while path not in seen and path[:1] in self.modules:
            seen.add(path)
            depth = 1
            while path[: depth + 1] in self.modules and depth < len(path):
                depth += 1
            module, rest = path[:depth], path[depth:]
            if not rest or rest[0] not in self.known.get(module, ()):
                return module
            path = self.known[module][rest[0]] + rest[1:]
        return None

    def edges(self):
        """Each import that leads from a room into another with the same parent: both, and where it stands first."""
        found = {}
        for module, file in self.files.items():
            for line, name in file.names(leaned_on(file)):
                owner = self.owner(self.absolute(module, name))
                if owner is None:
                    continue
                same = 0
                while same < min(len(module), len(owner)) and module[same] == owner[same]:
                    same += 1
                if 0 < same < min(len(module), len(owner)):
                    found.setdefault((module[: same + 1], owner[: same + 1]), (file.path, line))
        return found


def way_back(edges, start, end):
    """The shortest way along the edges from one room to another, both included; empty where there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        for here, there in edges:
            if here == way[-1] and there not in seen:
                seen.add(there)
                ways.append(way + [there])
    return []
