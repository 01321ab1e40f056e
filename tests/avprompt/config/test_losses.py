"""A loss that a method uses twice, each time under a name of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from avprompt.config.method_config import check_names, resolve
from avprompt.errors import UnknownNameError
from avprompt.registry import Registry

TWICE = ["losses.image-sharp={part: image-contrastive, weight: 2, temperature: 0.05}"]


class TestALossUsedTwice:
    """Under names of their own; `part` says which loss it is."""

    def test_has_options_for_each(self, registry: Registry) -> None:
        losses = resolve(registry, "souple", "tiny", TWICE).losses
        assert losses["image-contrastive"] == {"weight": 1.0, "temperature": 0.07}
        assert losses["image-sharp"] == {"part": "image-contrastive", "weight": 2.0, "temperature": 0.05}

    def test_is_written_and_read_again(self, registry: Registry, tmp_path: Path) -> None:
        method_config = resolve(registry, "souple", "tiny", TWICE)
        (tmp_path / "config.yaml").write_text(method_config.to_yaml())
        again = resolve(registry, str(tmp_path / "config.yaml"), "tiny", ["losses.image-sharp.weight=3"])
        assert again.losses["image-sharp"] == method_config.losses["image-sharp"] | {"weight": 3.0}
        assert again.losses["area"] == method_config.losses["area"]

    def test_under_its_own_name_needs_no_part(self, registry: Registry) -> None:
        plain = resolve(registry, "souple", "tiny")
        assert resolve(registry, "souple", "tiny", ["losses.area.part=area"]) == plain
        assert not any("part" in table for table in plain.losses.values())

    @pytest.mark.parametrize("order", [1, -1])
    def test_another_part_drops_the_old_ones_own_options(self, registry: Registry, order: int) -> None:
        overrides = ["losses.area.part=image-contrastive", "losses.area.temperature=0.2"][::order]
        area = resolve(registry, "souple", "tiny", [*overrides, "losses.area.weight=4"]).losses["area"]
        assert area == {"part": "image-contrastive", "weight": 4.0, "temperature": 0.2}

    def test_may_stand_in_the_base(self, registry: Registry, write: Any, tmp_path: Path) -> None:
        base = write(losses={"a": {"part": "area", "target": 0.3}, "b": {"part": "area", "target": 0.2}})
        own = {"name": "mine", "base": base, "losses": {"a": {"weight": 5}, "b": None}}
        own["with"] = {"tiny": {"losses": {"a": {"target": 0.1}}}}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(own))
        losses = resolve(registry, str(tmp_path / "mine.yaml"), "tiny").losses
        assert losses == {"a": {"part": "area", "weight": 5.0, "target": 0.1, "negative_target": 0.0}}

    def test_changes_with_the_encoder_set_by_its_part(self, register: Any, write: Any) -> None:
        encoders = {"backbone": {"name": "tiny-clip"}, "audio_encoder": {"name": "tiny-ear"}}
        tables = encoders | {"losses": {"area": {"target": 0.1}}}
        registry = register("encoder_sets", "small", tables)
        terms = {"small": {"part": "area", "target": 0.4}, "area": {"part": "image-contrastive"}}
        losses = resolve(registry, write(losses=terms), "small").losses
        assert losses["small"]["target"] == 0.1
        assert losses["area"] == {"part": "image-contrastive", "weight": 1.0, "temperature": 0.07}

    def test_is_checked_before_parts_are_imported(self, registry: Registry) -> None:
        check_names(registry, "souple", "tiny", TWICE)
        for check_or_resolve in (check_names, resolve):
            with pytest.raises(UnknownNameError, match=r"There is no loss 'aera'. Did you mean 'area'\?$"):
                check_or_resolve(registry, "souple", "tiny", ["losses.x.part=aera"])
            own_name = r"(?s)no loss 'mine'.*says which it is: losses.mine.part=NAME"
            with pytest.raises(UnknownNameError, match=own_name):
                check_or_resolve(registry, "souple", "tiny", ["losses.mine.weight=2"])
