"""Where stability is lost in closed form, as a coordinate of datasets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from alignsim.analysis import critical_signal
from alignsim.feedback.arguments import BETA
from alignsim.sweeps.axes import Family, attributes
from alignsim.sweeps.stack import Stack
from alignsim.validation import FloatArray

CLOSED_FORM = {"long_name": "βλ at which stability is lost, in closed form"}
"""The attributes of the coordinate ``critical_signal``."""

BLOCK = 2**18
"""Maps at a time; bounds the memory beside the result."""


def closed_form(
    loops: Family, P: FloatArray | Stack, grid: Mapping[str, FloatArray], **further: Any
) -> dict[str, Any]:
    """Return the coordinate ``critical_signal``, and ``beta`` where other parameters give it.

    Parameters
    ----------
    loops
        The method.
    P : (K, K) or (m, K, K)
        The matrices.
    grid
        All parameters, each a number or (n,).
    further
        The objective and the policies.
    """
    several = P.ndim == 3
    one = P[0] if isinstance(P, Stack) else P
    outer = ["matrix"] * several + [name for name in loops.own if grid[name].ndim]
    sizes = [len(P) if name == "matrix" else grid[name].size for name in outer]
    axes = dict(zip(outer, np.ix_(*map(np.arange, sizes)), strict=True))
    ends = {each.name: 1.0 for each in loops.parameters if each.name not in loops.own}
    rows = max(1, BLOCK // max(1, math.prod(sizes[1:])))
    signals, strengths = [], []
    for first in range(0, sizes[0] if sizes else 1, rows):
        part = {n: a[first : first + rows] if n in outer[:1] else a for n, a in axes.items()}
        values = {
            name: grid[name][part[name]] if name in part else grid[name] for name in loops.own
        }
        matrices = P[part["matrix"]] if several else one
        maps = loops.loop(matrices, {**values, **ends}, **further)
        signals.append(critical_signal(maps))
        strengths.append(maps.beta)
    signal, beta = (np.concatenate(x) if sizes else x[0] for x in (signals, strengths))
    found: dict[str, Any] = {"critical_signal": (outer, signal, CLOSED_FORM)}
    if "beta" not in loops.names:
        found["beta"] = (outer[several:], beta[0] if several else beta, attributes(BETA))
    return found
