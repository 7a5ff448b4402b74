"""Complaints on one line, in the words of the command line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from alignsim.errors import Argument, InputError, InPython, quote, shortened

_BAD_INPUT = (ValueError, OSError, MemoryError, OverflowError)

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""Typer's own complaint about arguments, a class that it does not export."""

_OTHER_NAMES = {
    "alphas": "--alpha",
    "attributes": "--attribute",
    "attribute": "--attribute-column",
    "score": "--score-column",
    "rng": "--seed",
}
"""Arguments of the library whose options are called otherwise."""


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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, with the options of methods, for which the library is imported."""
        name, command, rest = super().resolve_command(ctx, args)
        completed = getattr(command and command.callback, "completed", None)
        if command and completed:
            alone = typer.Typer(add_completion=False)
            alone.command(name, epilog=command.epilog)(completed())
            self.commands[str(name)] = command = typer.main.get_command(alone)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Parse what stands after the command, and run it."""
        with _one_line(ctx):
            return super().invoke(ctx)


def as_option(part: Argument | InPython, spellings: Mapping[str, str]) -> str:
    """Return what a message of the library mentions as it is typed after a command.

    >>> spellings = {"alpha": "--alpha", "judges": "--judges"}
    >>> as_option(Argument("alpha", index=(1,)), spellings)
    'number 2 of --alpha'
    >>> as_option(Argument("judges", ["a1", "b 2"]), spellings), as_option(Argument("P"), spellings)
    ("--judges a1,'b 2'", 'P')
    """
    if isinstance(part, InPython):
        return part.elsewhere
    if part.name not in spellings:
        return str(part)
    which = f"number {part.index[0] + 1} of " if len(part.index) == 1 else ""
    return f"{which}{spellings[part.name]} {_typed(part.value)}".rstrip()


def _spellings(command: Any) -> dict[str, str]:
    """Return how the arguments of the library are typed: name → option, or name of a place."""
    spelt = {
        param.name: param.opts[0] if param.opts[0].startswith("-") else param.metavar
        for param in command.params
    }
    return spelt | {
        name: option for name, option in _OTHER_NAMES.items() if option in spelt.values()
    }


def _typed(value: object) -> str:
    """Return a value as it is typed after an option.

    >>> _typed({"left": "...", "tie": 0}), _typed(["a", "b c"]), _typed(...)
    ('left=...,tie=0', "a,'b c'", '...')
    """
    if isinstance(value, dict):
        return ",".join(f"{name}={_typed(entry)}" for name, entry in value.items())
    if isinstance(value, list):
        return ",".join(map(_typed, value))
    return "" if value is None else "..." if value is ... else shlex.quote(shortened(value))


def _notes(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", ()))


def _given(error: Any) -> str:
    """Return what was typed, where Typer's own complaint keeps it to itself."""
    if not hasattr(error.__cause__, "errors"):
        return ""
    value = error.__cause__.errors()[0]["input"]
    return "" if str(value) in str(error) else f", not {quote(value)}"


@contextmanager
def _one_line(ctx: Any = None) -> Iterator[None]:
    """Say on one line what is wrong, in terms of the command that ``ctx`` invokes."""
    try:
        yield
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as stop:
        typer.echo("; ".join(["alignsim: interrupted", *_notes(stop)]), err=True)
        raise typer.Exit(130) from None
    except _BAD_INPUT as error:
        message = "; ".join([str(error) or type(error).__name__, *_notes(error)])
        if isinstance(error, InputError) and ctx is not None and ctx.invoked_subcommand:
            spellings = _spellings(ctx.command.commands[ctx.invoked_subcommand])
            message = error.told(lambda part: as_option(part, spellings))
    except _USAGE_ERROR as error:
        command = error.ctx.command_path if error.ctx else "alignsim"
        message = f"{error.format_message().rstrip('.')}{_given(error)} (see {command} --help)"
    else:
        return
    typer.echo(f"alignsim: {' '.join(message.split())}", err=True)
    raise typer.Exit(2)
