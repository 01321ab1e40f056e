"""The interface of prompt generators: from audio tokens and an image to what the text encoder reads.

Those that only differ in where their context comes from derive from `avprompt.model.context_prompt`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from avprompt.config.options import PromptOptions
from avprompt.distributed import Rows
from avprompt.errors import PluginError
from avprompt.model.outputs import check_count
from avprompt.model.parts import Part
from avprompt.promises import describe
from avprompt.records import AudioFeatures, ImageFeatures, PairText, Prompt


class PromptGenerator(Part):
    """Puts audio tokens into a prompt for the text encoder. Built as `cls(config, backbone)`.

    Attributes:
        looks: the prompt depends on the image, so that an evaluation alters the context too. One that says
            False makes the same prompt of a sound for every image.
        sees_frames: it is given the audio encoder's frames beside the audio tokens. An evaluation then keeps
            those of a whole split in memory, for the true and for each altered sound.
        takes_padding: it leaves out what a projection that `pads_tokens` has filled up with `<eos>`.
        prompted_image_layers: into how many layers of the image tower `visual` puts tokens; with 0 images are
            encoded outside the training step, and may be kept on disk.
        prompted_text_layers: into how many layers of the text tower a `Prompt` does, its input counted.
    """

    Config = PromptOptions
    looks: bool = True
    sees_frames: bool = False
    takes_padding: bool = False
    prompted_image_layers: int = 0
    prompted_text_layers: int = 1

    @abstractmethod
    def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
        """Make a prompt of each of B sounds with the image at its place."""

    def image_context(self, image: ImageFeatures) -> Tensor | None:
        """Return the context tokens (B, M, E) in the prompts of B images, whatever is heard.

        None unless written, and then no mean context is measured. Who returns some writes `with_context` too.
        """
        del image
        return None

    def with_context(self, audio: AudioFeatures, context: Tensor) -> Prompt:
        """Make a prompt of each of B sounds with context tokens (B, M, E), or (1, M, E) for all."""
        raise PluginError(
            f"{describe(self)} has an image_context and no with_context, so no mean context can be put into "
            "its prompts. Write def with_context(self, audio, context), which returns a Prompt."
        )

    def visual(self) -> tuple[Tensor, ...]:
        """Return tokens for the first layers of the image tower, each (M, C), the same for all images.

        The first come behind the patches, positions not added; before the layers that follow the others
        replace them. Class token and patches attend to them.
        """
        return ()

    def pairs(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
        """Make the prompts of every image with every sound.

        Args:
            audio: of B_audio sounds.
            image: features of B_image images.

        Returns:
            Of B_image * B_audio pairs, image-major.
        """
        first = torch.zeros(len(audio), dtype=torch.long, device=audio.tokens.device)
        return join_prompts([self(audio, image[first + i]) for i in range(len(image))])

    def read_pairs(
        self, audio: AudioFeatures, image: ImageFeatures, rows: Rows, encode: Callable[[Prompt], Tensor]
    ) -> PairText:
        """Return the text features that training contrasts, each audio read as `pairing` says.

        Args:
            audio: of the own b sounds.
            image: features of the own b images.
            rows: where both stand in the batch of B clips, which may be spread over ranks.
            encode: reads prompts, to (b, D).
        """
        if self.config.pairing == "own":
            text = check_count(self, "forward", encode(self(audio, image)), len(audio))
            text = rows.gather(text)  # (B, D)
            return PairText(text.expand(len(image), -1, -1), shared=True)
        every = audio.map(rows.gather)
        text = check_count(self, "pairs", encode(self.pairs(every, image)), len(image) * len(every))
        return PairText(text.reshape(len(image), -1, text.shape[-1]), shared=False)


def join_prompts(prompts: Sequence[Prompt]) -> Prompt:
    """Return prompts of one length S, made alike, as the sequences of one."""
    first, places = prompts[0], [prompt.read_at for prompt in prompts]
    counts = [len(prompt.embeddings) for prompt in prompts]
    alike = all(isinstance(place, int) and place == first.read_at for place in places)
    deep = zip(*(prompt.deep_text for prompt in prompts), strict=True)
    return Prompt(
        torch.cat([prompt.embeddings for prompt in prompts]),
        first.read_at if alike else torch.cat([_places(prompt) for prompt in prompts]),
        tuple(
            torch.cat([tokens.expand(count, -1, -1) for tokens, count in zip(layer, counts, strict=True)])
            for layer in deep
        ),
        first.readings,
    )


def put_tokens(x: Tensor, tokens: Tensor, start: int) -> Tensor:
    """Put prompt tokens into the states of a layer, over those that stand there or behind the last.

    Args:
        x: (B, S, width).
        tokens: (M, width), or one (1, M, width) for all sequences, or one of each (B, M, width).
        start: place of the first of them.
    """
    tokens = tokens.to(x.dtype).expand(len(x), -1, -1)
    return torch.cat([x[:, :start], tokens, x[:, start + tokens.shape[1] :]], dim=1)


def _places(prompt: Prompt) -> Tensor:
    """Return `read_at` of each sequence."""
    if isinstance(prompt.read_at, Tensor):
        return prompt.read_at
    count, device = len(prompt.embeddings), prompt.embeddings.device
    return torch.full((count,), prompt.read_at, device=device)
