"""Mistakes end in one message that says what to do, an exit status, and nothing written."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from avprompt import cli as cli_package
from avprompt.cli import main, plain_warnings
from avprompt.files import locked
from avprompt.model.method import Method

TINY = ("--encoders", "tiny")
RUN = ("run", "souple", "--dataset", "tiny", "--output", "o")
LOSSES = ("losses.area", "losses.image-contrastive", "losses.feature-contrastive")

MISTAKES = {
    "command": (("rnu", "souple"), "No such command 'rnu'"),
    "method": (("run", "suple", "--dataset", "tiny"), "There is no method 'suple'. Did you mean 'souple'?"),
    "method file": (("run", "mine.yaml", "--dataset", "tiny"), "There is no method file 'mine.yaml'."),
    "dataset": (("run", "souple", "--dataset", "tiny-brokn"), "Did you mean 'tiny-broken'?"),
    "encoder set": ((*RUN, "--encoders", "tinny"), "There is no encoder set 'tinny'. Did you mean 'tiny'?"),
    "part": ((*RUN, "--set", "prompt.name=metanett"), "There is no prompt generator 'metanett'. Did you"),
    "option": ((*RUN, "--set", "prompt.contxt_tokens=8"), "Did you mean 'context_tokens'?"),
    "table": ((*RUN, "--set", "promt.words=x"), "has no part 'promt'. Did you mean 'prompt'?"),
    "value": ((*RUN, "--set", "prompt.context_tokens=many"), "prompt.context_tokens: Input should be"),
    "form of --set": ((*RUN, "--set", "context_tokens"), "--set takes part.option=value"),
    "split": ((*RUN, "--split", "tset"), "no split 'tset'"),
    "steps and epochs": ((*RUN, "--steps", "3", "--epochs", "2"), "--epochs and --steps contradict each"),
    "batch of one": ((*RUN, "--batch-size", "1"), "Invalid value for '--batch-size'"),
    "negative seed": ((*RUN, "--seed", "-1"), "Invalid value for '--seed'"),
    "no steps": ((*RUN, "--steps", "0"), "Invalid value for '--steps'"),
    "plugin": ((*RUN, "--plugin", "gone.py"), "The plugin file 'gone.py' cannot be used: there is no such"),
    "checkpoint": ((*RUN, "--checkpoint", "gone.safetensors"), "There is no checkpoint 'gone.safetensors'"),
    "no losses": ((*RUN, *(f"--set={loss}=null" for loss in LOSSES)), "no loss with a weight"),
    "data root": (("run", "souple", "--dataset", "vggss", *TINY), "VGG-SS needs its folder: --data-root"),
    "empty output": (
        ("run", "souple", *TINY, "--output", ""),
        "'--output': a path is needed, and the text is empty",
    ),
    "empty data root": ((*RUN, "--data-root", ""), "'--data-root': a path is needed, and the text is empty"),
    "path inside of another": (
        (*RUN, "--set", "training.steps.x=1", "--steps", "5"),
        "lies inside of training.steps",
    ),
    "missing data root": (
        ("run", "souple", "--dataset", "vggss", *TINY, "--data-root", "gone"),
        "There is no folder 'gone' for VGG-SS.",
    ),
}


@pytest.mark.parametrize(("command", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistake(fails: Any, command: tuple[str, ...], message: str) -> None:
    assert message in fails(*command)


def test_a_folder_that_holds_a_run(fails: Any, run: Path) -> None:
    message = fails("run", "souple", "--dataset", "tiny", "--steps", 3, "--output", "run")
    assert message == "'run' already holds a run: add --resume to continue it, or choose another --output."
    assert "already holds a run" in fails("evaluate", "run", "--output", "run")


@pytest.mark.parametrize("command", [RUN, ("evaluate", "oracle", "--dataset", "tiny", "--output", "o")])
def test_a_folder_that_holds_something_else(fails: Any, here: Path, command: tuple[str, ...]) -> None:
    (here / "o").mkdir()
    (here / "o" / "results.json").write_text("somebody's")
    assert fails(*command).startswith("'o' holds 'results.json', but no run: choose another --output")
    assert (here / "o" / "results.json").read_text() == "somebody's"


@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_a_folder_that_another_process_writes(fails: Any, here: Path, more: tuple[str, ...]) -> None:
    with locked(here / "o" / ".lock"):
        message = fails(*RUN, *more)
    assert message.startswith(f"Another process writes to 'o': process {os.getpid()} on ")


def test_the_data_roots_layout_is_printed(fails: Any, here: Path) -> None:
    (here / "data").mkdir()
    message = fails("run", "souple", "--dataset", "vggss", "--encoders", "tiny", "--data-root", "data")
    assert "has no vggss.json" in message
    assert "frames/<id>.jpg" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt: [", "is not valid YAML"),
        ("- a list", "must be tables of options"),
        ("name: x", "is missing"),
    ],
)
def test_a_broken_method_file(fails: Any, here: Path, text: str, message: str) -> None:
    (here / "mine.yaml").write_text(text)
    assert message in fails("run", "mine.yaml", "--dataset", "tiny", "--output", "o")


def test_a_checkpoint_of_another_method(fails: Any, run: Path) -> None:
    checkpoint = run / "checkpoint.safetensors"
    message = fails("run", "acl-ssl", "--dataset", "tiny", "--checkpoint", checkpoint, "--output", "o")
    assert "belongs to souple or to other options" in message


def test_a_plugin_that_raises(fails: Any, here: Path) -> None:
    (here / "mine.py").write_text("1 / 0")
    message = fails(*RUN, "--plugin", "mine.py")
    assert (
        message
        == "The plugin file 'mine.py' cannot be used: ZeroDivisionError: division by zero (mine.py, line 1)"
    )


NUDGED = """
from avprompt.plugin import ContextPrompt, hookimpl

class Mine(ContextPrompt):
    def context(self, image):
        {code}

@hookimpl
def register_prompts(register):
    register("mine", Mine)
"""
MINE = ("--plugin", "mine.py", "--set", "prompt.name=mine", "--steps", "1", "--batch-size", "4")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("return 1 / 0", "ZeroDivisionError: division by zero (mine.py, line 6, in context)"),
        ("open('table.npy')", "FileNotFoundError: [Errno 2] No such file or directory: 'table.npy' (mine.py"),
        ("import sys; sys.exit('bye')", "SystemExit: bye (mine.py, line 6, in context)"),
        (
            "import argparse; argparse.ArgumentParser().parse_args(['--no'])",
            "SystemExit: 2 (mine.py, line 6, in context)",
        ),
        ("return image.pooled @ image.pooled", "RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
    ],
)
def test_a_plugin_that_raises_while_it_is_used(here: Path, code: str, reason: str) -> None:
    (here / "mine.py").write_text(NUDGED.format(code=code))
    result = CliRunner().invoke(main, [*RUN, *MINE])
    assert result.exit_code == 1
    assert f"Error: The plugin 'mine.py' failed: {reason}" in result.stderr
    again = "Mend it there. Training broke off after step 0 of 1. The same command begins it again."
    assert again in result.stderr
    hint = "AVPROMPT_TRACEBACK=1 shows the whole traceback."
    assert result.stderr.strip().endswith(f"{again} {hint}")
    assert "(mine.py, line 6, in context)" in result.stderr


def test_a_traceback_when_asked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVPROMPT_TRACEBACK", "1")
    (here / "mine.py").write_text(NUDGED.format(code="return 1 / 0"))
    result = CliRunner().invoke(main, [*RUN, *MINE])
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_plugin_that_exits_has_a_traceback_too(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVPROMPT_TRACEBACK", "1")
    (here / "mine.py").write_text(NUDGED.format(code="raise SystemExit(0)"))
    result = CliRunner().invoke(main, [*RUN, *MINE])
    assert result.exit_code == 1
    assert isinstance(result.exception, RuntimeError)


def test_a_plugin_whose_output_has_another_shape(here: Path) -> None:
    (here / "mine.py").write_text(NUDGED.format(code="return image.pooled[:, None, :5]"))
    result = CliRunner().invoke(main, [*RUN, *MINE])
    assert isinstance(result.exception, SystemExit), "one message, not an exception"
    assert "Mine in mine.py breaks a promise: context must return (B, M, E)" in result.stderr
    assert "but returned (4, 1, 5)" in result.stderr


def test_missing_encoder_weights_say_what_to_get(
    fails: Any, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVPROMPT_HOME", str(here / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(
        "huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub")
    )  # old ones write there
    message = fails("run", "acl-ssl", "--dataset", "tiny", "--encoders", "published", "--output", "o")
    assert "CIDAS/clipseg-rd64-refined" in message


def test_broken_files_stop_a_strict_run(cli: Any, here: Path, vggss: Path) -> None:
    command = ["evaluate", "oracle", "--dataset", "vggss", "--encoders", "tiny", "--data-root", str(vggss)]
    (vggss / "audio" / "test-1.wav").write_bytes(b"RIFF of nothing")
    (vggss / "frames" / "test-2.png").write_bytes(b"no picture")
    result = CliRunner().invoke(main, [*command, "--output", "strict", "--strict"])
    assert result.exit_code == 1
    assert "Error: Stopped at sample 'test-4' (--strict): no picture: frames/test-4.jpg" in result.stderr
    assert not (here / "strict" / "results.json").exists()
    output = cli(*command, "--output", "lenient").stdout
    assert "3 of 5 samples could not be used" in output
    assert "test-1.wav is not a sound that can be read" in output
    assert "test-2.png is not a picture that can be read" in output


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(method: Method, mode: bool = True) -> Method:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(Method, "train", broken)
    result = CliRunner().invoke(main, ["evaluate", "oracle", "--dataset", "tiny", "--output", "o"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_our_warnings_are_one_line() -> None:
    with plain_warnings():
        ours = warnings.formatwarning("it changed", UserWarning, cli_package.__file__, 3)
        theirs = warnings.formatwarning("it is old", UserWarning, "/site/theirs.py", 3)
    assert ours == "Note: it changed\n"
    assert theirs.startswith("/site/theirs.py:3: UserWarning: it is old")
    assert "Note" not in warnings.formatwarning("it changed", UserWarning, cli_package.__file__, 3)
