"""The page with its methods opened by name, for `avprompt serve` and for a Space of one's own."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avprompt import api
from avprompt.errors import ConfigError
from avprompt.localization.localizer import Localizer
from avprompt.plugin.discovery import load_plugins
from avprompt.web.examples import write_examples
from avprompt.web.methods import Methods

if TYPE_CHECKING:
    import gradio as gr


def web_page(
    methods: Sequence[str] = (), *, runs: str | Path = "runs", folder: str | Path | None = None
) -> gr.Blocks:
    """Return the page; `.launch()` shows it.

    Args:
        methods: runs (also `hf:user/name`), names of methods or YAML files; the demo where there are none.
        runs: folder whose finished runs it shows.
        folder: where examples and videos are written; one of its own unless given.

    Raises:
        ConfigError: gradio is not installed, or a method is none.
        AvpromptError: the first method cannot be opened.
    """
    try:
        from avprompt.web.page import build_page
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The page needs a package that is not installed ({error.name}): pip install 'avprompt[web]'"
        ) from error
    offered = Methods(methods or [""], _open)
    offered[offered.names[0]]  # what is wrong with it is told now
    written = Path(folder or tempfile.mkdtemp())
    examples = [] if methods else write_examples(load_plugins().registry, written)
    return build_page(offered, examples, Path(runs), written)


def _open(name: str) -> Localizer:
    return api.load(name) if name else api.load_demo()
