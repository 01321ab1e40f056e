"""A world small enough to be solved by hand, installed for the tests by the door that all plugins use.

Six colours sound at six frequencies. The encoders know both, so a projection that passes frames on marks
exactly what sounds (`oracle`), one that ignores them cannot tell (`deaf`), and everything runs in a blink.
"""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    register("tiny-clip", "tinyworld.encoders:TinyClip")


@hookimpl
def register_audio_encoders(register: Register) -> None:
    register("tiny-ear", "tinyworld.encoders:TinyEar")


@hookimpl
def register_projections(register: Register) -> None:
    register("oracle", "tinyworld.projections:Oracle")
    register("deaf", "tinyworld.projections:Deaf")


@hookimpl
def register_datasets(register: Register) -> None:
    register("tiny", "tinyworld.benchmark:Tiny")
    register("tiny-unvalidated", "tinyworld.benchmark:Unvalidated")
    register("tiny-broken", "tinyworld.benchmark:Broken")
    register("tiny-segmented", "tinyworld.benchmark:Segmented")
    register("tiny-openset", "tinyworld.benchmark:OpenSet")


@hookimpl
def register_encoder_sets(register: Register) -> None:
    register("tiny", "tinyworld:tiny.yaml")
    register("tiny-loud", "tinyworld:loud.yaml")


@hookimpl
def register_methods(register: Register) -> None:
    register("oracle", "tinyworld:oracle.yaml")
    register("deaf", "tinyworld:deaf.yaml")
