"""The application and what all its commands share."""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import sys
from collections import UserDict
from importlib import import_module
from typing import Annotated, Any

import typer

from alignsim.cli.errors import OneLineErrors

COMMANDS = (
    "advise",
    "diagnose",
    "explore",
    "glossary",
    "inspect",
    "methods",
    "objectives",
    "phase-diagram",
    "reproduce",
    "samplers",
    "simulate",
    "sweep",
    "verify",
)
"""What help lists; each is a file of this folder, which registers it."""


class _Commands(UserDict[str, Any]):
    """The commands by name, each imported when it is looked up: most of them are not asked for."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _command(name)
        return self.data[name]


class _Group(OneLineErrors):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands(dict.fromkeys(COMMANDS))


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WIDTHS = range(20, 1000)
"""Columns that COLUMNS may ask for: fewer hold no word, and the lines of many fill the memory."""

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "1")
"""The variable that OpenBLAS reads when NumPy and SciPy load it, unless it is set. Its threads wait
for each other by turning: where another process has a processor, products and eigenvalues take
several times as long with them. Kernels have threads of their own."""

GARBAGE_AFTER = 1_000_000
"""New objects after which cycles among them are looked for: what a command imports is half as many,
and stays, and what it computes leaves hardly any."""


def _command(name: str) -> Any:
    """Return a command as Typer builds it from what its file registers."""
    home = import_module(f"alignsim.cli.{name.replace('-', '_')}").__name__
    alone = typer.Typer(add_completion=False)
    for each in app.registered_commands:
        if each.callback and each.callback.__module__ == home:
            alone.registered_commands.append(each)
    return typer.main.get_command(alone)


def main() -> None:
    """Run the command line; the entry point ``alignsim``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("COLUMNS", "") not in map(str, WIDTHS):
        os.environ.pop("COLUMNS", None)
    os.environ.setdefault(*ONE_THREAD)
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(GARBAGE_AFTER)
    atexit.register(gc.freeze)  # the interpreter would look through everything once more
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
