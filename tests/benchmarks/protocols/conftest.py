"""Golden samples for the protocols."""

from golden import golden_forty, golden_ten

__all__ = ["golden_forty", "golden_ten"]
