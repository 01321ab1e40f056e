"""The interfaces that parts implement. A method is a choice of one part of each kind.

Every part is built as `cls(config, ...)` with a validated instance of its `Config`; a constructor
makes the architecture and never reads weights: frozen encoders do that in `load_weights`.
Shapes use the letters of `avprompt.records`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from avprompt.config.options import LossOptions, Options, TrainedOptions
from avprompt.model.grounding import Grounding
from avprompt.records import ImageFeatures, Prompt


class Part(nn.Module):
    """Base of all parts; `Config` is the table of its options."""

    Config: ClassVar[type[Options]] = Options

    def __init__(self, config: Options) -> None:
        super().__init__()
        self.config: Any = config


class FrozenPart(Part):
    """A pretrained encoder: its parameters, buffers, dropout and layer drop never change."""

    def load_weights(self) -> dict[str, str]:
        """Read the weights that the config names.

        Returns:
            The SHA-256 of each file read, by file name, for the run's result.

        Raises:
            WeightsError: the file is missing, damaged, or of another architecture.
        """
        return {}

    def freeze(self) -> None:
        """Turn gradients off and stay in evaluation mode for good."""
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> FrozenPart:
        """Ignore training mode: a frozen encoder has no dropout and no layer drop."""
        del mode
        super().train(False)
        return self


@dataclass(frozen=True)
class DecoderCheckpoint:
    """A pretrained mask decoder that comes with a backbone.

    Attributes:
        architecture: options of the decoder's network, such as `reduce_dim`.
        load: reads the state dict, or None when the backbone has an architecture but no weights.
    """

    architecture: Mapping[str, Any]
    load: Callable[[], dict[str, Tensor]] | None


class Backbone(FrozenPart):
    """A frozen vision-language model: CLIP's image and text encoders.

    Attributes:
        image_size: side of the square input image, pixels.
        patch_size: side of a patch, pixels; the grid is `image_size // patch_size` wide.
        vision_width: C.
        joint_width: D.
        text_width: E.
        layers: how many extract layers `ImageFeatures.hidden` has.
        mean: per-channel mean that pixels in 0..1 are normalised with.
        std: per-channel deviation likewise.
        prompted_image_layers: in how many layers of the image tower, from the first, it takes prompt tokens.
        prompted_text_layers: likewise of the text tower; every backbone takes them at the first, its input.
    """

    image_size: int
    patch_size: int
    vision_width: int
    joint_width: int
    text_width: int
    layers: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    prompted_image_layers: int = 0
    prompted_text_layers: int = 1

    @abstractmethod
    def encode_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> ImageFeatures:
        """Encode images in one pass.

        Args:
            pixels: (B, 3, H, W) normalised.
            visual: prompt tokens for the first `prompted_image_layers` layers or fewer, each (M, C), see
                `PromptGenerator.visual`; given only to backbones that take some. No feature holds them:
                patches and class token stay where they are.
        """

    @abstractmethod
    def pool_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        """Return the projected class token (B, D), with gradient to pixels and prompt tokens."""

    @abstractmethod
    def embed_text(self, text: str) -> Tensor:
        """Return the input embeddings (S, E) of the words, without `<sos>` and `<eos>`.

        Raises:
            ConfigError: the vocabulary has no such word; what names objects then does without.
        """

    @abstractmethod
    def special_token_embeddings(self) -> tuple[Tensor, Tensor]:
        """Return the input embeddings of the special tokens `<sos>` and `<eos>`, each (E,)."""

    @abstractmethod
    def encode_prompt(self, prompt: Prompt) -> Tensor:
        """Return the projected text feature (D,) of each sequence, with gradient to embeddings and tokens."""

    def decoder_checkpoint(self) -> DecoderCheckpoint | None:
        """Return the mask decoder that was pretrained with this backbone, if any."""
        return None


class AudioEncoder(FrozenPart):
    """A frozen audio encoder.

    Attributes:
        sample_rate: Hz of the waveforms it takes.
        width: W, channels of a frame.
        pads_short_sounds: it brings short sounds to its own length, as its authors did, and so must be
            given them as they are: it meets batches (B, T) of any T, and must make as many frames L of each.
            Otherwise zeros are put behind them up to the seconds that the benchmark uses.
        labels: names of the classes that `tag` scores, where it is a tagger.
    """

    sample_rate: int
    width: int
    pads_short_sounds: ClassVar[bool] = False
    labels: tuple[str, ...] = ()

    @abstractmethod
    def forward(self, waveform: Tensor) -> Tensor:
        """Encode (B, T) in -1..1 to frames (B, L, W)."""

    def tag(self, frames: Tensor) -> Tensor:
        """Return a score for each of `labels`, (B, n), the highest for the likeliest class.

        Args:
            frames: (B, L, W) that it has encoded.
        """
        raise NotImplementedError(f"{type(self).__name__} is no tagger")


class AudioProjection(Part):
    """Maps frames of audio to tokens of the text encoder. Built as `cls(config, audio_encoder, backbone)`.

    Attributes:
        audio_width: W.
        text_width: E.
        pads_tokens: sounds may have fewer tokens than K; `<eos>` embeddings fill them up.
    """

    Config = TrainedOptions
    pads_tokens: bool = False

    def __init__(self, config: Options, audio_encoder: AudioEncoder, backbone: Backbone) -> None:
        super().__init__(config)
        self.audio_width, self.text_width = audio_encoder.width, backbone.text_width

    @abstractmethod
    def forward(self, frames: Tensor) -> Tensor:
        """Map (B, L, W) to audio tokens (B, K, E)."""


class Decoder(Part):
    """Turns image features and a text feature into mask logits. Built as `cls(config, backbone)`."""

    Config = TrainedOptions

    @abstractmethod
    def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
        """Return mask logits.

        Args:
            image: features of B images.
            text: (B, D), one for each image; with `pairs` (B_audio, D), read with every image, or
                (B, B_audio, D), its own for every pair.
            pairs: decode every image with every text.

        Returns:
            (B, h, w), or (B, B_audio, h, w) with `pairs`.
        """

    def load_weights(self, backbone: Backbone) -> bool:
        """Start from the decoder that was pretrained with the backbone; returns whether there is one."""
        del backbone
        return not list(self.parameters())


class Masker(Part):
    """Turns mask logits into masks: hard ones, soft ones and heatmaps. Built as `cls(config)`."""

    Config = TrainedOptions

    @abstractmethod
    def hard(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Return image-level masks, each value 0 or 1, with a gradient to the logits.

        Args:
            logits: any shape.
            noise: uniform draws in 0..1, shaped as `logits`, for masks that are drawn at random. The same
                draws give the same masks.
        """

    @abstractmethod
    def feature(self, logits: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return feature-level masks in 0..1 on the patch grid: (..., H, W) -> (..., *grid)."""

    @abstractmethod
    def heatmap(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Return what people see and protocols score, in 0..1: (..., H, W) -> (..., *size)."""


class AlignmentLoss(Part):
    """One term of the training loss. Built as `cls(config)`."""

    Config = LossOptions

    @abstractmethod
    def forward(self, grounding: Grounding) -> Tensor:
        """Return a scalar, computed in float32."""
