"""CLIPSeg's CLIP, from a checkpoint in the Hugging Face format, through transformers.

transformers gives the modules and their names; the computation is `avprompt_clip.towers`, so it does
not change with the version of transformers (CLIPSeg's position interpolation broke in 4.46).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from torch import nn

from avprompt.plugin import DecoderCheckpoint, Options, WeightsError, fill, read_tensors, verified_sha256
from avprompt_clip import tokens
from avprompt_clip.backbone import ClipBackbone, check_extract_layers, fit_image_size
from avprompt_clip.checkpoint import clipseg_checkpoint, read_config, read_decoder, weight_file
from avprompt_clip.towers import Block, Tower, VisionTower, quick_gelu


class ClipSegOptions(Options):
    """Options of the CLIPSeg backbone.

    Attributes:
        checkpoint: hub name, or folder with config.json and the weights.
        image_size: side of the input image in pixels, a multiple of the patch size; None is the
            published 352, whatever size the checkpoint's positions were made for.
    """

    checkpoint: str = "CIDAS/clipseg-rd64-refined"
    image_size: int | None = None


class ClipSegBackbone(ClipBackbone):
    """The CLIP inside CLIPSeg (arXiv 2112.10003): OpenAI's ViT-B/16 in the published checkpoints."""

    Config = ClipSegOptions

    def __init__(self, config: ClipSegOptions) -> None:
        from transformers import CLIPSegConfig, CLIPSegModel

        super().__init__(config)
        self.checkpoint = clipseg_checkpoint(config.checkpoint)
        architecture: Any = CLIPSegConfig.from_dict(read_config(self.checkpoint))
        vision, text = architecture.vision_config, architecture.text_config
        self.clip = CLIPSegModel(architecture)
        self.extract_layers = check_extract_layers(
            tuple(architecture.extract_layers), vision.num_hidden_layers
        )
        self.layers = len(self.extract_layers)
        self.prompted_image_layers, self.prompted_text_layers = len(self.vision.blocks), len(self.text.blocks)
        self.patch_size = vision.patch_size
        self.image_size = fit_image_size(config.image_size, vision.patch_size)
        self.vision_width, self.text_width = vision.hidden_size, text.hidden_size
        self.joint_width = architecture.projection_dim
        self.freeze()

    @property
    def vision(self) -> VisionTower:
        """The image tower."""
        model = self.clip.vision_model
        return VisionTower(
            blocks=[_block(layer) for layer in model.encoder.layers],
            positions=model.embeddings.position_embedding.weight,
            final_norm=model.post_layernorm,
            project=self.clip.visual_projection,
            class_token=model.embeddings.class_embedding,
            patches=model.embeddings.patch_embedding,
            first_norm=model.pre_layrnorm,
        )

    @property
    def text(self) -> Tower:
        """The text tower."""
        model = self.clip.text_model
        return Tower(
            blocks=[_block(layer) for layer in model.encoder.layers],
            positions=model.embeddings.position_embedding.weight,
            final_norm=model.final_layer_norm,
            project=self.clip.text_projection,
        )

    @property
    def token_embedding(self) -> nn.Embedding:
        """The text tower's vocabulary."""
        embedding: nn.Embedding = self.clip.text_model.embeddings.token_embedding
        return embedding

    @cached_property
    def tokenizer(self) -> tokens.Tokenizer:
        """The checkpoint's tokenizer, or CLIP's own where no file of it is at hand.

        Raises:
            WeightsError: there is no file, and the vocabulary is not CLIP's.
        """
        for name in ("tokenizer.json", "vocab.json"):
            if path := self.checkpoint.find(name):
                return tokens.from_directory(path.parent)
        if self.token_embedding.num_embeddings == tokens.BUNDLED_SIZE:
            return tokens.bundled()
        raise WeightsError(
            f"'{self.config.checkpoint}' has a vocabulary of its own but no tokenizer: "
            "put its tokenizer.json, or vocab.json and merges.txt, beside config.json."
        )

    def load_weights(self) -> dict[str, str]:
        """Read CLIP's tensors from the checkpoint and return the file's SHA-256 by its name."""
        path = weight_file(self.checkpoint)
        state = read_tensors(path, "clip.")
        # Checkpoints saved before transformers 4.31 hold this constant.
        state = {name: tensor for name, tensor in state.items() if not name.endswith("position_ids")}
        fill(self.clip, state, path)
        return {path.name: verified_sha256(path)}

    def decoder_checkpoint(self) -> DecoderCheckpoint:
        """Return CLIPSeg's mask decoder: its numbers, and how to read its tensors."""
        return read_decoder(self.checkpoint)


def _block(layer: Any) -> Block:
    attention, mlp = layer.self_attn, layer.mlp
    activation = quick_gelu if mlp.config.hidden_act == "quick_gelu" else mlp.activation_fn
    return Block(
        heads=attention.num_heads,
        norm_attention=layer.layer_norm1,
        query=attention.q_proj,
        key=attention.k_proj,
        value=attention.v_proj,
        output=attention.out_proj,
        norm_mlp=layer.layer_norm2,
        mlp=lambda x: mlp.fc2(activation(mlp.fc1(x))),
    )
