"""The words that the miniature text tower knows, and their numbers."""

from __future__ import annotations

from avprompt.errors import suggest
from avprompt.plugin import ConfigError

PAD, SOS, EOS = "<pad>", "<sos>", "<eos>"
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
TEXTURES = ("plain", "striped", "dotted", "checkered")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
SIZES = ("small", "medium", "large")
GROUNDS = ("sky", "fog", "sand", "grass")
FILLERS = tuple(
    "a an the this that one some and or of in on at by with from for to is there it its my your our "
    "photo picture image drawing view scene sketch crop showing seen making sound sounding noise noisy "
    "source object thing something good bad nice clean dirty bright dark close cropped blurry centre "
    "left right top bottom near far visible colour shape texture background".split()
)
WORDS = (PAD, SOS, EOS, *SHAPES, *TEXTURES, *COLOURS, *SIZES, *GROUNDS, *FILLERS)

_NUMBERS = {word: number for number, word in enumerate(WORDS)}


def encode(text: str) -> list[int]:
    """Return the numbers of the words of a text.

    Raises:
        ConfigError: the text has a word that is not among `WORDS`.
    """
    words = text.lower().split()
    for word in words:
        if word not in _NUMBERS:
            raise ConfigError(
                f"The mini text encoder does not know the word '{word}' of '{text}'. {suggest(word, WORDS)}"
            )
    return [_NUMBERS[word] for word in words]
