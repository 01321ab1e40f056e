"""A plugin that is one Python file, and the YAML beside it that it registers."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from avprompt.errors import PluginError

FILE_PREFIX = "avprompt_file_"
"""Begins the module name of a plugin that is a single file."""

_loaded: dict[tuple[Path, str], ModuleType] = {}  # by place and SHA-256: no code runs twice in a process


@dataclass(frozen=True)
class SingleFile:
    """A plugin file.

    Attributes:
        path: of the file.
        contents: all that was read of the plugin, by its path from the file's folder: the file itself, and
            each YAML file that it registered. What is read here is what runs.
    """

    path: Path
    contents: dict[str, bytes] = field(default_factory=dict)

    @property
    def module_name(self) -> str:
        """The name under which its code runs: `a-b.py` and `a_b.py` have two, and so has a file that changes.

        It does not depend on the folder, as features that are stored by it do not.
        """
        stem = re.sub(r"\W", "_", self.path.stem)
        digest = sha256(repr((self.path.name, self.contents.get(self.path.name))).encode())
        return f"{FILE_PREFIX}{stem}_{digest[:12]}"

    def module(self) -> ModuleType:
        """Return the module, whose code runs once in a process unless the file changes.

        Raises:
            PluginError: there is no such file, or it is no Python file.
            BaseException: whatever its code raises.
        """
        if self.path.is_dir():
            raise PluginError("it is a folder. Name a Python file in it, or install it as a package.")
        if not self.path.is_file():
            raise PluginError("there is no such file.")
        if self.path.suffix != ".py":
            raise PluginError("it is not a Python file (.py).")
        source = self.contents[self.path.name] = self.path.read_bytes()
        key = self.path.resolve(), sha256(source)
        module = _loaded.get(key)
        if module is None:
            module = _loaded[key] = self._run(source)
        sys.modules[self.module_name] = module  # pydantic resolves annotations through it
        return module

    def yaml(self, what: str, place: str | Path) -> str:
        """Return the text of a YAML file beside this one, or in a folder beside it.

        Args:
            what: it is registered as, such as `method 'mine'`.
            place: of the file, from the folder of this one.

        Raises:
            PluginError: there is no such file, it lies elsewhere, or it is no text.
        """
        folder = self.path.absolute().parent
        file = folder / place
        try:
            inside = file.parent.resolve().relative_to(folder.resolve()) / file.name
        except ValueError:
            raise PluginError(
                f"it registers the {what} from '{place}', which lies elsewhere. Put that file beside "
                f"'{self.path.name}': a run keeps a copy of both."
            ) from None
        if not file.is_file():
            raise PluginError(f"it registers the {what} from '{place}', and there is no file '{file}'.")
        content = file.read_bytes()
        self.contents[inside.as_posix()] = content
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise PluginError(
                f"it registers the {what} from '{place}', which is not text in UTF-8: save it so."
            ) from None

    def _run(self, source: bytes) -> ModuleType:
        """Run the code that was read: no other, such as a compiled file that Python has kept."""
        spec = importlib.util.spec_from_file_location(self.module_name, self.path)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            exec(compile(source, str(spec.origin), "exec", dont_inherit=True), vars(module))
        except BaseException:
            del sys.modules[spec.name]
            raise
        return module


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a file's content as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
