"""Claims put to the test: how hard each was tried, its worst margin, and the instance of it."""

from __future__ import annotations

import fnmatch
import json
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from alignsim import validation
from alignsim._version import __version__
from alignsim.claims.catalogue import CLAIMS
from alignsim.claims.contract import Claim, Instances
from alignsim.data.sources import parse_json, read_text
from alignsim.errors import FileFormatError, InputError, quote
from alignsim.notebook import Table
from alignsim.progress import ProgressBar
from alignsim.summary import Lines, Summarised, tally
from alignsim.sweeps.runner import Job, run
from alignsim.writing import beside

PASSED, FAILED, UNDECIDED, ERROR = "passed", "failed", "undecided", "error"

COSTLY_SHARE = 10
"""Trials of a cheap claim for each of a costly one."""

LEAST_TRIALS = 10

BATCH = 250
"""Trials that are drawn and checked at a time."""


@dataclass(frozen=True, repr=False)
class ClaimResult(Summarised):
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

    def _title(self) -> str:
        return f"ClaimResult: {self.name}, {self.status}"

    def _summary(self) -> Lines:
        yield "statement", self.statement
        yield "source", f"{self.source}, {self.section}"
        yield "worst margin", f"{self.worst_margin:.4g}"
        yield "trials", f"{self.trials:,}"
        yield "undecided", f"{self.undecided:,}" if self.undecided else ""
        yield "note", self.note


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

    def _tables(self) -> Iterable[Table]:
        rows = [
            (r.name, r.status, f"{r.worst_margin:.4g}", f"{r.trials:,}", r.statement, r.note)
            for r in self.results
        ]
        heads = ("claim", "status", "worst margin", "trials", "statement", "note")
        yield Table(f"{len(rows):,} claims", heads, rows)

    def to_json(self) -> str:
        """Return everything as JSON; numbers keep all digits, NaN becomes null."""
        content = {
            "passed": self.passed,
            "trials": self.trials,
            "seed": self.seed,
            "alignsim_version": __version__,
            "results": [
                {**vars(result), "worst_margin": _number(result.worst_margin)}
                for result in self.results
            ],
        }
        return json.dumps(content, indent=2, ensure_ascii=False, default=_listed)

    def to_junit(self) -> str:
        """Return the results as JUnit XML, one test case a claim."""
        suite = ElementTree.Element("testsuite", name="alignsim verify")
        for result in self.results:
            case = ElementTree.SubElement(suite, "testcase", name=result.name)
            case.set("classname", f"alignsim.claims.{result.source}")
            case.set("time", f"{result.seconds:.3f}")
            if result.status != PASSED:
                tag = "error" if result.status == ERROR else "failure"
                verdict = f"{result.status}: worst margin {result.worst_margin:.3g}; {result.note}"
                ElementTree.SubElement(case, tag, message=verdict).text = result.statement
            ElementTree.SubElement(case, "system-out").text = str(result)
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            suite.set(name, str(sum(1 for _ in suite.iter(tag))))
        suite.set("time", f"{sum(result.seconds for result in self.results):.3f}")
        ElementTree.indent(suite)
        return ElementTree.tostring(suite, encoding="unicode")


def verify(
    select: str | Sequence[str] | None = None,
    trials: int = 1000,
    seed: int = 0,
    *,
    progress: bool = True,
    claims: Iterable[Claim] | None = None,
    executor: Any = None,
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
    executor
        Who puts them to the test, a claim at a time, as of :func:`alignsim.sweep`.

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
    wanted = _selected(_known(claims), select)
    count = validation.integer(trials, "trials", minimum=1)
    start = validation.integer(seed, "seed", minimum=0)
    results: dict[int, ClaimResult] = {}
    jobs = (Job(n, 1, _put_to_test, claim, (count, start)) for n, claim in enumerate(wanted))
    with ProgressBar(progress, "verify", "claims", len(wanted)) as bar:
        run(jobs, results.__setitem__, executor, bar)
    return Report(tuple(results[n] for n in range(len(wanted))), count, start)


def replay(path: str | Path, *, claims: Iterable[Claim] | None = None) -> ClaimResult:
    """Return how a claim fares on the one instance that a file of :func:`save_worst` holds.

    Raises
    ------
    ValueError
        If the file is no such instance, lacks a field of it, or its claim is not known: names the
        file and the field.
    """
    known = {claim.name: claim for claim in _known(claims)}
    name, x = _saved(validation.path(path))
    claim = known[validation.choice(name, f"'{path}': its claim", known)]
    drawn = claim.instances(np.random.default_rng(0), LEAST_TRIALS)
    if lacking := [field for field in drawn if field not in x]:
        missing = ", ".join(map(repr, lacking))
        raise _unusable(path, f": the instance of {claim.name!r} lacks {missing}")
    clock = time.perf_counter()
    try:
        margin = claim.margin(x)
    except (LookupError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        problem = f": its numbers are no instance of {claim.name!r} ({reason})"
        raise _unusable(path, problem) from None
    return _result(claim, margin, x, time.perf_counter() - clock)


def _unusable(path: str | Path, problem: str) -> FileFormatError:
    return FileFormatError(
        f"'{path}'{problem}; save it anew with save_worst (alignsim verify --worst FOLDER)"
    )


def _saved(place: Path) -> tuple[Any, Instances]:
    """Return the name of the claim and the instance that a file holds."""
    content = parse_json(place, read_text(place))
    if not isinstance(content, dict) or not isinstance(content.get("instance"), dict):
        keys = 'the keys "claim", a name, and "instance", its fields'
        raise _unusable(place, f" is not a saved instance: it needs {keys}")
    x = {}
    for name, value in content["instance"].items():
        try:
            x[name] = np.asarray(value, dtype=np.float64)[None]
        except (TypeError, ValueError, OverflowError) as error:
            problem = f"its field {name!r} is no array of numbers ({error})"
            raise _unusable(place, f" is not a saved instance: {problem}") from None
    return content.get("claim"), x


def save_worst(result: ClaimResult, folder: str | Path) -> Path:
    """Write the worst instance of a result to ``folder``/NAME.json and return its path."""
    if not isinstance(result, ClaimResult):
        raise InputError("result", f"is {quote(result)}", "give one of a report's results")
    place = validation.path(folder, "folder") / f"{result.name}.json"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: of a null byte
        reason = getattr(error, "strerror", None) or error
        told = f"is {quote(str(folder))}, which cannot be made ({reason})"
        raise InputError("folder", told, "name a folder that can be written") from None
    content = {
        "claim": result.name,
        "margin": _number(result.worst_margin),
        "alignsim_version": __version__,
        "instance": result.worst_instance,
    }
    text = json.dumps(content, indent=1, default=_listed)
    with beside(place) as part:
        part.write_text(f"{text}\n", encoding="utf-8")
    return place


def _known(claims: Iterable[Claim] | None) -> tuple[Claim, ...]:
    if claims is None:
        return tuple(CLAIMS)
    known = tuple(claims) if np.iterable(claims) else (claims,)
    if not all(isinstance(claim, Claim) for claim in known):
        raise InputError("claims", f"is {quote(claims)}", "give instances of Claim")
    return known


def _selected(claims: tuple[Claim, ...], select: str | Sequence[str] | None) -> tuple[Claim, ...]:
    if select is None:
        return claims
    if not np.iterable(select):
        raise InputError("select", f"is {quote(select)}", "give the names of claims")
    chosen: dict[str, Claim] = {}
    for pattern in [select] if isinstance(select, str) else select:
        fits = {
            claim.name: claim
            for claim in claims
            if claim.source == pattern or fnmatch.fnmatchcase(claim.name, str(pattern))
        }
        if not fits:
            validation.choice(pattern, "select", [claim.name for claim in claims])
        chosen |= fits
    return tuple(chosen.values())


def _put_to_test(claim: Claim, trials: int, seed: int) -> ClaimResult:
    rng = np.random.default_rng([seed, zlib.crc32(claim.name.encode())])
    count = max(trials // COSTLY_SHARE, LEAST_TRIALS) if claim.costly else trials
    clock = time.perf_counter()
    margins, worst = np.empty(0), Instances()
    try:
        for first in range(0, count, BATCH):
            x = claim.instances(rng, min(BATCH, count - first))
            margin = np.asarray(claim.margin(x), dtype=np.float64)
            least = int(np.argmin(np.where(np.isnan(margin), np.inf, margin)))
            if not worst or margin[least] < np.nanmin(margins, initial=np.inf):
                worst = {name: values[least : least + 1] for name, values in x.items()}
            margins = np.concatenate([margins, margin])
        result = _result(claim, margins, worst, time.perf_counter() - clock)
        without = claim.counterexample()
        if without is None or (claim.margin(without) < 0.0).all():
            return result
        note = "the counter-example does not fail: the hypothesis is not needed"
        return replace(result, status=FAILED, note=note)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        spent, note = time.perf_counter() - clock, f"{type(error).__name__}: {error}"
        result = _result(claim, np.full(count, np.nan), {}, spent)
        return replace(result, status=ERROR, undecided=0, note=note)


def _result(claim: Claim, margin: np.ndarray, worst: Instances, seconds: float) -> ClaimResult:
    undecided, failing = int(np.isnan(margin).sum()), int((margin < 0.0).sum())
    status, note = PASSED, ""
    if failing:
        status, note = FAILED, f"{failing} of {len(margin)} trials fail"
    elif undecided:
        status, note = UNDECIDED, f"{undecided} of {len(margin)} trials are undecided"
    return ClaimResult(
        claim.name,
        claim.statement,
        claim.source,
        claim.section,
        status,
        trials=len(margin),
        undecided=undecided,
        worst_margin=float(np.nanmin(margin)) if undecided < len(margin) else np.nan,
        worst_instance={name: values[0] for name, values in worst.items()},
        seconds=seconds,
        note=note,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _listed(values: Any) -> Any:
    return np.asarray(values).tolist()
