"""BEATs, the audio encoder of ACL-SSL and SouPLe (arXiv 2212.09058)."""

from __future__ import annotations

from avprompt.hookspecs import Register, hookimpl


@hookimpl
def register_audio_encoders(register: Register) -> None:
    """Register BEATs."""
    register("beats", "avprompt_beats.encoder:BeatsEncoder")
