"""Null in the place of options takes a loss or callback away, or somebody has forgotten `{}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from avprompt.config.method_config import check_names, resolve
from avprompt.errors import ConfigError, UnknownNameError
from avprompt.registry import Registry


class TestNull:
    """In place of options it takes away what the base has; anywhere else somebody has forgotten `{}`."""

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("training.callbacks.ema=", r"To add it with its defaults, write `ema: {}`"),
            ("training.callbacks.best-chekpoint=", r"Did you mean 'best-checkpoint'\?"),
            ("losses.aera=null", r"losses.aera is null .* Did you mean 'area'\?"),
        ],
    )
    def test_with_nothing_to_take_away(self, registry: Registry, override: str, message: str) -> None:
        for check in (check_names, resolve):
            with pytest.raises((ConfigError, UnknownNameError), match=message):
                check(registry, "souple", "tiny", [override])

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"training": {"callbacks": {"earlystoping": None}}}, r"Did you mean 'early-stopping'\?"),
            ({"losses": {"area": None}}, r"losses.area is null in the method"),
            ({"with": {"tiny": {"losses": {"aera": None}}}}, r"table with.tiny .* Did you mean 'area'\?"),
        ],
    )
    def test_in_a_file(self, registry: Registry, write: Any, changes: Any, message: str) -> None:
        with pytest.raises((ConfigError, UnknownNameError), match=message):
            resolve(registry, write(**changes), "tiny")

    def test_takes_a_callback_of_the_base_away(self, registry: Registry, write: Any, tmp_path: Path) -> None:
        base = write(training={"callbacks": {"ema": {}, "best-checkpoint": {}}})
        file = tmp_path / "over.yaml"
        tables = {"name": "over", "base": Path(base).name, "training": {"callbacks": {"ema": None}}}
        file.write_text(yaml.safe_dump(tables))
        assert list(resolve(registry, str(file), "tiny").training.callbacks) == ["best-checkpoint"]
