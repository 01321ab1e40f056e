from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from avprompt.errors import WeightsError
from avprompt_clip import tokens


def test_bundled_vocabulary_is_that_of_openai() -> None:
    bundled = tokens.bundled()
    assert bundled.encode("a photo of a") == [320, 1125, 539, 320]
    assert (bundled.start, bundled.end) == (49406, 49407)


def test_tokenizer_of_a_checkpoint(checkpoint: Path) -> None:
    tokenizer = tokens.from_directory(checkpoint)
    assert tokenizer.encode("The  sound of a dog") == [74, 66, 56, 26, 68]
    assert tokenizer.encode("") == []
    assert (tokenizer.start, tokenizer.end) == (75, 76)


def test_a_damaged_tokenizer_is_an_error(checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "clipseg"))
    (folder / "vocab.json").write_text("{")
    with pytest.raises(WeightsError, match=r"The tokenizer in .* cannot be read"):
        tokens.from_directory(folder)
