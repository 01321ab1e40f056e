"""VGG-SS and what is made of it, with the defects that the official files have."""

from __future__ import annotations

import json
from pathlib import Path

from layouts.media import picture, sound

ABSURD = -2.8823037615171176e16

TWO = "twoBoxes_aa_000030"
GARBAGE = "garbage__aa_000010"
EMPTY = "nothing__aa_000000"
STEREO = "stereo___aa_000128"
KAIST = "kaistids_aa_000007"
ABSENT = "absent___aa_000001"
UNKNOWN = "unknown__aa_000002"

ANNOTATION = [
    {"file": TWO, "class": "dog barking", "bbox": [[0.25, 0.25, 0.5, 0.5], [0.375, 0.25, 0.75, 0.5]]},
    {"file": GARBAGE, "class": "cat meowing", "bbox": [[0.4, 0.35, ABSURD, 0.575], [0, 0, 0.5, 1.0]]},
    {"file": EMPTY, "class": "dog barking", "bbox": [[0.0, 0.53, 0.0, 0.99], [0.5, 0.1, 0.6, ABSURD]]},
    {"file": STEREO, "class": "female speech, woman speaking", "bbox": [[-0.003, 0.1, 1.02, 0.9]]},
    {"file": KAIST, "class": "cat meowing", "bbox": [[0.1, 0.1, 0.9, 0.9]]},
    {"file": ABSENT, "class": "dog barking", "bbox": [[0.1, 0.1, 0.9, 0.9]]},
]


def vggss(root: Path) -> Path:
    """The layout of EZ-VSL; one clip is spelled and stored as SSLalignment does."""
    (root / "vggss.json").write_text(json.dumps(ANNOTATION))
    listed = [TWO, GARBAGE, EMPTY, STEREO, KAIST, ABSENT, UNKNOWN, TWO]
    labels = {entry["file"]: entry["class"] for entry in ANNOTATION}
    lines = [f'{name},"{labels.get(name, "")}"' for name in listed]
    (root / "vggss_test.csv").write_text("\n".join(lines) + "\n")
    (root / "vggss_10k.txt").write_text(f"{TWO}\n{STEREO}\n{GARBAGE}\n")
    for name in (TWO, GARBAGE, EMPTY, UNKNOWN):
        picture(root / f"frames/{name}.jpg")
        sound(root / f"audio/{name}.wav")
    picture(root / f"frames/{STEREO}.jpg", mode="L", size=(80, 48))
    sound(root / f"audio/{STEREO}.wav", rate=44100, channels=2)
    picture(root / "frames/kaistids_aa_7000_17000/image_050.jpg")
    sound(root / "audio/kaistids_aa_7000_17000.wav")
    sound(root / f"audio/{ABSENT}.wav")
    return root


def openset(root: Path) -> Path:
    """Heard and unheard lists, and EZ-VSL's training list."""
    vggss(root)
    (root / "vggss_heard_test.csv").write_text(f"{TWO},dog barking\n{EMPTY},dog barking\n")
    (root / "vggss_unheard_test.csv").write_text(f"{GARBAGE}\n{KAIST}\n{ABSENT}\n")
    (root / "vggss_heard.txt").write_text(f"{TWO}\n{EMPTY}\n")
    return root


def vggss_extended(root: Path) -> Path:
    """Negatives of two kinds: a foreign sound, and a clip from outside; one lies where ACL-SSL has it."""
    vggss(root)
    outside = "outside__aa_000005"
    rows = [(TWO, GARBAGE), (outside, outside), (STEREO, ABSENT), (ABSENT, TWO)]
    lines = ["video,audio,label", *(f"{video},{audio},non-sounding" for video, audio in rows)]
    (root / "vggss_test_plus_silent.csv").write_text("\n".join(lines) + "\n")
    picture(root / f"extend_frames/{outside}.jpg")
    sound(root / f"extend_audio/{outside}.wav")
    return root
