"""Tables on standard output."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alignsim.summary import number, probability
from alignsim.sweeps.findings import Row

if TYPE_CHECKING:
    from alignsim.analysis import Orbit
    from alignsim.claims import Report
    from alignsim.feedback import Trajectory
    from alignsim.listing import Listing
    from alignsim.parameters import Parameter
    from alignsim.reports.advice import Advice
    from alignsim.reports.inspection import Inspection, MatrixSummary, Settings
    from alignsim.reports.tradeoff import TradeoffRow
    from alignsim.validation import FloatArray

_ABREAST = 3
"""Matrices that stand side by side in one table."""

_MOST_PROBABLE = 12
"""Responses of a policy that are listed."""

_MARGIN = (
    "A margin of 0 or more: the claim holds. For an equation, 1 is exact agreement and 0 the "
    "tolerance; for an inequality, the margin is the slack."
)

_CLOSE = 1e-3
"""To 1: a table then shows a difference from it."""


def print_rows(
    title: str, rows: Iterable[tuple[str, ...]], heads: Sequence[str] | None = None
) -> None:
    """Print a table; nothing in it is taken for markup."""
    table = Table(box=box.SIMPLE, show_header=heads is not None, pad_edge=False)
    for head in ("", *(heads or ("",))):
        table.add_column(Text(head), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(table)


def print_listing(listing: Listing) -> None:
    """Print a table for each name that is listed."""
    for row in listing.rows():
        title, *rest = row.items()
        print_rows(title[1], [(head, text) for head, text in rest if text])


def described(each: Parameter) -> str:
    """Return the meaning, the range and the default of a parameter."""
    default = "must be given" if each.default is None else f"by default {each.default:g}"
    return f"{each.meaning}; {each.range}, {default}"


def inputs(of: Any) -> Iterator[tuple[str, str]]:
    """Yield what an objective or a sampler takes beside β: parameters, policies and vectors."""
    for each in of.parameters:
        yield f"parameter {each.name}", described(each)
    for policy in of.policies:
        yield f"policy {policy}", "one probability a response, in Python"
    for vector in of.vectors:
        yield f"vector {vector}", "one number a response, in Python"


def print_convention() -> None:
    """Print what β means."""
    _print_line("β multiplies the preference signal; TRL's beta is one over it.")


def print_notes(notes: Iterable[str]) -> None:
    """Print what was assumed when a file was read, and the like."""
    console = Console(highlight=False)
    for sentence in notes:
        console.print(Text(f"note: {sentence}"))


def print_saved(*paths: Path | None) -> None:
    """Print where the output files are."""
    for path in filter(None, paths):
        _print_line(f"saved {path}")


def print_saved_instances(count: int, folder: Path) -> None:
    """Print in which folder the worst instances are."""
    instances = "1 instance" if count == 1 else f"{count} instances"
    _print_line(f"saved {instances} in {folder}")


def _print_line(text: str) -> None:
    """Print a text that a narrow terminal does not break, such as a path."""
    Console(highlight=False, soft_wrap=True).print(Text(text))


def long_run_rows(seen: Orbit) -> list[Row]:
    """Return what one orbit does in the long run, and how stable the fixed point beside it is."""
    from alignsim.analysis.equilibria.stability import Verdict
    from alignsim.analysis.orbits.verdicts import Phase

    phase, reason = str(seen.phase), seen.reason().partition(";")[0]
    undecided = f" after {int(seen.rounds):,} rounds: {reason}"
    rows = [("in the long run", phase + undecided if seen.code == Phase.UNDECIDED else phase)]
    if seen.period > 1:
        rows.append(("period", f"{int(seen.period):,} rounds"))
    if not math.isnan(seen.rotation_number):
        rows.append(("rotation number", f"{float(seen.rotation_number):.6g} turns a round"))
    if seen.code == Phase.CHAOTIC:
        bounds = f"{float(seen.exponent):.3g} ± {float(seen.exponent_error):.1g}"
        rows.append(("leading Lyapunov exponent", f"{bounds} a round"))
    radius = float(seen.stability.spectral_radius)
    stable = f"{Verdict.words()[int(seen.stability.verdict)]}, spectral radius {radius:.6g}"
    return [*rows, ("fixed point", "none found" if math.isnan(radius) else stable)]


def orbit_rows(orbit: Trajectory, seen: Orbit, names: Sequence[str]) -> list[Row]:
    """Return where one orbit ended and how it moved; ``seen`` tells whether it came to rest."""
    from alignsim.analysis.orbits.verdicts import Phase

    rests = int(seen.code) == Phase.CONVERGED

    def last(what: str) -> str:
        return f"final {what}" if rests else f"{what} in the last round"

    strength = number(orbit.cycle_strength)
    average = [] if rests else _policy_rows("time average", orbit.policy_mean, names)
    return [
        *_policy_rows(last("policy"), orbit.final, names),
        *average,
        (last("entropy"), f"{number(orbit.entropy[-1])} nats"),
        (last("effective support"), f"{orbit.effective_support[-1]:.6g}"),
        (last("KL to the reference"), f"{number(orbit.kl_to_reference[-1])} nats"),
        ("cycle strength", f"{strength} (variance since round {orbit.burn_in:,})"),
    ]


def _policy_rows(title: str, policy: FloatArray, names: Sequence[str]) -> list[Row]:
    order = (-policy).argsort(kind="stable")[:_MOST_PROBABLE]
    rest = len(policy) - len(order)
    rows = [(f"{title}: {names[i]}", probability(policy[i])) for i in order]
    return [*rows, (f"{title}: others", f"{rest}, each less probable")] if rest else rows


def print_verification(report: Report) -> None:
    """Print every claim, how it fared, and in full what does not pass."""
    table = Table(
        title="Claims, checked numerically", caption=_MARGIN, box=box.SIMPLE,
        title_justify="left", caption_justify="left", pad_edge=False, collapse_padding=True,
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
    from alignsim.feedback.naming import loop_name

    print_rows(f"{title}: {found.kind}", found.facts)
    asked = found.settings
    known = {"alpha": "α"}
    own = "".join(f", {known.get(k, k)} = {v:g}" for k, v in asked.parameters.items())
    loop = f"{loop_name(asked.method, asked.objective, asked.sampler)}{own}, λ = {asked.lam:g}"
    for problem in found.votes:
        print_rows(f"{problem.name}; loop: {loop}", problem.rows())
    for first in range(0, len(found.matrices), _ABREAST):
        group = found.matrices[first : first + _ABREAST]
        columns = [_matrix_rows(summary, found.settings) for summary in group]
        names = [name for name, _ in columns[0]]
        values = ([value for _, value in column] for column in columns)
        heads = [summary.name for summary in group]
        print_rows(f"as one matrix; loop: {loop}", zip(names, *values, strict=True), heads)
    if found.population:
        print_rows(f"as a population; loop: {loop}", found.population)


def print_advice(title: str, found: Advice, labels: Sequence[str]) -> None:
    """Print which α to choose, the trade-off over η, and what to beware of."""
    print_rows(title, _advice_rows(found, labels))
    rows = found.table()[:: found.tradeoff.octave]
    heads = ("win rate", "e^H", "stable α", "fastest α", "β", "rounds")
    what = "trade-off over η" + (", medians" if found.eta.size > 1 else "")
    print_rows(what, (_tradeoff_row(row) for row in rows), heads)
    print_notes(found.warnings)


def _advice_rows(found: Advice, names: Sequence[str]) -> list[Row]:
    import numpy as np

    from alignsim.reports.caution import AdviceStatus

    def told(values: FloatArray, written: Callable[[float], str] = "{:.4g}".format) -> str:
        return _quartiles(np.asarray(values).ravel(), written)

    rows = [("wanted η", told(found.eta)), ("win rate against the reference", told(found.win_rate))]
    if found.eta.size == 1:
        policy = found.policy.reshape(-1)
        order = (-policy).argsort(kind="stable")[:_MOST_PROBABLE]
        listed = ", ".join(f"{names[i]} {probability(policy[i], 3)}" for i in order)
        more = ", …" if len(policy) > len(order) else ""
        rows.append(("fixed point", listed + more))
    else:
        many = "matrices" if found.eta.ndim == 1 else "draws"
        rows.append((many, f"{found.eta.size:,}; medians (quartiles)"))
        without = {
            AdviceStatus.NO_FIXED_POINT: "a fixed point",
            AdviceStatus.NO_STABLE_ALPHA: "a stable α",
        }
        for code, name in without.items():
            if count := int((found.status == code).sum()):
                rows.append((f"without {name}", f"{count:,}"))
    rows += [
        ("effective support", told(found.effective_support)),
        ("stable", _above(told(found.alpha_lowest, _near_one))),
        *_safe_rows(found),
        ("certified to converge from every start", _above(told(found.alpha_certified, _near_one))),
        ("fastest α", told(found.alpha, _near_one)),
        ("β at that α", told(found.beta)),
        ("deviation kept a round", told(found.rate, _near_one)),
        (f"rounds until {found.tolerance:g} of it is left", told(found.rounds, "{:.6g}".format)),
    ]
    for i, alpha in enumerate(found.alphas):
        radius = found.radii.reshape(-1, len(found.alphas))[:, i]
        share = f", stable for {int((radius < 1.0).sum()):,}" if len(radius) > 1 else ""
        verdict = share or (", stable" if radius[0] < 1.0 else ", unstable")
        rows.append((f"rate at α = {_near_one(alpha)}", told(radius, _near_one) + verdict))
    if not math.isnan(found.min_effective_support):
        name = f"largest η that keeps e^H ≥ {found.min_effective_support:g}"
        rows.append((name, told(found.eta_largest).replace("inf", "no limit found")))
    return rows


def _safe_rows(found: Advice) -> list[Row]:
    """Return the α that is stable for nearly all matrices: a second batch axis holds draws."""
    if found.eta.size == 1:
        return []
    name = "stable for 95 % of them" if found.eta.ndim == 1 else "stable with a probability of 95 %"
    safe = float(found.alpha_safe(0.95).max())
    return [(name, _above("none" if math.isnan(safe) else _near_one(safe)))]


def _above(limit: str) -> str:
    return {"0": "for every α below 1", "none": "for no known α"}.get(limit, f"for α above {limit}")


def _near_one(value: float) -> str:
    """Return a number with four digits, or with as many that three of its distance from 1 are seen.

    >>> _near_one(0.923076923), _near_one(0.99999700001), _near_one(1.000001234)
    ('0.9231', '0.999997', '1.00000123')
    """
    apart = abs(1.0 - value)
    if not 0.0 < apart < 1.0:
        return number(value, 4)
    digits = max(4, 2 + (value >= 1.0) + math.ceil(-math.log10(apart)))
    return f"{value:.{digits}g}"


def _short_of_one(value: float) -> str:
    """Return a number with four digits, or as a difference from 1, which is shorter, close to it.

    >>> _short_of_one(0.923076923), _short_of_one(0.99999700001)
    ('0.9231', '1−3e-06')
    """
    apart = 1.0 - value
    return f"1−{apart:.3g}" if 0.0 < apart < _CLOSE else f"{value:.4g}"


def _quartiles(values: FloatArray, written: Callable[[float], str]) -> str:
    """Return one number, or the median and the quartiles of several; NaN are left out."""
    from alignsim.reports.tradeoff import quantiles

    low, middle, high = (
        "none" if math.isnan(q) else written(q) for q in quantiles(values, (0.25, 0.5, 0.75))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def _tradeoff_row(row: TradeoffRow) -> tuple[str, ...]:
    sign = ">" if row.alpha_lowest > 0.0 else "≥"  # α = 0 is stable too where the lowest is 0
    return (
        f"η = {row.eta:.4g}",
        f"{row.win_rate:.4g}",
        f"{row.effective_support:.4g}",
        f"{sign} {_short_of_one(row.alpha_lowest)}",
        _short_of_one(row.alpha),
        f"{row.beta:.4g}",
        f"{row.rounds:,.0f}",
    )


def _matrix_rows(summary: MatrixSummary, settings: Settings) -> list[Row]:
    return [
        ("responses (K)", f"{summary.responses}"),
        ("tied pairs", f"{summary.ties}"),
        ("majority cycles", "yes" if summary.cyclic else "no"),
        ("Condorcet winner", summary.condorcet_winner or "none"),
        ("Smith set", ", ".join(summary.smith_set)),
        ("transitivity", summary.transitivity),
        ("Bradley-Terry residual", number(summary.bradley_terry_residual, 4)),
        ("oscillates from β", _beta(summary.onset_beta, settings.beta_max)),
    ]


def _beta(value: float, most: float) -> str:
    if math.isnan(value):
        return "no fixed point"
    return f"above {most:g}" if math.isinf(value) else f"{value:.4g}"
