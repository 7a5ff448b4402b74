"""``alignsim methods``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from alignsim.cli.app import app

if TYPE_CHECKING:
    from alignsim.feedback.methods.contract import Method


@app.command(epilog="Example: alignsim methods soft_reference")
def methods(
    name: Annotated[
        str | None,
        typer.Argument(help="One of them, or another of its names: all that is known of it."),
    ] = None,
) -> None:
    """List the methods, or all that is known of one: how its rounds are wired, what is proved.

    T(r, o) is the one-shot optimum with reference r against the opponent o, in logits; x is the
    policy, x' the next one, ref the fixed reference.
    """
    from alignsim.cli import reports
    from alignsim.feedback import naming

    if name is None:
        reports.print_listing(naming.methods())
        return
    of, alias = naming.method_named(name.lower())
    title = of.name if alias is None else f"{of.name}, also known as {alias.name}"
    reports.print_rows(title, _rows(of))


def _rows(of: Method) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a method."""
    from alignsim.cli import reports
    from alignsim.feedback import naming
    from alignsim.parameters import described

    yield "update", of.update
    for each in of.parameters:
        yield f"parameter {each.name}", reports.described(each)
    for alias in of.aliases:
        yield f"also {alias.name}", ", ".join(map(described, alias.parameters))
        yield "", alias.source
    for what, fact in naming.known_facts(of).items():
        yield what, f"{fact.status}: {fact.source}"
    yield "source", of.source
