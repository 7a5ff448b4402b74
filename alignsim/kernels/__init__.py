"""Kernels: Numba only, plain arrays in and out, no checks."""
