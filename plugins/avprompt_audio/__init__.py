"""Audio encoders that other libraries implement: AudioMAE, AST and CLAP."""

from __future__ import annotations

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_audio_encoders(register: Register) -> None:
    """Register the encoders; their libraries are imported when one is used."""
    register("audiomae", "avprompt_audio.audiomae:AudioMaeEncoder")
    register("ast", "avprompt_audio.ast:AstEncoder")
    register("clap", "avprompt_audio.clap:ClapEncoder")


@hookimpl
def register_weights(register: Register) -> None:
    """Register the encoders' checkpoints on the hub."""
    register("MIT/ast-finetuned-audioset-10-10-0.4593", "avprompt_audio.published:AST")
    register("laion/clap-htsat-unfused", "avprompt_audio.published:CLAP")
    register("gaunernst/vit_base_patch16_1024_128.audiomae_as2m", "avprompt_audio.published:AUDIOMAE")
