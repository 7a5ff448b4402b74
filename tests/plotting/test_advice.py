import numpy as np
import pytest
from matplotlib.figure import Figure

import alignsim as asim
from alignsim.plotting import advice


def _drawn(P, eta, **options):
    """Return the left Axes, drawn."""
    figure = Figure(figsize=(10.4, 4.4), layout="constrained")
    left, _ = advice(asim.advise(P, eta, **options), ax=figure.subplots(1, 2))
    figure.canvas.draw()
    return left


@pytest.mark.parametrize("eta", [4.0, 10.0, 100.0])
def test_the_values_beside_the_curve_stay_inside_the_axes(eta):
    P = asim.preferences.random_strictly_strongly_transitive(4, rng=1)
    left = _drawn(P, eta, min_effective_support=2.0)
    frame = left.get_window_extent()
    assert left.texts
    for text in left.texts:
        box = text.get_window_extent()
        assert frame.x0 < box.x0 < box.x1 < frame.x1, text.get_text()
        assert frame.y0 < box.y0 < box.y1 < frame.y1, text.get_text()


def test_the_values_beside_the_curve_do_not_lie_on_its_points():
    left = _drawn(asim.preferences.random_strictly_strongly_transitive(4, rng=1), 4.0)
    points = left.transData.transform(np.asarray(left.collections[0].get_offsets()))
    for text in left.texts:
        assert not text.get_window_extent().count_contains(points), text.get_text()
