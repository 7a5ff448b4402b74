"""Every method with parameters in the middle of their ranges, and random ones."""

from alignsim.feedback.methods.catalogue import METHODS

EXAMPLES = {
    "mrs": {"alpha": 0.4},
    "soft_reference": {"mixup": 0.5, "alpha": 0.2, "pull": 0.1},
    "hard_reference": {"every": 3, "alpha": 0.2},
    "extragradient": {"kappa": 0.3},
    "optimistic": {"optimism": 0.8, "kappa": 0.3},
    "momentum": {"momentum": 0.2, "kappa": 0.4},
    "nash_md": {"kappa": 0.3},
    "ipo_md": {"mixture": 0.25},
    "replay": {"fresh": 0.25, "kappa": 0.3},
}
"""Parameters with an anchor, wherever the method can have one."""


def drawn(name, size, rng):
    """Return random parameters (size,) of a method, over their whole ranges."""
    method = METHODS[name]
    values = {}
    for each in method.parameters:
        if each.whole:
            values[each.name] = rng.integers(each.low, 8, size).astype(float)
        else:
            values[each.name] = rng.uniform(each.low, min(each.high, 2.0), size)
    if "pull" in values:
        values["pull"] *= (1.0 - values["mixup"]) * (rng.random(size) < 0.6)
    return values
