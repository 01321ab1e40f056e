"""Tokenizers: from words to rows of CLIP's vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
    """Read the tokenizer that lies with a checkpoint in the Hugging Face format."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory, clean_up_tokenization_spaces=False)

    def encode(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    return Tokenizer(encode, tokenizer.bos_token_id, tokenizer.eos_token_id)


@cache
def bundled() -> Tokenizer:
    """Return the byte-pair encoding of OpenAI's CLIP, which comes with open_clip."""
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    return Tokenizer(tokenizer.encode, tokenizer.sot_token_id, tokenizer.eot_token_id)
