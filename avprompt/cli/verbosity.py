"""How much is told beside results: `--quiet` and `--verbose`, by the logger `avprompt`."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from avprompt.errors import LOG


@contextmanager
def verbosity(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Tell less or more on the standard error, for one command.

    Args:
        quiet: no progress bars and no notes; results and errors only.
        verbose: name weights, devices and what is fetched, with the time.
    """
    before = LOG.level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    LOG.addHandler(handler)
    if quiet or verbose:
        LOG.setLevel(logging.ERROR if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        LOG.setLevel(before)
        LOG.removeHandler(handler)
