"""Files that are opened in the page: their bytes come here, never a path."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alignsim import data
from alignsim.errors import writable

LARGEST = 2**20
"""Bytes of a file."""

MOST_PROBLEMS = 200
"""Prompts or matrices of one file among which the page lets choose."""


def read(name: str, content: bytes, responses: int) -> dict[str, Any]:
    """Return the problems in a file, as the page takes them: name, labels, P; and notes.

    Raises
    ------
    ValueError
        If the file is too large or is not understood, or every problem has too many responses.
    """
    if len(content) > LARGEST:
        raise ValueError(f"the file has {len(content):,} bytes; the page takes {LARGEST:,} at most")
    bare = re.sub(r"[^\w.+-]", "_", name.replace("\\", "/").rpartition("/")[2])[-80:]
    bare = bare.lstrip(".") or "file"
    with TemporaryDirectory() as folder:
        place = Path(folder, bare)
        place.write_bytes(content)
        try:
            found = data.read(place)
            problems = found.problems()
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(str(place), bare)) from None
    fitting = [each for each in problems if 2 <= len(each.P) <= responses]
    if not fitting:
        told = f"{bare} holds problems of {len(problems[0].P)} responses" if problems else bare
        raise ValueError(f"{told}; the page shows 2 to {responses}: use alignsim inspect")
    notes = [note.replace(str(place), bare) for note in found.notes]
    left = len(problems) - min(len(fitting), MOST_PROBLEMS)
    if left:
        notes.append(f"{left:,} of {len(problems):,} problems are left out.")
    shown = [
        {
            "name": writable(each.name) or f"problem {i}",
            "labels": [writable(str(label)) for label in each.labels],
            "P": each.P.tolist(),
        }
        for i, each in enumerate(fitting[:MOST_PROBLEMS])
    ]
    return {"problems": shown, "notes": notes}
