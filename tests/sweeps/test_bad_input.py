"""A sweep refuses bad arguments by name, before it runs anything."""

import re

import numpy as np
import pytest

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
BAD = [
    ({"beta": -1.0}, "beta is -1; it must be at least 0"),
    ({"beta": [1.0, np.inf]}, "beta[1] is inf; every entry must be finite"),
    ({"beta": []}, "beta has shape (0,), an empty batch"),
    ({"beta": [[1.0, 2.0]]}, "beta has shape (1, 2); give a number or a sequence"),
    ({"beta": None}, "beta is missing; 'mrs' has the parameters alpha (from 0 to 1), beta (from"),
    ({"mixup": 0.5}, "mixup is no parameter of 'mrs'; its parameters: alpha (from 0 to 1), beta"),
    ({"method": "soft_reference"}, "mixup is missing; 'soft_reference' has the parameters mixup"),
    ({"method": "soft_reference", "mixup": [0.1, 2.0]}, "mixup[1] is 2; it must be in [0, 1]"),
    ({"method": "soft_referense"}, "did you mean 'soft_reference'? known: mrs, soft_reference,"),
    ({"method": "omwu", "eta": 1.0}, "beta is no parameter of 'omwu'; its parameters: eta (from"),
    ({"method": "hard_reference", "every": [1, 1.5]}, "every[1] is 1.5; it must be a whole number"),
    ({"beta": "1"}, "beta has dtype <U1"),
    ({"beta": 1j}, "beta has dtype complex128"),
    ({"alpha": [0.5, 1.1]}, "alpha[1] is 1.1; it must be in [0, 1]"),
    ({"alpha": np.nan}, "alpha is nan"),
    ({"alpha": [[0.5], [0.6]]}, "alpha has shape (2, 1); give a number or a sequence"),
    ({"lam": -0.1}, "lam is -0.1; it must be in [0, 1]"),
    ({"lam": [[0.1]]}, "lam has shape (1, 1); give a number or a sequence"),
    ({"P": np.full((2, 2, 3, 3), 0.5)}, "P has shape (2, 2, 3, 3); a sweep takes one matrix"),
    ({"P": np.zeros((0, 3, 3))}, "P has shape (0, 3, 3), an empty batch"),
    ({"P": P + 0.1}, "symmetrise"),
    ({"P": [0.5, 0.5]}, "P has shape (2,)"),
    ({"P": np.stack([P, P - 2 * np.eye(3)])}, "P[1, 0, 0] is -1.5"),
    ({"objective": "vote"}, "objective is 'vote'; known: '"),
    ({"objective": 3}, "objective is 3"),
    ({"reference": [0.5, 0.5]}, "reference has 2 responses"),
    ({"reference": [0.0, 0.5, 0.5]}, "reference[0] is 0"),
    ({"reference": [[0.2, 0.3, 0.5]]}, "reference has shape (1, 3); a sweep takes one policy"),
    ({"reference": 0.3}, "reference has shape ()"),
    ({"reference": [[0.2], [0.3, 0.5]]}, "reference"),
    ({"offline": [0.5, 0.6, 0.1]}, "offline sums to 1.2"),
    ({"offline": [1.5, -0.5, 0.0]}, "offline[1] is -0.5"),
    ({"offline": np.full((2, 3), 1 / 3)}, "offline has shape (2, 3)"),
    ({"offline": [[0.2], [0.3, 0.5]]}, "offline"),
    ({"start": [0.5, 0.5]}, "start has 2 responses"),
    ({"start": [0.0, 0.5, 0.5]}, "start[0] is 0"),
    ({"start": [[0.2, 0.3, 0.5]]}, "start has shape (1, 3)"),
    ({"start": [[0.2], [0.3, 0.5]]}, "start"),
    ({"rounds": -1}, "rounds is -1; it must be at least 0"),
    ({"rounds": 10.0}, "rounds is 10.0; it must be a whole number"),
    ({"rounds": "10"}, "rounds is '10'; it must be a whole number"),
    ({"burn_in": 11}, "burn_in is 11; it must be at most rounds, 10"),
    ({"burn_in": -1}, "burn_in is -1"),
    ({"burn_in": 0.5}, "burn_in is 0.5"),
    ({"threads": 0}, "threads is 0; it must be at least 1"),
    ({"threads": "2"}, "threads is '2'"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_bad_arguments_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        asim.sweep(**{"P": P, "beta": 1.0, "rounds": 10, "progress": False, **given})


def test_the_strength_must_be_given():
    with pytest.raises(ValueError, match="beta is missing"):
        asim.sweep(P, rounds=10)


def test_no_input_is_changed():
    arrays = {
        "P": P.copy(), "beta": np.array([1.0, 2.0]), "alpha": np.array([0.2, 0.4]),
        "lam": np.array([0.5, 1.0]), "reference": np.array([0.5, 0.3, 0.2]),
        "offline": np.array([0.0, 0.5, 0.5]), "start": np.array([0.3, 0.3, 0.4]),
    }  # fmt: skip
    before = {name: a.copy() for name, a in arrays.items()}
    for a in arrays.values():
        a.setflags(write=False)
    ds = asim.sweep(**arrays, rounds=20, progress=False)
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)
    lists = {name: a.tolist() for name, a in arrays.items()}
    assert asim.sweep(**lists, rounds=20, progress=False).identical(ds)
