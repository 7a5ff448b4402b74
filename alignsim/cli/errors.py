"""Complaints on one line, in the words of the command line."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

_BAD_INPUT = (ValueError, OSError, MemoryError, OverflowError)

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""Typer's own complaint about arguments, a class that it does not export."""

_OTHER_NAMES = {
    "attributes": "--attribute",
    "attribute": "--attribute-column",
    "score": "--score-column",
    "rng": "--seed",
}
"""Arguments of the library whose options are called otherwise."""

_PYTHON_ONLY = (
    (
        re.compile(r"keep the (\d+) responses that all meet, \w+\((?:responses=)?\[(.*?)\]\)"),
        r"leave in the file only the \1 responses that all meet (\2)",
    ),
    (re.compile(r" \(a collapsed orbit is resumed from [^)]*\)"), ""),
    (re.compile(r", or nearest_neighbour_cycle\([^)]*\)"), ""),
    (re.compile(r" \(shape \([^)]*\)\)"), ""),
)
"""Phrases for which there is no option, and what is said instead."""


class OneLineErrors(TyperGroup):
    """Commands that say what is wrong on one line of standard error and exit with 2."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Parse what stands before the command."""
        if not args:
            return super().make_context(info_name, args, parent, **extra)
        with _one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Parse what stands after the command, and run it."""
        with _one_line(ctx):
            return super().invoke(ctx)


def as_options(message: str, spellings: Mapping[str, str]) -> str:
    """Return a message of the library in which arguments are the options of a command.

    Quoted text is left alone.

    >>> spellings = {"alpha": "--alpha", "judges": "--judges"}
    >>> as_options("alpha is 2; it must be in [0, 1]", spellings)
    '--alpha is 2; it must be in [0, 1]'
    >>> as_options("'alpha is'; pass judges=['a1', 'a2'] or judges=[...]", spellings)
    "'alpha is'; pass --judges a1,a2 or --judges ..."
    """
    for phrase, instead in _PYTHON_ONLY:
        message = phrase.sub(instead, message)
    names = "|".join(map(re.escape, spellings))
    mention = re.compile(
        r"""(?P<quoted>(?<!\w)(?:'[^']*'|"[^"]*"))"""
        rf"|(?:^|(?<=: ))(?P<subject>{names})(?:\[(?P<place>\d+)\])?"
        r"(?= (?:is|has|sums|gives|names)\b)"
        rf"|\b(?P<keyword>{names})="
        r"""(?P<value>\.\.\.|\[.*?\]|\{.*?\}|'[^']*'|"[^"]*"|[-+.\w]*)"""
    )

    def reworded(found: re.Match[str]) -> str:
        if found["quoted"]:
            return found["quoted"]
        if found["subject"]:
            which = "" if found["place"] is None else f"number {int(found['place']) + 1} of "
            return which + spellings[found["subject"]]
        return f"{spellings[found['keyword']]} {_as_typed(found['value'])}".rstrip()

    return mention.sub(reworded, message)


def _spellings(command: Any) -> dict[str, str]:
    """Return how the arguments of the library are typed: name → option, or name of a place."""
    spelt = {
        param.name: param.opts[0] if param.opts[0].startswith("-") else param.metavar
        for param in command.params
    }
    return spelt | {
        name: option for name, option in _OTHER_NAMES.items() if option in spelt.values()
    }


def _as_typed(value: str) -> str:
    """Return a Python literal as it is typed after an option; other text as it is.

    >>> _as_typed('{"left": ..., "tie": 0}'), _as_typed("['a', 'b c']"), _as_typed("1")
    ('left=...,tie=0', "a,'b c'", '1')
    """
    try:
        return _typed(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value


def _typed(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={_typed(entry)}" for name, entry in value.items())
    if isinstance(value, list):
        return ",".join(map(_typed, value))
    return "..." if value is ... else shlex.quote(str(value))


def _given(error: Any) -> str:
    """Return what was typed, where Typer's own complaint keeps it to itself."""
    if not hasattr(error.__cause__, "errors"):
        return ""
    value = error.__cause__.errors()[0]["input"]
    return "" if str(value) in str(error) else f", not {value!r}"


@contextmanager
def _one_line(ctx: Any = None) -> Iterator[None]:
    """Say on one line what is wrong, in terms of the command that ``ctx`` invokes."""
    try:
        yield
    except BrokenPipeError:
        raise
    except _BAD_INPUT as error:
        message = str(error) or type(error).__name__
        if ctx is not None and ctx.invoked_subcommand:
            message = as_options(message, _spellings(ctx.command.commands[ctx.invoked_subcommand]))
    except _USAGE_ERROR as error:
        command = error.ctx.command_path if error.ctx else "alignsim"
        message = f"{error.format_message().rstrip('.')}{_given(error)} (see {command} --help)"
    else:
        return
    typer.echo(f"alignsim: {' '.join(message.split())}", err=True)
    raise typer.Exit(2)
