"""Weights and checkpoints: where files are, where they come from, proof that they are right."""
