"""Writing ratings, in HelpSteer's layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from alignsim.data.ratings import Ratings
from alignsim.data.sources import PathLike, suffix
from alignsim.errors import InputError, quote
from alignsim.writing import beside


def write_helpsteer(ratings: Ratings, path: PathLike) -> None:
    """Write ratings of one rater as JSON Lines, one record a response, as HelpSteer's files are.

    The same ratings give the same bytes, gzipped or not; `read_ratings` reads them back.

    Parameters
    ----------
    ratings
        Each prompt rated by one rater, every attribute scored.
    path
        ``.jsonl`` or ``.jsonl.gz``; an older file is replaced once the new one is whole.

    Raises
    ------
    ValueError
        If the name of the file ends otherwise, a prompt has several raters, or a score is missing.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import alignsim as asim
    >>> ratings = asim.data.synthetic_ratings(prompts=3, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "train.jsonl.gz")
    ...     asim.data.write_helpsteer(ratings, file)
    ...     asim.data.read_helpsteer(file).prompts
    ('prompt 0', 'prompt 1', 'prompt 2')
    """
    if not isinstance(ratings, Ratings):
        raise InputError("ratings", f"is {quote(ratings)}", "give Ratings")
    if suffix(path) != ".jsonl":
        raise ValueError(f"path is '{path}'; its name must end in .jsonl or .jsonl.gz")
    # a lone surrogate as JSON escapes it
    content = "".join(f"{line}\n" for line in _lines(ratings)).encode("utf-8", "backslashreplace")
    zipped = Path(path).suffix.lower() == ".gz"
    with beside(Path(path)) as part:
        part.write_bytes(gzip.compress(content, mtime=0) if zipped else content)


def _lines(ratings: Ratings) -> list[str]:
    lines = []
    for p, prompt in enumerate(ratings.prompts):
        scores = ratings.scores[p]
        if scores.shape[1] != 1:
            told = f"prompt {quote(prompt)} has {scores.shape[1]} raters"
            raise InputError("", told, "HelpSteer's layout holds one: aggregate them first")
        if np.isnan(scores).any():
            raise ValueError(f"prompt {quote(prompt)} lacks a score; give every attribute one")
        for response, row in zip(ratings.responses[p], scores[:, 0].tolist(), strict=True):
            values = (int(score) if score.is_integer() else score for score in row)
            named = dict(zip(ratings.attributes, values, strict=True))
            record = {"prompt": prompt, "response": response, **named}
            lines.append(json.dumps(record, ensure_ascii=False))
    return lines
