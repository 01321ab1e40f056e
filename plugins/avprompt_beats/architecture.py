"""What shapes a BEATs encoder (arXiv 2212.09058), under the names of the official checkpoints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class BeatsArchitecture(BaseModel):
    """The keys of an official checkpoint's `cfg` that shape the encoder, with the official defaults.

    What only steers training (dropout rates, gradient decay) is ignored, and so is the label predictor.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    input_patch_size: int = Field(default=16, ge=1)
    embed_dim: int = Field(default=512, ge=1)
    conv_bias: bool = False
    encoder_layers: int = Field(default=12, ge=1)
    encoder_embed_dim: int = Field(default=768, ge=1)
    encoder_ffn_embed_dim: int = Field(default=3072, ge=1)
    encoder_attention_heads: int = Field(default=12, ge=1)
    activation_fn: Literal["gelu", "relu", "tanh"] = "gelu"
    layer_norm_first: bool = False
    deep_norm: bool = False
    conv_pos: int = Field(default=128, ge=1)
    conv_pos_groups: int = Field(default=16, ge=1)
    relative_position_embedding: bool = False
    num_buckets: int = Field(default=320, ge=4)
    max_distance: int = Field(default=1280, ge=2)
    gru_rel_pos: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> BeatsArchitecture:
        for name in ("encoder_attention_heads", "conv_pos_groups"):
            if self.encoder_embed_dim % getattr(self, name):
                raise ValueError(f"encoder_embed_dim {self.encoder_embed_dim} is no multiple of {name}")
        if self.layer_norm_first and self.deep_norm:
            raise ValueError("layer_norm_first and deep_norm exclude each other; one of them must be false")
        return self


ITER3_PLUS_AS2M = BeatsArchitecture(
    deep_norm=True, relative_position_embedding=True, gru_rel_pos=True, max_distance=800
)
