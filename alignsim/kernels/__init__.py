"""The cellar: Numba kernels, plain arrays in and out; nothing is checked here."""
