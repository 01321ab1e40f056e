"""Runs as methods: those that differ in nothing but their seeds are one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import RunResult, read_results


def group_seeds(folders: Sequence[Path]) -> list[ComparedMethod]:
    """Return runs as methods: those that differ in nothing but their seeds are one.

    A method is named by itself, or by its first folder too where several have its name.

    Raises:
        DataError: a folder holds no finished run, or a damaged one.
    """
    groups: dict[str, list[list[tuple[Path, RunResult]]]] = {}
    for folder in folders:
        result = read_results(folder)
        alike = groups.setdefault(_made_of(folder, result), [])
        group = next((group for group in alike if result.seed not in _seeds(group)), None)
        if group is None:  # the first, or the same seed once more
            alike.append(group := [])
        group.append((folder, result))
    methods = []
    for group in (group for alike in groups.values() for group in alike):
        runs, results = zip(*sorted(group, key=lambda run: run[1].seed), strict=True)
        methods.append(ComparedMethod(results[0].method, runs, results, finished=True))
    return _apart(methods)


def _made_of(folder: Path, result: RunResult) -> str:
    """Return what tells runs apart beside seeds: options, code, weights, and what they were scored on."""
    directory = RunDirectory(folder)
    tables: Mapping[str, Any] = directory.without_free() if directory.config.is_file() else {}
    options = dict(tables) | {"run": {**tables.get("run", {}), "seed": None}}
    alike = [options, result.method, result.encoders, result.headline, result.digests]
    return json.dumps([*alike, result.plugin_files, result.checksums], sort_keys=True, default=str)


def _seeds(group: Sequence[tuple[Path, RunResult]]) -> set[int]:
    return {result.seed for _, result in group}


def _apart(methods: Sequence[ComparedMethod]) -> list[ComparedMethod]:
    """Name methods by where their first runs are too, where several of a dataset have one name."""
    together: dict[tuple[str, str], list[Path]] = {}
    for method in methods:
        together.setdefault(_name(method), []).append(method.folders[0].resolve())
    return [
        replace(method, name=f"{method.name} ({_beyond(method.folders[0].resolve(), folders)})")
        if len(folders := together[_name(method)]) > 1
        else method
        for method in methods
    ]


def _name(method: ComparedMethod) -> tuple[str, str]:
    return method.results[0].dataset, method.name


def _beyond(folder: Path, folders: Sequence[Path]) -> str:
    """Return a folder's path from the nearest one that holds them all."""
    return folder.relative_to(os.path.commonpath(folders)).as_posix()
