"""A method on a benchmark, from names to a run directory."""
