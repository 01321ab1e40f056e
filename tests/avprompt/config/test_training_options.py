"""How a method names a schedule and an optimizer, and their options."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.config.method_config import check_names, resolve
from avprompt.errors import AvpromptError, ConfigError
from avprompt.registry import Registry


class TestTrainingParts:
    """A schedule and an optimizer stand as a bare name, or as a table with a name and options."""

    def test_a_name_alone_stays_one(self, registry: Registry) -> None:
        assert resolve(registry, "souple", "tiny").training.schedule == "cosine"

    @pytest.mark.parametrize("override", ["training.optimizer=sgd", "training.optimizer.name=sgd"])
    def test_options_are_filled_in(self, registry: Registry, override: str) -> None:
        training = resolve(registry, "souple", "tiny", [override]).training
        assert training.optimizer == {"name": "sgd", "momentum": 0.9, "nesterov": False}

    def test_an_option_alone_is_of_the_part_that_is_named_already(self, registry: Registry) -> None:
        training = resolve(registry, "souple", "tiny", ["training.optimizer.eps=0.1"]).training
        assert training.optimizer == {"name": "adam", "betas": [0.9, 0.999], "eps": 0.1}

    def test_another_part_drops_the_options_of_the_first(self, registry: Registry, tmp_path: Path) -> None:
        file = tmp_path / "mine.yaml"
        file.write_text("name: mine\nbase: souple\ntraining: {optimizer: {name: sgd, momentum: 0.5}}\n")
        training = resolve(registry, str(file), "tiny", ["training.optimizer.name=adam"]).training
        assert training.optimizer == {"name": "adam", "betas": [0.9, 0.999], "eps": 1e-8}
        more = resolve(registry, str(file), "tiny", ["training.optimizer.nesterov=true"]).training
        assert more.optimizer == {"name": "sgd", "momentum": 0.5, "nesterov": True}

    def test_reads_its_own_yaml_again(self, registry: Registry, tmp_path: Path) -> None:
        method = resolve(registry, "souple", "tiny", ["training.optimizer.name=adamw"])
        file = tmp_path / "again.yaml"
        file.write_text(method.to_yaml())
        assert resolve(registry, str(file), "tiny") == method

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("training.schedule=cosin", r"There is no schedule 'cosin'. Did you mean 'cosine'\?"),
            ("training.schedule=5", r"training.schedule: Input should be a name, or a table with a name"),
            (
                "training.schedule.name=5",
                r"training.schedule: Input should be a name, or a table with a name",
            ),
            ("training.optimizer.name=adm", r"There is no optimizer 'adm'. Did you mean 'adam'"),
        ],
    )
    def test_a_wrong_name_is_told_before_a_part_is_imported(
        self, registry: Registry, override: str, message: str
    ) -> None:
        for check in (check_names, resolve):
            with pytest.raises(AvpromptError, match=message):
                check(registry, "souple", "tiny", [override])

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            (
                "training.schedule.period=3",
                r"schedule has no option 'period'. What it names takes no options",
            ),
            ("training.optimizer.eps=0", r"training.optimizer.eps: Input should be greater than 0"),
        ],
    )
    def test_a_wrong_option_is_told(self, registry: Registry, override: str, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            resolve(registry, "souple", "tiny", [override])


@pytest.mark.parametrize("order", [1, -1])
def test_the_choice_of_an_optimizer_comes_before_its_options(registry: Registry, order: int) -> None:
    overrides = ["training.optimizer.momentum=0.5", "training.optimizer.name=sgd"][::order]
    optimizer = resolve(registry, "souple", "tiny", overrides).training.optimizer
    assert optimizer == {"name": "sgd", "momentum": 0.5, "nesterov": False}


def test_nesterov_without_momentum_is_refused(registry: Registry) -> None:
    overrides = [f"training.optimizer.{option}" for option in ("name=sgd", "momentum=0", "nesterov=true")]
    with pytest.raises(ConfigError, match=r"training.optimizer.nesterov: Input should be false where"):
        resolve(registry, "souple", "tiny", overrides)
