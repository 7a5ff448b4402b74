"""Tables on standard output."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alignsim.sweeps.findings import Row

if TYPE_CHECKING:
    from alignsim.analysis.inspection import Inspection, MatrixSummary, Settings
    from alignsim.claims import Report
    from alignsim.feedback import Trajectory

_ABREAST = 3
"""Matrices that stand side by side in one table."""

_MOST_PROBABLE = 12
"""Responses of the final policy that are listed."""


def print_rows(title: str, rows: Iterable[Row]) -> None:
    """Print names and what they are."""
    _print_columns(title, rows)


def print_saved(*paths: Path | None) -> None:
    """Print where the output files are."""
    console = Console(highlight=False, soft_wrap=True)
    for path in paths:
        if path is not None:
            console.print(Text(f"saved {path}"))


def orbit_rows(orbit: Trajectory, labels: Sequence[str] | None) -> list[Row]:
    """Return where one orbit ended and how it moved."""
    policy = orbit.final
    names = labels or [f"response {i}" for i in range(len(policy))]
    order = (-policy).argsort(kind="stable")[:_MOST_PROBABLE]
    rest = len(policy) - len(order)
    return [
        *((f"final policy: {names[i]}", f"{policy[i]:.6g}") for i in order),
        *([("final policy: others", f"{rest}, each less probable")] if rest else []),
        ("final entropy", f"{orbit.entropy[-1]:.6g} nats"),
        ("final effective support", f"{orbit.effective_support[-1]:.6g} responses"),
        ("final KL to the reference", f"{orbit.kl_to_reference[-1]:.6g} nats"),
        (
            "cycle strength",
            f"{orbit.cycle_strength:.6g} (variance from round {orbit.burn_in:,} on)",
        ),
    ]


def print_verification(report: Report) -> None:
    """Print every claim, how it fared, and in full what does not pass."""
    table = Table(title="Claims, checked numerically", box=box.SIMPLE, title_justify="left")
    for heading in ("claim", "source", "status"):
        table.add_column(heading, overflow="fold")
    for heading in ("trials", "worst margin", "seconds"):
        table.add_column(heading, justify="right")
    for result in report.results:
        table.add_row(
            result.name, result.source, _coloured(result.status), f"{result.trials:,}",
            f"{result.worst_margin:.3g}", f"{result.seconds:.1f}",
        )  # fmt: skip
    console = Console(highlight=False)
    console.print(table)
    for result in report.results:
        if result.status != "passed":
            console.print(Text(f"{result.name}: {result.note}. {result.statement}"))
    passed = sum(result.status == "passed" for result in report.results)
    console.print(Text(f"{passed} of {len(report.results)} claims passed"))


def _coloured(status: str) -> Text:
    colours = {"passed": "green", "undecided": "yellow"}
    return Text(status, style=colours.get(status, "red"))


def print_inspection(title: str, found: Inspection) -> None:
    """Print what is in preference data, table by table."""
    _print_columns(f"{title}: {found.kind}", found.facts)
    asked = found.settings
    loop = f"MRS-{asked.objective.upper()}, α = {asked.alpha:g}, λ = {asked.lam:g}"
    for first in range(0, len(found.matrices), _ABREAST):
        group = found.matrices[first : first + _ABREAST]
        columns = [_matrix_rows(summary, found.settings) for summary in group]
        names = [name for name, _ in columns[0]]
        values = ([value for _, value in column] for column in columns)
        heads = [summary.name for summary in group]
        _print_columns(f"as one matrix; loop: {loop}", zip(names, *values, strict=True), heads)
    if found.population:
        _print_columns(f"as a population; loop: {loop}", found.population)


def _matrix_rows(summary: MatrixSummary, settings: Settings) -> list[Row]:
    rows = [
        ("responses (K)", f"{summary.responses}"),
        ("tied pairs", f"{summary.ties}"),
        ("majority cycles", "yes" if summary.cyclic else "no"),
        ("Condorcet winner", summary.condorcet_winner or "none"),
        ("Smith set", ", ".join(summary.smith_set)),
        ("transitivity", summary.transitivity),
        ("Bradley-Terry residual", f"{summary.bradley_terry_residual:.4g}"),
        ("oscillates from β", _beta(summary.onset_beta, settings.beta_max)),
    ]
    if not (math.isnan(summary.onset_low) and math.isnan(summary.onset_high)):
        low, high = (
            _beta(bound, settings.beta_max) for bound in (summary.onset_low, summary.onset_high)
        )
        bounds = low if low == high else f"{low} to {high}"
        rows.append((f"95 % interval, {settings.resamples} resamples", bounds))
    if summary.onset_note:
        rows.append(("note", summary.onset_note))
    return rows


def _beta(value: float, most: float) -> str:
    if math.isnan(value):
        return "no fixed point"
    return f"above {most:g}" if math.isinf(value) else f"{value:.4g}"


def _print_columns(
    title: str, rows: Iterable[tuple[str, ...]], heads: Sequence[str] | None = None
) -> None:
    """Print a table; nothing in it is taken for markup."""
    table = Table(
        box=box.SIMPLE,
        show_header=heads is not None,
        pad_edge=False,
    )
    for head in ("", *(heads or ("",))):
        table.add_column(Text(head), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(table)
