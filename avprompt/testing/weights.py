"""The check of what is said about published weights."""

from __future__ import annotations

from avprompt.weights.files import WeightFile, is_sha256


def check_weight_file(file: WeightFile) -> None:
    """Check that published weights state what a person must know, and where to find them."""
    assert isinstance(file, WeightFile), f"register a WeightFile of avprompt.plugin, not {file!r}"
    for text in ("purpose", "licence", "source"):
        assert getattr(file, text), f"published weights must state their {text}"
    assert file.urls or file.files, "published weights have urls, or files in a hub repository"
    digits = file.sha256 is None or is_sha256(file.sha256)
    assert digits, f"sha256 must be 64 hexadecimal digits, or None where it is unknown: {file.sha256}"
    assert file.size is None or file.size > 0, f"size is in bytes, or None where it is unknown: {file.size}"
