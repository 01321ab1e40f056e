"""Tensors of TorchScript archives, the format that OpenAI published CLIP in, without running their code.

Such an archive is a zip file: `data.pkl` is the pickled tree of modules, `data/<key>` the bytes of each
storage, and `code/` a program that `torch.jit.load` would run. Here the tree alone is read, and only tensors,
numbers, text, lists and tables may be in it.
"""

from __future__ import annotations

import collections
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from avprompt.plugin import WeightsError

STORAGES = {
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Module:
    """A module of the archive: its tensors, numbers and modules by name."""

    def __setstate__(self, state: object) -> None:
        """Take the attributes; a module that says itself how it is read would need its code for that."""
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a module in it must be read by code of its own")
        self.attributes = state


def is_torchscript(path: Path) -> bool:
    """Tell whether a file is a TorchScript archive."""
    return zipfile.is_zipfile(path) and _root(path) is not None


def read_torchscript(path: Path, *, tensors: bool = True) -> dict[str, Tensor]:
    """Return the tensors of an archive, parameters, buffers and constants, by their dotted names.

    Args:
        path: of the archive.
        tensors: read them; else only their names, shapes and types are looked at, on the meta device.

    Raises:
        WeightsError: the archive is damaged, or holds what could run code; nothing has been run.
    """
    root = _root(path)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{root}/data.pkl") as file:
            return dict(_tensors(_Tree(file, archive, f"{root}/data", tensors).load(), ""))
    except Exception as error:  # pickle, zipfile and torch raise whatever the damage leads to
        raise WeightsError(
            f"'{path}' cannot be read as a TorchScript archive: {error}. Nothing in it was run. "
            "Get it from where it was published, or as .safetensors."
        ) from error


class _Tree(pickle.Unpickler):
    """Reads the tree of modules; whatever is not named here is refused."""

    def __init__(self, file: Any, archive: zipfile.ZipFile, folder: str, tensors: bool) -> None:
        super().__init__(file)
        self.archive, self.folder, self.tensors = archive, folder, tensors

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "__torch__":
            return Module
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        plain: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _view,
        }
        if module == "torch.jit._pickle" and name.startswith("build_"):  # a list, with its type
            return _plain_list
        if (module, name) not in plain:
            raise pickle.UnpicklingError(f"it holds '{module}.{name}', which could run code when it is read")
        return plain[module, name]

    def persistent_load(self, pid: Any) -> Tensor:
        _, dtype, key, _, count = pid
        if not self.tensors or not count:
            return torch.empty(count, dtype=dtype, device="cpu" if self.tensors else "meta")
        return torch.frombuffer(
            bytearray(self.archive.read(f"{self.folder}/{key}")), dtype=dtype, count=count
        )


def _view(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: Any) -> Tensor:
    return storage.as_strided(size, stride, offset)


def _plain_list(items: list[Any]) -> list[Any]:
    return items


def _tensors(module: Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for name, value in module.attributes.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, Module):
            yield from _tensors(value, f"{prefix}{name}.")


def _root(path: Path) -> str | None:
    """Return the folder inside the archive, or None where there is no code beside the tensors."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    roots = {PurePosixPath(name).parts[0] for name in names if "/code/" in name}
    return next((root for root in sorted(roots) if f"{root}/data.pkl" in names), None)
