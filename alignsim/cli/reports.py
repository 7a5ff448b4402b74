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
    from alignsim.analysis.advice import Advice, TradeoffRow
    from alignsim.analysis.inspection import Inspection, MatrixSummary, Settings
    from alignsim.claims import Report
    from alignsim.feedback import Trajectory
    from alignsim.validation import FloatArray

_ABREAST = 3
"""Matrices that stand side by side in one table."""

_MOST_PROBABLE = 12
"""Responses of the final policy that are listed."""

_TRADEOFF_EVERY = 4
"""Of the rows of a trade-off: η doubles from one to the next."""


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
    table = Table(
        title="Claims, checked numerically", box=box.SIMPLE, title_justify="left",
        pad_edge=False, collapse_padding=True,
    )  # fmt: skip
    table.add_column("claim", no_wrap=True)
    for heading in ("source", "status"):
        table.add_column(heading)
    for heading in ("trials", "worst margin", "s"):
        table.add_column(heading, justify="right")
    for result in report.results:
        table.add_row(
            result.name, result.source, _coloured(result.status), f"{result.trials:,}",
            f"{result.worst_margin:.2g}", f"{result.seconds:.1f}",
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


def print_advice(title: str, found: Advice, labels: Sequence[str] | None) -> None:
    """Print which α to choose, the trade-off over η, and what to beware of."""
    _print_columns(title, _advice_rows(found, labels))
    rows = found.table()[::_TRADEOFF_EVERY]
    heads = ("win rate", "e^H", "stable α", "fastest α", "β", "rounds")
    what = "trade-off over η" + (", medians" if found.eta.size > 1 else "")
    _print_columns(what, (_tradeoff_row(row) for row in rows), heads)
    console = Console(highlight=False)
    for sentence in found.warnings:
        console.print(Text(f"note: {sentence}"))


def _advice_rows(found: Advice, labels: Sequence[str] | None) -> list[Row]:
    import numpy as np

    from alignsim.analysis.advice import NO_FIXED_POINT, NO_STABLE_ALPHA

    def told(values: FloatArray, digits: int = 4) -> str:
        return _quartiles(np.asarray(values).ravel(), digits)

    rows = [("wanted η", told(found.eta)), ("win rate against the reference", told(found.win_rate))]
    if found.eta.size == 1:
        policy = found.policy.reshape(-1)
        names = labels or [f"response {i}" for i in range(len(policy))]
        order = (-policy).argsort(kind="stable")[:_MOST_PROBABLE]
        listed = ", ".join(f"{names[i]} {policy[i]:.3g}" for i in order)
        more = ", …" if len(policy) > len(order) else ""
        rows.append(("fixed point", listed + more))
    else:
        rows.append(("matrices", f"{found.eta.size:,}; medians (quartiles)"))
        for code, name in (
            (NO_FIXED_POINT, "without a fixed point"),
            (NO_STABLE_ALPHA, "without a stable α"),
        ):
            count = int((found.status == code).sum())
            if count:
                rows.append((name, f"{count:,}"))
    rows += [
        ("effective support", told(found.effective_support)),
        ("stable", _above(told(found.alpha_lowest))),
        ("certified to converge from every start", _above(told(found.alpha_certified))),
        ("fastest α", told(found.alpha)),
        ("β that goes with it", told(found.beta)),
        ("rate a round", told(found.rate)),
        (f"rounds to {found.tolerance:g}", told(found.rounds, 6)),
    ]
    for i, alpha in enumerate(found.alphas):
        radius = found.radii.reshape(-1, len(found.alphas))[:, i]
        share = f", stable for {int((radius < 1.0).sum()):,}" if len(radius) > 1 else ""
        verdict = share or (", stable" if radius[0] < 1.0 else ", unstable")
        rows.append((f"rate at α = {alpha:g}", told(radius) + verdict))
    if not math.isnan(found.min_effective_support):
        name = f"largest η that keeps e^H ≥ {found.min_effective_support:g}"
        rows.append((name, told(found.eta_largest).replace("inf", "no limit found")))
    return rows


def _above(limit: str) -> str:
    return {"0": "for every α below 1", "none": "for no known α"}.get(limit, f"for α above {limit}")


def _quartiles(values: FloatArray, digits: int) -> str:
    """Return one number, or the median and the quartiles of several; NaN are left out."""
    from alignsim.analysis.advice import quantiles

    low, middle, high = (
        "none" if math.isnan(q) else f"{q:.{digits}g}" for q in quantiles(values, (0.25, 0.5, 0.75))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def _tradeoff_row(row: TradeoffRow) -> tuple[str, ...]:
    sign = ">" if row.alpha_lowest > 0.0 else "≥"  # α = 0 is stable too where the lowest is 0
    return (
        f"η = {row.eta:.4g}",
        f"{row.win_rate:.4g}",
        f"{row.effective_support:.4g}",
        f"{sign} {row.alpha_lowest:.4g}",
        f"{row.alpha:.4g}",
        f"{row.beta:.4g}",
        f"{row.rounds:,.0f}",
    )


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
