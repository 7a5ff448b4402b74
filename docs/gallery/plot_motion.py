"""
Where a round goes
==================

From each policy an arrow to where the next round takes it.
"""

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
loop = asim.FeedbackMap(P, beta=4.0, alpha=0.6)
axes = asim.plotting.motion(loop.run(asim.simplex.lattice(12), rounds=1))
