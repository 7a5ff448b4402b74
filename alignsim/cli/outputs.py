"""Output files: checked before anything is computed, written beside their place and renamed."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsim.errors import quote
from alignsim.writing import beside

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from alignsim.reports.inspection import Inspection

PICTURES = (".png", ".pdf", ".svg")
TABLES = (".nc", ".csv")
LONG_TABLES = (*TABLES, ".parquet")
FINDINGS = (".json",)
REPORTS = (".json", ".xml")

_DPI = 150

_GLYPH = re.compile(r"Glyph (\d+) .*missing from")
"""Matplotlib's warning of a character that the font lacks, by its code."""


def check(path: Path | None, option: str, kinds: tuple[str, ...], source: Path | None) -> None:
    """Refuse a file that could not be written in the end, or that is the ``source``."""
    if path is None:
        return
    told = f"{option} is {quote(str(path))}"
    if path.suffix.lower() not in kinds:
        raise ValueError(f"{told}; its name must end in {' or '.join(kinds)}")
    if not path.parent.is_dir():
        raise ValueError(f"{told}, but there is no folder {quote(str(path.parent))}; make it")
    if path.is_dir():
        raise ValueError(f"{told}, which is a folder; name a file in it")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"{told}, but the folder {quote(str(path.parent))} is read-only")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise ValueError(f"{told}, the file that is read; choose another name")


def check_folder(path: Path | None, option: str) -> None:
    """Refuse a folder in which nothing could be written in the end."""
    if path is None:
        return
    told = f"{option} is {quote(str(path))}"
    if path.exists() and not path.is_dir():
        raise ValueError(f"{told}, which is a file; name a folder")
    if not path.parent.is_dir():
        raise ValueError(f"{told}, but there is no folder {quote(str(path.parent))}; make it")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ValueError(f"{told}, where nothing can be written; choose another folder")


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the suffix names."""
    from alignsim.plotting.saving import save

    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        save(figure, path, dpi=_DPI)
    _tell_missing_glyphs(path, raised)


def _tell_missing_glyphs(path: Path, raised: list[warnings.WarningMessage]) -> None:
    """Say in one sentence which characters the font lacks; pass other warnings on."""
    lacking = []
    for warning in raised:
        if glyph := _GLYPH.match(str(warning.message)):
            lacking.append(chr(int(glyph[1])))
        else:
            about = (warning.category, warning.filename, warning.lineno)
            warnings.warn_explicit(warning.message, *about)
    if lacking:
        import typer

        shown = "".join(dict.fromkeys(lacking))
        told = f"'{path}' shows boxes for characters that its font lacks ({shown})"
        remedy = "rename the responses in Latin, Greek or Cyrillic letters"
        typer.echo(f"alignsim: {told}; {remedy}", err=True)


def save_data(found: xarray.Dataset, path: Path | None) -> None:
    """Write a dataset as NetCDF or CSV, if a path is given."""
    if path is None:
        return
    from alignsim.sweeps.exporting import in_words

    with beside(path) as part:
        if path.suffix.lower() == ".csv":
            in_words(found).to_dataframe().to_csv(part)
        else:
            found.to_netcdf(part, engine="scipy")


def save_findings(found: Inspection, path: Path | None) -> None:
    """Write findings as JSON, if a path is given: NaN as null, infinity as "inf"."""
    if path is None:
        return
    save_text(json.dumps(_plain(dataclasses.asdict(found)), indent=2, ensure_ascii=False), path)


def save_text(text: str, path: Path) -> None:
    """Write a text and a line's end, as UTF-8."""
    with beside(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
