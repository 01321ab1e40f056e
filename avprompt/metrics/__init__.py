"""Scores of sound localisation: pure functions on arrays, and the protocols that name them.

Conventions of every module here:

- A heatmap is (B, H, W) float32 in 0..1, larger where the sound is; a truth is (B, H, W) float32 in
  0..1 at the same size: 1 inside the sounding object, fractions where annotators disagree, all zero
  when nothing visible sounds.
- Functions return fractions, as float64; percent appears only in what `Protocol.summarise` returns.
- Nothing reads files, draws random numbers without a seed, or replaces a sample by another.

Two numbers of one name are compared only under one protocol: see `avprompt.metrics.protocol`.
"""
