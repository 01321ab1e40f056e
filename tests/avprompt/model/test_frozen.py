"""Frozen means frozen."""

from __future__ import annotations

import pytest
import torch

from avprompt.model.method import Method
from avprompt.model.parts import FrozenPart
from avprompt.training.state import StepReport
from tinyworld.bench import Bench


class TestFrozen:
    """Nothing of a frozen part changes, not even what only training mode would change."""

    @pytest.mark.parametrize(
        ("method", "overrides", "frozen"),
        [
            ("souple", [], {"backbone", "audio_encoder"}),
            ("acl-ssl", [], {"backbone", "audio_encoder", "decoder", "prompt"}),
            ("souple", ["decoder.trained=false"], {"backbone", "audio_encoder", "decoder"}),
            ("souple-cross", ["prompt.trained=false", "masker.trained=false"], {"prompt", "masker"}),
        ],
    )
    def test_means_bit_for_bit(
        self, bench: Bench, method: str, overrides: list[str], frozen: set[str]
    ) -> None:
        trainer = bench.trainer(method, *overrides, "training.weight_decay=0.1")
        before = {name: value.clone() for name, value in trainer.method.state_dict().items()}
        trainer.run()
        after = trainer.method.state_dict()
        changed = {name.partition(".")[0] for name in after if not torch.equal(before[name], after[name])}
        assert changed == set(trainer.method.trained_parts())
        assert not changed & frozen
        assert any(name.startswith("backbone.norm.running_mean") for name in after)

    def test_means_without_dropout(self, bench: Bench) -> None:
        seen: set[tuple[str, bool]] = set()

        def look(step: StepReport) -> None:
            for name, part in trainer.method.parts().items():
                seen.update((name, child.training) for child in part.modules())

        trainer = bench.trainer("acl-ssl", on_step=look)
        trainer.run()
        assert {name for name, on in seen if on} == {"projection", "masker"}

    def test_cannot_be_undone_by_training_mode(self, bench: Bench) -> None:
        method: Method = bench.method("souple")
        for part in method.parts().values():
            if isinstance(part, FrozenPart):
                assert not part.train().dropout.training
