"""The application and what all its commands share."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import Annotated

import typer

from alignsim.cli.errors import OneLineErrors

app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WIDTHS = range(20, 1000)
"""Columns that COLUMNS may ask for: fewer hold no word, and the lines of many fill the memory."""


def main() -> None:
    """Run the command line; the entry point ``alignsim``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("COLUMNS", "") not in map(str, WIDTHS):
        os.environ.pop("COLUMNS", None)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(prog_name="alignsim")
    except KeyboardInterrupt:  # before the command was known
        sys.exit(130)


def _terminate(number: int, frame: object) -> None:  # noqa: ARG001
    """End as at the end of a program, so that half-written files are removed."""
    sys.exit(128 + number)


def _print_version(wanted: bool) -> None:
    if wanted:
        from alignsim._version import __version__

        typer.echo(f"alignsim {__version__}")
        raise typer.Exit


@app.callback(
    help="Iterated preference optimisation as a dynamical system: will your alignment loop "
    "converge, oscillate or collapse?"
)
def _alignsim(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    pass
