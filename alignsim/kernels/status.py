"""What became of one instance: the codes that kernels write and the floors above put in words."""

OK = 0
NOT_FINITE = 1
NO_OPTIMUM = 2
SCORE_RANGE = 3
NOT_CONVERGED = 4
NO_SAMPLE_OPTIMUM = 5
STIFF = 6
