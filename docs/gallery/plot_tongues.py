"""
Tongues of locking
==================

Over β and α: in a tongue the loop locks to a cycle of some period; between tongues it turns on a
circle.
"""

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
ds = asim.phase_diagram(
    P, x=("beta", 4, 14), y=("alpha", 0.3, 0.9), by="orbit", resolution=64, rounds=2000
)
axes = asim.plotting.phase_diagram(ds)
