"""The table of samplers; a new one needs a line here."""

from __future__ import annotations

from typing import Any

from alignsim.objectives.configured import one_named
from alignsim.objectives.samplers.contract import Sampler
from alignsim.objectives.samplers.fixed_pairs import FixedPairs
from alignsim.objectives.samplers.mix_p import MixP
from alignsim.objectives.samplers.mix_r import MixR
from alignsim.objectives.samplers.mixture import Mixture
from alignsim.objectives.samplers.pilaf import Pilaf
from alignsim.objectives.samplers.product import Product
from alignsim.objectives.samplers.rejection import Rejection
from alignsim.objectives.samplers.two_policies import TwoPolicies

SAMPLERS: dict[str, Sampler] = {
    sampler.name: sampler
    for sampler in (
        Product(),
        TwoPolicies(),
        Mixture(),
        FixedPairs(),
        MixR(),
        MixP(),
        Pilaf(),
        Rejection(),
    )
}
"""The known samplers by name, with their parameters at the defaults."""


def sampler_named(sampler: Any, **given: Any) -> Sampler:
    """Return the sampler of that name, or the one given, with these parameters."""
    return one_named(sampler, Sampler, SAMPLERS, "sampler", **given)
