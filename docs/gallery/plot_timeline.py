"""
Policies and entropy over the rounds
====================================

Four responses of which three beat each other in turn. The lower panel is the entropy.
"""

import numpy as np

import alignsim as asim

P = asim.preferences.random_skew(4, rng=np.random.default_rng(4))
loop = asim.FeedbackMap(P, beta=12.0, alpha=0.7)
axes = asim.plotting.timeline(loop.run(rounds=200))
