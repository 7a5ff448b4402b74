"""The smallest β at which a method loses stability, against the closed forms."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import critical_beta

P = asim.preferences.cyclic(3, advantage=0.5)
OMEGA = 0.5 / np.sqrt(3)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("soft_reference", {"mixup": [0.3, 0.5, 0.6, 0.66]}),
        ("soft_reference", {"mixup": 0.4, "pull": 0.1}),
        ("hard_reference", {"every": [2, 3]}),
        ("extragradient", {"kappa": [0.0, 0.3]}),
        ("optimistic", {"kappa": [0.0, 0.1]}),
        ("momentum", {"momentum": [-0.3, 0.3], "kappa": 0.1}),
        ("replay", {"fresh": 0.5, "kappa": 0.1}),
        ("nash_md", {"kappa": 0.2}),
        ("ipo_md", {"mixture": 0.5}),
    ],
)
def test_it_is_the_limit_of_the_method(method, given):
    limit = asim.method(method, P, beta=1.0, **given).scheme.limit()
    assert OMEGA * critical_beta(P, method=method, **given) == pytest.approx(limit, rel=1e-9)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("soft_reference", {"mixup": [0.67, 0.9]}),
        ("hard_reference", {"every": 1}),
        ("momentum", {"momentum": 0.3}),
        ("replay", {"fresh": 0.5}),
    ],
)
def test_it_is_0_where_no_beta_is_stable(method, given):
    assert (critical_beta(P, method=method, **given) == 0.0).all()


def test_it_is_unknown_without_an_equilibrium():
    ranked = asim.preferences.bradley_terry([1.0, 0.5, 0.0])
    assert np.isnan(critical_beta(ranked, method="extragradient"))
    assert np.isinf(critical_beta(ranked, method="extragradient", kappa=0.3))


def test_a_name_that_determines_beta_is_refused():
    with pytest.raises(ValueError, match="'egpo', whose parameters determine β"):
        critical_beta(P, method="egpo", eta=0.3)
