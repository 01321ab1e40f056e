"""CLIP: backbones from CLIPSeg's checkpoints and open_clip's zoo, and mask decoders."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_backbones(register: Register) -> None:
    register("clipseg", "avprompt_clip.clipseg:ClipSegBackbone")
    register("open_clip", "avprompt_clip.openclip:OpenClipBackbone")


@hookimpl
def register_decoders(register: Register) -> None:
    register("clipseg", "avprompt_clip.mask_decoder:ClipSegDecoder")
    register("similarity", "avprompt_clip.similarity:SimilarityDecoder")
    register("attention-map", "avprompt_clip.attention_map:AttentionMapDecoder")


@hookimpl
def register_weights(register: Register) -> None:
    register("CIDAS/clipseg-rd64-refined", "avprompt_clip.published:CLIPSEG")
    register("timm/vit_base_patch16_clip_224.openai", "avprompt_clip.published:OPENAI_VIT_B_16")


@hookimpl
def register_encoder_sets(register: Register) -> None:
    register("published", "avprompt_clip:published.yaml")
