"""`--quiet`, `--verbose`, and `--json` of commands that print tables."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tinyworld.runs import TINY, results

RUN = ("run", "souple", *TINY, "--output", "out")


class TestQuiet:
    def test_leaves_results_and_nothing_else(self, cli: Any) -> None:
        done = cli("--quiet", *RUN)
        assert done.stderr == ""
        assert "val-threshold" in done.stdout

    def test_is_not_the_default(self, cli: Any) -> None:
        assert "train souple" in cli(*RUN).stderr

    def test_says_errors(self, fails: Any) -> None:
        assert "Did you mean 'souple'?" in fails("--quiet", "run", "soupel")

    def test_contradicts_verbose(self, fails: Any) -> None:
        assert "contradict each other" in fails("--quiet", "--verbose", "list")


def test_verbose_names_device_encoders_and_trained_parts(cli: Any, run: Path) -> None:
    done = cli("--verbose", "evaluate", run, "--output", "out")
    assert "method souple, tiny encoders, on " in done.stderr
    assert f"trained parts {run}/checkpoint.safetensors" in done.stderr
    assert "method souple" not in done.stdout.splitlines()


def test_one_command_says_nothing_about_the_next(cli: Any) -> None:
    logger = logging.getLogger("avprompt")
    before = logger.level, [*logger.handlers]
    cli("--quiet", "list")
    cli("--verbose", "list")
    assert (logger.level, [*logger.handlers]) == before


class TestJson:
    def test_of_list(self, cli: Any) -> None:
        parts = json.loads(cli("list", "prompts", "--json").stdout)
        assert {"kind": "prompts", "name": "metanet", "plugin": "souple"} in parts
        assert {part["kind"] for part in parts} == {"prompts"}

    def test_of_plugins_tells_failures(self, cli: Any, install_plugin: Any) -> None:
        install_plugin("broken_plugin", "1 / 0", entry="broken", dist="broken-dist")
        plugins = {plugin["name"]: plugin for plugin in json.loads(cli("plugins", "--json").stdout)}
        assert {"kind": "prompts", "name": "metanet"} in plugins["souple"]["registers"]
        assert plugins["souple"]["failure"] is None
        assert "ZeroDivisionError" in plugins["broken-dist:broken"]["failure"]
        assert plugins["broken-dist:broken"]["registers"] == []

    def test_of_score_is_the_result(self, cli: Any) -> None:
        cli("run", "oracle", "--dataset", "tiny", "--save-predictions", "--output", "out")
        printed = json.loads(cli("score", "out/predictions", "--json").stdout)
        assert printed["folder"] == "out/scored"
        for split, protocols in results(Path("out/scored"))["scores"].items():
            for protocol, scores in protocols.items():
                assert printed["scores"][split][protocol]["cIoU"] == pytest.approx(scores["cIoU"], abs=1e-3)
