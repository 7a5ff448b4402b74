import matplotlib
import numpy as np
import pytest

import alignsim as asim


@pytest.fixture(autouse=True)
def _headless():
    """Draw without a display, and leave no figure behind."""
    from matplotlib import pyplot

    matplotlib.use("Agg")
    yield
    pyplot.close("all")


@pytest.fixture
def axes():
    """Axes of a figure that pyplot does not know."""
    from matplotlib.figure import Figure

    return Figure(layout="constrained").add_subplot()


@pytest.fixture
def ternary():
    import mpltern  # noqa: F401  (makes the projection known)
    from matplotlib.figure import Figure

    return Figure(layout="constrained").add_subplot(projection="ternary")


@pytest.fixture(scope="session")
def _cycle():
    P = asim.preferences.cyclic(3, advantage=0.3)
    beta, lam = np.linspace(0, 12, 31), np.linspace(0, 1, 21)
    return asim.sweep(P, beta=beta, lam=lam, alpha=0.6, rounds=1500, progress=False)


@pytest.fixture
def cycle(_cycle):
    """A sweep of rock-paper-scissors, to change at will."""
    return _cycle.copy(deep=True)


@pytest.fixture(scope="session")
def _many():
    P = np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.05, 0.2, 0.4)])
    beta, lam = np.linspace(0, 12, 9), np.linspace(0, 1, 5)
    return asim.sweep(P, beta=beta, lam=lam, alpha=[0.3, 0.8], rounds=800, progress=False)


@pytest.fixture
def many(_many):
    """A sweep of three matrices and two values of alpha, to change at will."""
    return _many.copy(deep=True)


@pytest.fixture
def run():
    """Run one map on a cycle of ``responses``."""

    def _run(responses=3, *, beta=8.0, alpha=0.6, rounds=300, start=None, **options):
        P = asim.preferences.cyclic(responses, advantage=0.3)
        return asim.FeedbackMap(P, beta=beta, alpha=alpha).run(start, rounds, **options)

    return _run
