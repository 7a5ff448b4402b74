"""The cellar: Numba kernels, plain arrays in and out, nothing checked and nothing imported from above."""
