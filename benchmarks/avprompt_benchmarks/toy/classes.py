"""The 24 classes of the toy world: a shape (heard as timbre) with a texture (heard as rhythm).

Classes are numbered shape-major. The heard and unheard halves form a checkerboard: every shape and
every texture is heard in training, half of their combinations never are.
"""

from __future__ import annotations

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
TEXTURES = ("plain", "striped", "dotted", "checkered")
CLASSES = tuple(range(len(SHAPES) * len(TEXTURES)))


def shape_of(kind: int) -> int:
    """Return the number of the class's shape in `SHAPES`."""
    return kind // len(TEXTURES)


def texture_of(kind: int) -> int:
    """Return the number of the class's texture in `TEXTURES`."""
    return kind % len(TEXTURES)


def kind_of(shape: int, texture: int) -> int:
    """Return the class of a shape with a texture, by their numbers."""
    return shape * len(TEXTURES) + texture


def name_of(kind: int) -> str:
    """Return the English name of a class, such as "striped circle"."""
    return f"{TEXTURES[texture_of(kind)]} {SHAPES[shape_of(kind)]}"


def is_heard(kind: int) -> bool:
    """Tell whether the class is in the heard half."""
    return (shape_of(kind) + texture_of(kind)) % 2 == 0


NAMES = tuple(map(name_of, CLASSES))
HEARD = tuple(filter(is_heard, CLASSES))
UNHEARD = tuple(kind for kind in CLASSES if kind not in HEARD)
