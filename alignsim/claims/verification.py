"""Claims put to the test: how hard each was tried, its worst margin, and the instance of it."""

from __future__ import annotations

import fnmatch
import json
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from alignsim import validation
from alignsim._version import __version__
from alignsim.claims.contract import Claim, Instances
from alignsim.data.sources import parse_json, read_text
from alignsim.errors import FileFormatError
from alignsim.progress import ProgressBar
from alignsim.summary import Lines, Summarised, tally
from alignsim.writing import beside

PASSED, FAILED, UNDECIDED, ERROR = "passed", "failed", "undecided", "error"

COSTLY_SHARE = 10
"""A costly claim gets one trial for so many of a cheap one."""

LEAST_TRIALS = 10

BATCH = 250
"""Trials that are drawn and checked at a time."""


@dataclass(frozen=True)
class ClaimResult:
    """How one claim fared.

    Attributes
    ----------
    name, statement, source, section
        Of the claim.
    status
        ``"passed"``; ``"failed"``: a margin is negative, or its counter-example does not fail;
        ``"undecided"``: every margin that is not NaN is ≥ 0, but some are NaN; ``"error"``.
    trials, undecided
        How many were made, and how many of them ended undecided.
    worst_margin
        The smallest margin; NaN if none was decided.
    worst_instance
        The trial of that margin, one array a name, for :func:`replay`.
    seconds
        Time taken.
    note
        What went wrong, in words.
    """

    name: str
    statement: str
    source: str
    section: str
    status: str
    trials: int
    undecided: int
    worst_margin: float
    worst_instance: Instances = field(repr=False)
    seconds: float
    note: str = ""


@dataclass(frozen=True, repr=False)
class Report(Summarised):
    """The results of a verification, and how it was made."""

    results: tuple[ClaimResult, ...]
    trials: int
    seed: int

    @property
    def passed(self) -> bool:
        """Whether every claim passed."""
        return all(result.status == PASSED for result in self.results)

    def _title(self) -> str:
        return "Report of a verification"

    def _summary(self) -> Lines:
        yield "claims", tally([result.status for result in self.results])
        for status in (FAILED, UNDECIDED, ERROR):
            yield status, ", ".join(r.name for r in self.results if r.status == status)
        yield "trials", f"{self.trials:,}"
        yield "seed", f"{self.seed}"

    def to_json(self) -> str:
        """Return everything as JSON; numbers keep all digits, NaN becomes null."""
        results = [
            {**asdict(result), "worst_instance": _listed(result.worst_instance)}
            for result in self.results
        ]
        for result in results:
            if np.isnan(result["worst_margin"]):
                result["worst_margin"] = None
        return json.dumps(
            {
                "passed": self.passed,
                "trials": self.trials,
                "seed": self.seed,
                "alignsim_version": __version__,
                "results": results,
            },
            indent=2,
            ensure_ascii=False,
        )

    def to_junit(self) -> str:
        """Return the results as JUnit XML, one test case a claim."""
        bad = [result for result in self.results if result.status in (FAILED, UNDECIDED)]
        errors = [result for result in self.results if result.status == ERROR]
        suite = ElementTree.Element(
            "testsuite",
            name="alignsim verify",
            tests=str(len(self.results)),
            failures=str(len(bad)),
            errors=str(len(errors)),
            time=f"{sum(result.seconds for result in self.results):.3f}",
        )
        for result in self.results:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=f"alignsim.claims.{result.source}",
                name=result.name,
                time=f"{result.seconds:.3f}",
            )
            if result.status != PASSED:
                tag = "error" if result.status == ERROR else "failure"
                ElementTree.SubElement(case, tag, message=_verdict(result)).text = result.statement
        ElementTree.indent(suite)
        return ElementTree.tostring(suite, encoding="unicode")


def verify(
    select: str | Sequence[str] | None = None,
    trials: int = 1000,
    seed: int = 0,
    *,
    progress: bool = True,
    claims: Iterable[Claim] | None = None,
) -> Report:
    """Return how the claims fare on random instances and on the edges of their hypotheses.

    Parameters
    ----------
    select
        Names of claims, ``*`` and ``?`` allowed (``"ipo-*"``), or a source: ``"paper"``,
        ``"literature"``, ``"derived"``. By default all.
    trials
        Instances for each claim; a costly one, which simulates many rounds, gets a tenth.
    seed
        The instances of a claim depend on it and on the claim's name only.
    progress
        Show a progress bar when it takes longer than a second or two.
    claims
        Other claims than :data:`alignsim.claims.CLAIMS`.

    Raises
    ------
    ValueError
        If ``select`` fits no claim, or ``trials`` is below 1.

    Examples
    --------
    >>> import alignsim as asim
    >>> report = asim.verify("ipo-closed-form", trials=50)
    >>> report.passed, report.results[0].trials
    (True, 50)
    """
    from alignsim.claims import CLAIMS

    wanted = _selected(tuple(CLAIMS if claims is None else claims), select)
    count = validation.integer(trials, "trials", minimum=1)
    start = validation.integer(seed, "seed", minimum=0)
    results = []
    with ProgressBar(progress, "verify", "claims", len(wanted)) as bar:
        for claim in wanted:
            results.append(_put_to_test(claim, count, start))
            bar.update(1)
    return Report(tuple(results), count, start)


def replay(path: str | Path, *, claims: Iterable[Claim] | None = None) -> ClaimResult:
    """Return how a claim fares on the one instance that a file of :func:`save_worst` holds.

    Raises
    ------
    ValueError
        If the file is no such instance, lacks a field of it, or its claim is not known: names the
        file and the field.
    """
    from alignsim.claims import CLAIMS

    known = {claim.name: claim for claim in (CLAIMS if claims is None else claims)}
    name, x = _saved(Path(path))
    claim = known[validation.choice(name, f"'{path}': its claim", known)]
    drawn = claim.instances(np.random.default_rng(0), LEAST_TRIALS)
    if lacking := [field for field in drawn if field not in x]:
        raise FileFormatError(
            f"'{path}': the instance of {claim.name!r} lacks {', '.join(map(repr, lacking))}; "
            f"{_SAVE_AGAIN}"
        )
    clock = time.perf_counter()
    try:
        margin = claim.margin(x)
    except (LookupError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"'{path}': its numbers are no instance of {claim.name!r} "
            f"({type(error).__name__}: {error}); {_SAVE_AGAIN}"
        ) from None
    return _result(claim, margin, x, time.perf_counter() - clock)


_SAVE_AGAIN = "save it anew with save_worst (alignsim verify --worst FOLDER)"


def _saved(place: Path) -> tuple[Any, Instances]:
    """Return the name of the claim and the instance that a file holds."""
    content = parse_json(place, read_text(place))
    if not isinstance(content, dict) or not isinstance(content.get("instance"), dict):
        raise FileFormatError(
            f"'{place}' is not a saved instance: it needs the keys \"claim\", a name, and "
            f'"instance", its fields; {_SAVE_AGAIN}'
        )
    x = {}
    for name, value in content["instance"].items():
        try:
            x[name] = np.asarray(value, dtype=np.float64)[None]
        except (TypeError, ValueError, OverflowError) as error:
            raise FileFormatError(
                f"'{place}' is not a saved instance: its field {name!r} is no array of numbers "
                f"({error}); {_SAVE_AGAIN}"
            ) from None
    return content.get("claim"), x


def save_worst(result: ClaimResult, folder: str | Path) -> Path:
    """Write the worst instance of a result to ``folder``/NAME.json and return its path."""
    place = Path(folder) / f"{result.name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "claim": result.name,
        "margin": None if np.isnan(result.worst_margin) else result.worst_margin,
        "alignsim_version": __version__,
        "instance": _listed(result.worst_instance),
    }
    with beside(place) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return place


def _selected(claims: tuple[Claim, ...], select: str | Sequence[str] | None) -> tuple[Claim, ...]:
    if select is None:
        return claims
    patterns = [select] if isinstance(select, str) else list(select)
    chosen = []
    for pattern in patterns:
        fits = [
            claim
            for claim in claims
            if claim.source == pattern or fnmatch.fnmatchcase(claim.name, str(pattern))
        ]
        if not fits:
            validation.choice(pattern, "select", [claim.name for claim in claims])
        chosen += [claim for claim in fits if claim not in chosen]
    return tuple(chosen)


def _put_to_test(claim: Claim, trials: int, seed: int) -> ClaimResult:
    rng = np.random.default_rng([seed, zlib.crc32(claim.name.encode())])
    count = max(trials // COSTLY_SHARE, LEAST_TRIALS) if claim.costly else trials
    clock = time.perf_counter()
    margins: list[np.ndarray] = []
    worst: Instances = {}
    worst_margin = np.inf
    try:
        for first in range(0, count, BATCH):
            x = claim.instances(rng, min(BATCH, count - first))
            margin = np.asarray(claim.margin(x), dtype=np.float64)
            margins.append(margin)
            least = int(np.argmin(np.where(np.isnan(margin), np.inf, margin)))
            if not worst or margin[least] < worst_margin:
                worst = {name: values[least : least + 1] for name, values in x.items()}
                worst_margin = margin[least]
        result = _result(claim, np.concatenate(margins), worst, time.perf_counter() - clock)
        without = claim.counterexample()
        if without is not None and not (claim.margin(without) < 0.0).all():
            return ClaimResult(
                **{
                    **result.__dict__,
                    "status": FAILED,
                    "note": "the counter-example does not fail: the hypothesis is not needed",
                }
            )
        return result
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return ClaimResult(
            claim.name, claim.statement, claim.source, claim.section, ERROR, count, 0, np.nan,
            {}, time.perf_counter() - clock, f"{type(error).__name__}: {error}",
        )  # fmt: skip


def _result(claim: Claim, margin: np.ndarray, worst: Instances, seconds: float) -> ClaimResult:
    undecided = int(np.isnan(margin).sum())
    least = float(np.nanmin(margin)) if undecided < len(margin) else np.nan
    status = FAILED if least < 0.0 else UNDECIDED if undecided else PASSED
    note = ""
    if status == FAILED:
        note = f"{int((margin < 0.0).sum())} of {len(margin)} trials fail"
    elif status == UNDECIDED:
        note = f"{undecided} of {len(margin)} trials are undecided"
    return ClaimResult(
        claim.name, claim.statement, claim.source, claim.section, status, len(margin), undecided,
        least, {name: values[0] for name, values in worst.items()}, seconds, note,
    )  # fmt: skip


def _verdict(result: ClaimResult) -> str:
    return f"{result.status}: worst margin {result.worst_margin:.3g}; {result.note}"


def _listed(x: Instances) -> dict[str, Any]:
    return {name: np.asarray(values).tolist() for name, values in x.items()}
