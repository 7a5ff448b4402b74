import numpy as np
import pytest
from numba import njit

from alignsim.kernels import philox

KNOWN = [  # known answers of Random123 for philox4x32-10
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@njit
def _words(counter, key):
    return philox.philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1])


@njit
def _units(n, out):
    for i in range(n):
        a, b, c, d = philox.philox(
            np.uint64(i), np.uint64(0), np.uint64(7), np.uint64(1), np.uint64(5), np.uint64(9)
        )
        out[4 * i], out[4 * i + 1] = philox.unit(a), philox.unit(b)
        out[4 * i + 2], out[4 * i + 3] = philox.unit(c), philox.unit(d)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    found = _words(np.array(counter, dtype=np.uint64), np.array(key, dtype=np.uint64))
    assert tuple(int(word) for word in found) == expected


def test_units_are_uniform_and_never_an_end():
    out = np.empty(400_000)
    _units(100_000, out)
    assert 0.0 < out.min() < 1e-4
    assert 1.0 > out.max() > 1 - 1e-4
    counts = np.histogram(out, bins=64, range=(0, 1))[0]
    chi_square = ((counts - 6250.0) ** 2 / 6250.0).sum()
    assert 25 < chi_square < 115  # 63 degrees of freedom, p between 1e-5 and 1 − 1e-5
    correlation = np.corrcoef(out[:-1], out[1:])[0, 1]
    assert abs(correlation) < 5 / np.sqrt(len(out))


def test_units_at_the_ends_of_the_words():
    assert philox.unit.py_func(0) == 2.0**-33
    assert philox.unit.py_func(0xFFFFFFFF) == 1 - 2.0**-33
