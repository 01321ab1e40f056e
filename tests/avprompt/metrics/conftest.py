"""Golden samples for the metrics."""

from golden import golden_ten

__all__ = ["golden_ten"]
