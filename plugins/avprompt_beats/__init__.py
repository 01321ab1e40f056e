"""BEATs, the audio encoder of ACL-SSL and SouPLe (arXiv 2212.09058)."""

from __future__ import annotations

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_audio_encoders(register: Register) -> None:
    """Register BEATs."""
    register("beats", "avprompt_beats.encoder:BeatsEncoder")


@hookimpl
def register_weights(register: Register) -> None:
    """Register the checkpoints of iter3+."""
    register("BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt", "avprompt_beats.published:FINETUNED")
    register("BEATs_iter3_plus_AS2M.pt", "avprompt_beats.published:PRETRAINED")
