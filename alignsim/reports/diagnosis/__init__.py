"""A loop read from its log: what its logged rounds say about its multipliers."""
