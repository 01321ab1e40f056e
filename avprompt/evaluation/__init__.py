"""Evaluation: scores, what is left of them under other sounds, and what keeps them honest."""
