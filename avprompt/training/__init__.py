"""The training loop: one for all methods, on one device or many."""
