"""The run directory: every file that a run leaves, named once, and whose directory it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from avprompt.config.options import validate
from avprompt.config.tables import PART_KINDS, Table, parse
from avprompt.errors import ConfigError, DataError, listed
from avprompt.files import check_unlocked, locked, read_text, replacing
from avprompt.pictures.gallery import CLIPS_FILE
from avprompt.runs.settings import Settings, without_free
from avprompt.training.state import LOG_FILE, RESUME_FILE

RUNS = Path("runs")
"""Where run directories go unless the user says otherwise."""


@dataclass(frozen=True)
class RunDirectory:
    """A folder with the files of one run; they need not be there yet."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def config(self) -> Path:
        """The resolved method, which runs again as a method, and the settings of the run."""
        return self.path / "config.yaml"

    @property
    def checkpoint(self) -> Path:
        """The trained parts."""
        return self.path / "checkpoint.safetensors"

    @property
    def log(self) -> Path:
        """Losses, gradient norm and speed of every training step."""
        return self.path / LOG_FILE

    @property
    def resume(self) -> Path:
        """The state that training goes on from."""
        return self.path / RESUME_FILE

    @property
    def results(self) -> Path:
        """All numbers."""
        return self.path / "results.json"

    @property
    def samples(self) -> Path:
        """One row for each scored sample."""
        return self.path / "samples.csv"

    @property
    def skipped(self) -> Path:
        """What could not be used, with the reason."""
        return self.path / "skipped.csv"

    @property
    def gallery(self) -> Path:
        """A dozen clips, as a picture."""
        return self.path / "gallery.png"

    @property
    def clips(self) -> Path:
        """The same clips, as arrays."""
        return self.path / CLIPS_FILE

    @property
    def predictions(self) -> Path:
        """The folder of kept heatmaps."""
        return self.path / "predictions"

    @property
    def heatmaps(self) -> Path:
        """The folder of heatmaps of clips that need no truth, a file each."""
        return self.path / "heatmaps"

    @property
    def overlays(self) -> Path:
        """The folder of the same heatmaps over their images."""
        return self.path / "overlays"

    @property
    def plugins(self) -> Path:
        """The folder of copies of plugin files, see `avprompt.runs.plugin_files`."""
        return self.path / "plugins"

    @property
    def lock(self) -> Path:
        """Locked by the process that writes here."""
        return self.path / ".lock"

    def claim(self, *, resume: bool) -> None:
        """Make sure that a run may be written here.

        A run that ended before its first step has nothing to lose: the same command may begin it again.

        Raises:
            ConfigError: there is another run, one that is being written, none to resume, or somebody's files.
        """
        check_unlocked(self.lock)
        self._check_vacant(resume=resume)

    @contextmanager
    def held(self, *, resume: bool) -> Iterator[None]:
        """Keep other processes from writing here; raises what `claim` does."""
        with locked(self.lock):
            self._check_vacant(resume=resume)  # another may have been quicker since it was claimed
            yield

    def _check_vacant(self, *, resume: bool) -> None:
        if resume:
            if not self.config.is_file():
                raise ConfigError(f"--resume: there is no run in '{self}'.")
        elif self.config.exists() and self.has_begun():
            raise ConfigError(
                f"'{self}' already holds a run: add --resume to continue it, or choose another --output."
            )
        elif not self.config.exists():
            check_nothing_lost(self.path, "run")

    def has_begun(self) -> bool:
        """Say whether anything here took work: a step of training, its state, or results."""
        stepped = self.log.is_file() and self.log.stat().st_size > 0
        return stepped or self.resume.exists() or self.results.exists()

    def write_config(self, text: str) -> None:
        """Write `config.yaml`."""
        with replacing(self.config) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def check_same(self, text: str) -> None:
        """Make sure that the run that is here has this `config.yaml`, but for what changes no number.

        Raises:
            ConfigError: it has other options.
            DataError: its `config.yaml` is damaged or of another avprompt.
        """
        if self.without_free() != _comparable(parse(text, "new config.yaml")):
            raise ConfigError(
                f"'{self}' already holds a run with other options: choose another --output, or remove it."
            )

    def recorded(self) -> Settings:
        """Return the settings that the run was made with.

        Raises:
            DataError: there is no run here, or its `config.yaml` is damaged or of another avprompt.
        """
        if not self.config.is_file():
            raise DataError(f"'{self}' is not a run: there is no {self.config.name} in it.")
        run = self.tables()["run"]
        try:
            settings: Settings = validate(Settings, run, "run")
        except ConfigError as error:
            raise self._unusable(error) from error
        return settings

    def tables(self) -> Table:
        """Return what `config.yaml` holds, and make sure of what every run has written there.

        Raises:
            DataError: the file is damaged or of another avprompt.
        """
        try:
            tables = parse(read_text(self.config), "file")
        except (ConfigError, DataError) as error:
            raise self._unusable(error) from error
        expected = {part: "name" for part in PART_KINDS} | {"run": "dataset"}
        absent = [f"{table}.{key}" for table, key in expected.items() if not _has(tables.get(table), key)]
        if absent:
            raise self._unusable(f"It does not say {', '.join(absent)}.")
        return tables

    def without_free(self) -> Table:
        """Return what `config.yaml` holds without what changes no number; raises what `tables` does."""
        return _comparable(self.tables())

    def _unusable(self, reason: object) -> DataError:
        return DataError(
            f"'{self.config}' is damaged, or of another version of avprompt; make the run again. {reason}"
        )


def check_nothing_lost(folder: Path, kind: str, *, folders: bool = True) -> None:
    """Make sure that a folder holds nobody's files; hidden ones are never written over.

    Args:
        folder: it need not be there.
        kind: of what it should hold, for the message.
        folders: what is in the way may be a folder, too.

    Raises:
        ConfigError: it does, or is a file.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError(f"'{folder}' is a file: --output takes a folder.")
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    others = sorted(f"'{path.name}'" for path in visible if folders or path.is_file())
    if others:
        raise ConfigError(
            f"'{folder}' holds {listed(others)}, but no {kind}: choose another --output, or an empty folder, "
            "so that nothing is written over."
        )


def is_run(target: str | Path) -> bool:
    """Say whether a command's argument is a run directory rather than a method."""
    return Path(target).is_dir()


def numbered(first: Path) -> Iterator[Path]:
    """Yield a folder's name, then the same with the numbers from 2."""
    yield first
    yield from (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))


def unused(first: Path) -> Path:
    """Return a folder that does not exist: `first`, or that name with a number."""
    return next(folder for folder in numbered(first) if not folder.exists())


def _comparable(tables: Table) -> Table:
    """Return what `config.yaml` holds without what changes no number, nor where plugin files lie."""
    training, run = dict(tables.get("training") or {}), without_free(tables["run"])
    training.pop("workers", None)
    if isinstance(files := run.get("plugins"), list):
        run["plugins"] = [Path(str(file)).name for file in files]
    return tables | {"run": run, "training": training}


def _has(table: object, key: str) -> bool:
    return isinstance(table, Mapping) and table.get(key) is not None
