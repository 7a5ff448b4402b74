"""
Methods side by side
====================

The distance to the rest point over one-shot optima, which is what a round costs, and what is known
of each loop.
"""

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
ds = asim.compare(
    ["mrs", "soft_reference", "extragradient", "optimistic"],
    P,
    beta=4.0,
    rounds=100,
    mrs={"alpha": 0.6},
    soft_reference={"mixup": 0.5},
)
axes = asim.plotting.compare(ds)
