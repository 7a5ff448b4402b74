"""List every public name, with the first line of its docstring.

python docs/names.py > docs/names.md
"""

from __future__ import annotations

import importlib
import inspect
import re
import types

import alignsim

HEAD = """\
# Public names

Every name that `alignsim` makes public, once, where it lives. Names of the first section are also
those of the package itself: `asim.NAME`. The page is made by `docs/names.py` from the docstrings.
"""


def page() -> str:
    """Return the list as Markdown."""
    return "\n".join([HEAD, *(_section(room, own) for room, own in rooms().items())])


def rooms() -> dict[str, list[str]]:
    """Return the public names by the room where they live, each once; the package comes first."""
    public = {name: getattr(alignsim, name) for name in alignsim.__all__}
    inner = [name for name, thing in public.items() if isinstance(thing, types.ModuleType)]
    found = {"alignsim": [name for name in public if name not in inner]}
    listed = {id(public[name]) for name in found["alignsim"]}
    for name in inner:
        room = public[name]
        found[f"alignsim.{name}"] = [
            each for each in _names(room) if id(getattr(room, each)) not in listed
        ]
    return found


def _names(room: types.ModuleType) -> list[str]:
    """Return the public names of a room: `__all__`, or the functions of a single file."""
    if hasattr(room, "__all__"):
        return sorted(room.__all__)
    own = inspect.getmembers(room, inspect.isfunction)
    return [n for n, f in own if f.__module__ == room.__name__ and not n.startswith("_")]


def _section(path: str, names: list[str]) -> str:
    room = importlib.import_module(path)
    items = [f"- `{name}`: {_first_line(getattr(room, name))}" for name in names]
    return "\n".join([f"## {path}", "", _first_line(room), "", *items, ""])


def _first_line(thing: object) -> str:
    """Return the first line of a docstring as Markdown, of constants their type."""
    if not (isinstance(thing, types.ModuleType) or callable(thing)):
        return f"a {type(thing).__name__}."
    line = (inspect.getdoc(thing) or "").partition("\n")[0]
    return re.sub(r":\w+:", "", line).replace("``", "`")


if __name__ == "__main__":
    print(page(), end="")
