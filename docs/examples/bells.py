"""A benchmark: pictures of bells with their sounds, <id>.jpg, <id>.wav, and masks <id>.npy of those to score.

avprompt run souple-words --dataset bells --plugin docs/examples/bells.py --data-root BELLS
"""

import numpy as np

from avprompt.plugin import BenchmarkAdapter, DataError, GroundTruth, Missing, Sample, Split, hookimpl


class Bells(BenchmarkAdapter):
    title, licence, citation = "Bells", "CC0", "none: we photographed them"
    source = "A folder of <id>.jpg, <id>.wav and, for the test split, <id>.npy: a 224 x 224 mask."

    def split(self, name):
        if name not in ("train", "test"):
            raise DataError(f"Bells has no split '{name}': use train or test.")
        samples, missing = [], []
        for image in sorted(self.root.glob("*.jpg")):
            sound, mask = image.with_suffix(".wav"), image.with_suffix(".npy")
            if mask.exists() == (name == "test") and sound.exists():
                truth = GroundTruth(np.load(mask).astype(np.float32)) if mask.exists() else None
                samples.append(Sample(image.stem, image, sound, truth))
            elif mask.exists() == (name == "test"):
                missing.append(Missing(image.stem, "no sound beside it"))
        return Split(samples, len(samples) + len(missing), tuple(missing))


@hookimpl
def register_datasets(register):
    register("bells", Bells)
