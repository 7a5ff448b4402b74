"""What is no claim, no name and no file is refused by the name of its argument."""

import pytest

from alignsim import claims
from alignsim.errors import InputError

REPORT = claims.verify("ipo-closed-form", trials=10, progress=False)


@pytest.mark.parametrize("wrong", [[0.5], 0.5, "ipo-closed-form"])
def test_what_is_no_claim_is_refused(wrong):
    with pytest.raises(InputError, match=r"^claims is .*; give instances of Claim"):
        claims.verify(claims=wrong, progress=False)


def test_what_selects_nothing_is_refused():
    with pytest.raises(InputError, match=r"^select is 0.3; give the names of claims"):
        claims.verify(select=0.3, progress=False)


def test_what_is_no_result_is_not_saved(tmp_path):
    with pytest.raises(InputError, match=r"^result is 0.3; give one of a report's results"):
        claims.save_worst(0.3, tmp_path)


def test_what_is_no_path_is_refused():
    with pytest.raises(InputError, match=r"^path is .*; give the name of a file"):
        claims.replay(-1e308)
    with pytest.raises(InputError, match=r"^folder is .*; give the name of a file"):
        claims.save_worst(REPORT.results[0], 0.3)
