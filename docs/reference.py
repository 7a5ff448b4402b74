"""Write the pages of the reference: a page a room, and one for each public name."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

from docs import names

INDEX = """\
Reference
=========

Every public name has a page, made from its docstring. The names of the first room are those of the
package itself: ``asim.stability`` is ``alignsim.stability``. Examples can be pasted into Python.

.. toctree::
   :maxdepth: 1

{rooms}
   On one page </docs/names>
"""

ROOM = """\
{title}
{line}

.. currentmodule:: {room}

{about}
"""

TABLE = """
.. autosummary::
   :toctree: generated
   :nosignatures:

{names}
"""

ELSEWHERE = """
What this module makes public is listed under :doc:`alignsim`.
"""


def write(folder: Path) -> None:
    """Write the pages into a folder, those that have changed."""
    rooms = names.rooms()
    _keep(folder / "index.rst", INDEX.format(rooms="\n".join(f"   {room}" for room in rooms)))
    for room, own in rooms.items():
        about = (inspect.getdoc(importlib.import_module(room)) or "").partition("\n")[0]
        page = ROOM.format(title=room, line="=" * len(room), room=room, about=about)
        names_of_room = "\n".join(f"   {name}" for name in own)
        page += TABLE.format(names=names_of_room) if own else ELSEWHERE
        _keep(folder / f"{room}.rst", page)


def _keep(path: Path, text: str) -> None:
    """Write a file unless it holds the text, so that Sphinx reads only what is new."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
