"""How far entropy falls."""
