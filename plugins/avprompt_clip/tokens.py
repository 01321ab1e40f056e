"""Tokenizers: from words to rows of CLIP's vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from avprompt.plugin import WeightsError

BUNDLED_SIZE = 49408


@dataclass(frozen=True)
class Tokenizer:
    """A vocabulary's words and marks.

    Attributes:
        encode: text to token ids, without marks.
        start: id of `<sos>`.
        end: id of `<eos>`.
    """

    encode: Callable[[str], list[int]]
    start: int
    end: int


def from_directory(directory: Path) -> Tokenizer:
    """Read the tokenizer that lies with a checkpoint in the Hugging Face format.

    Raises:
        WeightsError: its files are damaged or not complete.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            directory, clean_up_tokenization_spaces=False, trust_remote_code=False
        )
    except Exception as error:  # each version of transformers raises its own
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"The tokenizer in '{directory}' cannot be read: {reason}") from error

    def encode(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    return Tokenizer(encode, tokenizer.bos_token_id, tokenizer.eos_token_id)


@cache
def bundled() -> Tokenizer:
    """Return the byte-pair encoding of OpenAI's CLIP, which comes with open_clip."""
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    return Tokenizer(tokenizer.encode, tokenizer.sot_token_id, tokenizer.eot_token_id)
