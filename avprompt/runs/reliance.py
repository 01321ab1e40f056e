"""Altered sounds and contexts as rows of a table, in the order in which they are read."""

# Row, altered sound, and what of it where that is not the headline metric itself.
RELIANCE = (
    ("shuffled sound", "shuffled", None),
    ("silence", "silent", None),
    ("noise", "noise", None),
    ("off-screen sound", "off-screen", None),
    ("distractor's sound, on it", "distractor", "on_distractor"),
    ("distractor's sound, on the original", "distractor", "on_original"),
)

# Row, altered context, and the sound that it is measured with.
CONTEXT_RELIANCE = (
    ("other context", "other", "true"),
    ("other context, shuffled sound", "other", "shuffled"),
    ("other context, silence", "other", "silent"),
    ("mean context", "mean", "true"),
    ("mean context, shuffled sound", "mean", "shuffled"),
    ("mean context, silence", "mean", "silent"),
    ("blank context", "blank", "true"),
)
