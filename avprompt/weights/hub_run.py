"""Runs on the Hugging Face hub: fetched as folders like any run directory, and pushed.

What is fetched is data: numbers, tensors, and names of registered parts. Plugin files may lie among it, and
none of them runs by being fetched.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from avprompt.errors import LOG, ConfigError, WeightsError
from avprompt.weights.download import GO_ONLINE, offline
from avprompt.weights.files import home
from avprompt.weights.hub import is_hub_name, told

PREFIX = "hf:"
"""Begins the name of a run on the hub: `hf:user/name`, or `hf:user/name@revision`."""

CARD = "README.md"
CONFIG = "config.yaml"
FILES = (
    *(CONFIG, "checkpoint.safetensors", "results.json", "samples.csv", "train.jsonl", "gallery.png"),
    "plugins/*",
)
"""What of a run lies on the hub; nothing else is fetched or pushed, but for the model card."""


def is_hub_run(target: object) -> bool:
    """Say whether a command's argument names a run on the hub."""
    return str(target).startswith(PREFIX)


def fetch_run(reference: str) -> Path:
    """Return the folder of a run on the hub, as it is there now; each commit has a folder of its own.

    Where the hub cannot be reached, what was fetched last is used, with a warning.

    Args:
        reference: `hf:user/name`, or `hf:user/name@revision` with a branch, tag or commit.

    Raises:
        ConfigError: no such form.
        WeightsError: there is no such repository, it holds no run, or it cannot be fetched.
    """
    name, _, revision = reference.removeprefix(PREFIX).partition("@")
    if not is_hub_name(name):
        raise ConfigError(
            f"'{reference}' names no run on the hub: write hf:user/name, or hf:user/name@revision."
        )
    if offline():
        return _fetched_before(name, revision, f"offline mode is on ({GO_ONLINE} to fetch it)")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        commit = str(HfApi().model_info(name, revision=revision or None).sha)
    except GatedRepoError as error:
        raise _unusable(name, told(error, name)) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        missing = f"revision '{revision}'" if isinstance(error, RevisionNotFoundError) else "repository"
        raise _unusable(
            name, f"the hub has no such {missing}, or it is private: then log in with `hf auth login`"
        ) from error
    except Exception as error:  # of requests or httpx, as the version has it
        return _fetched_before(name, revision, f"the hub cannot be reached ({told(error, name)})")
    folder = _folder(name, commit)
    LOG.info("%s%s, commit %s, into %s", PREFIX, name, commit, folder)
    try:
        snapshot_download(name, revision=commit, local_dir=folder, allow_patterns=[*FILES])
    except Exception as error:
        raise _unusable(name, f"it cannot be fetched ({told(error, name)})") from error
    if not (folder / CONFIG).is_file():
        raise _unusable(name, f"there is no {CONFIG} in it, so it is no run of avprompt")
    return folder


def push_run(folder: Path, name: str, *, private: bool = False) -> str:
    """Put an exported run on the hub, and return its address.

    Args:
        folder: as `avprompt export` writes it.
        name: `user/name`; the repository is made if it is not there.
        private: make it so that only its owner sees it.

    Raises:
        ConfigError: no such form.
        WeightsError: the hub cannot be reached, or refuses.
    """
    if not is_hub_name(name):
        raise ConfigError(f"'{name}' is no name of a repository: write --push user/name.")
    if offline():
        raise WeightsError(f"'{name}' cannot be pushed: offline mode is on; {GO_ONLINE} first.")
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        address = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=name,
            folder_path=folder,
            allow_patterns=[CARD, *FILES],
            commit_message="Export a run of avprompt",
        )
    except Exception as error:
        raise WeightsError(
            f"'{name}' cannot be pushed: {told(error, name)}. Log in with `hf auth login`, or set HF_TOKEN "
            "to a token that may write there."
        ) from error
    return str(address)


def _fetched_before(name: str, revision: str, reason: str) -> Path:
    """Return what was fetched last, with a warning."""
    folders = sorted(_folder(name, "").parent.glob(f"{_folder(name, '').name}{revision}*"), key=_age)
    if not folders:
        raise _unusable(name, f"it is not here, and {reason}")
    warnings.warn(f"{reason}: '{folders[-1]}' is used, which was fetched before.", stacklevel=3)
    return folders[-1]


def _folder(name: str, commit: str) -> Path:
    return home() / "runs" / f"{name}@{commit[:12]}"


def _age(folder: Path) -> float:
    return folder.stat().st_mtime


def _unusable(name: str, reason: str) -> WeightsError:
    return WeightsError(f"The run '{PREFIX}{name}' cannot be used: {reason}.")
