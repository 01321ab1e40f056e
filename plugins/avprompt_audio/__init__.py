"""Audio encoders that other libraries implement: AudioMAE, AST and CLAP."""

from __future__ import annotations

from avprompt.hookspecs import Register, hookimpl


@hookimpl
def register_audio_encoders(register: Register) -> None:
    """Register the encoders; their libraries are imported when one is used."""
    register("audiomae", "avprompt_audio.audiomae:AudioMaeEncoder")
    register("ast", "avprompt_audio.ast:AstEncoder")
    register("clap", "avprompt_audio.clap:ClapEncoder")
