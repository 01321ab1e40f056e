"""Downloads that outlive a cut connection: continued, checked, and put in place in one step."""

from __future__ import annotations

import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from avprompt.errors import WeightsError
from avprompt.weights import cache

ATTEMPTS = 4  # in a row without a single new byte
PAUSE = 0.5  # seconds before the second attempt, doubled for each one after
TIMEOUT = 30
CHUNK = 1 << 20
_OVERLOADED = 429
# What a network does, as against a disk that is full: that is an OSError too.
_CUT = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)

Advance = Callable[[int, int | None], None]  # bytes that are here, bytes in all


def offline() -> bool:
    """Say whether downloads are switched off: `AVPROMPT_OFFLINE=1` or `HF_HUB_OFFLINE=1`."""
    from huggingface_hub import constants

    wanted = os.environ.get("AVPROMPT_OFFLINE", "").strip().lower()
    return bool(constants.HF_HUB_OFFLINE) or wanted in ("1", "true", "yes", "on")


def download(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Fetch a file; what has come of it stays in `<name>.part` until all of it is there and right.

    Args:
        urls: where it is to be had, tried in this order.
        target: where it is to be.
        sha256: what it must be; None accepts whatever comes whole.
        headers: for the first server only, not for those that it refers to.

    Returns:
        Its SHA-256.

    Raises:
        WeightsError: no source has it, it is another file, it cannot be written, or offline mode is on.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    if offline():
        raise WeightsError("offline mode is on.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(target.with_name(f".{target.name}.lock")):
            if target.is_file():  # another process was faster
                return cache.sha256(target)
            return _fetch_first(urls, _Part(target), sha256, headers or {})
    except OSError as error:
        raise WeightsError(f"'{target}' cannot be written: {error}.") from error


class _Part:
    """What has come of a file so far, and what tells whether a server still has the same file.

    Attributes:
        target: the file's final place.
        path: holds the bytes.
        mark: holds the server's ETag or date.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.mark = target.with_name(target.name + ".part.etag")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self) -> str:
        return self.mark.read_text(encoding="utf-8") if self.mark.is_file() else ""

    def begin(self, validator: str) -> None:
        """Start anew with a file that the server calls `validator`."""
        self.path.write_bytes(b"")
        self.mark.write_text(validator, encoding="utf-8")

    def finish(self, sha256: str | None) -> str:
        """Check the whole file, put it in its place, and return its SHA-256."""
        measured = cache.sha256(self.path)
        if sha256 not in (None, measured):
            self.discard()
            raise WeightsError(
                f"it is another file (SHA-256 {measured} instead of {sha256}), so it was removed."
            )
        self.path.replace(self.target)
        self.mark.unlink(missing_ok=True)
        return measured

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)


def _fetch_first(urls: Sequence[str], part: _Part, sha256: str | None, headers: Mapping[str, str]) -> str:
    reasons = []
    for url in urls:
        try:
            return _fetch(url, part, sha256, headers)
        except WeightsError as error:
            reasons.append(f"{urlsplit(url).netloc}: {error}")
    raise WeightsError("\n".join(reasons))


def _fetch(url: str, part: _Part, sha256: str | None, headers: Mapping[str, str]) -> str:
    """Fetch from one source, going on after each cut as long as something comes."""
    failures = 0
    with _bar(part.target.name) as advance:
        while True:
            before = part.size()
            try:
                _transfer(url, part, headers, advance, proven=sha256 is not None)
                return part.finish(sha256)
            except _CUT as error:
                failures = 1 if part.size() > before else failures + 1
                if failures == ATTEMPTS:
                    later = " The next try goes on where this one ended." if part.size() else ""
                    raise WeightsError(f"{_reason(error)}.{later}") from error
                time.sleep(PAUSE * 2 ** (failures - 1))


def _transfer(url: str, part: _Part, headers: Mapping[str, str], advance: Advance, *, proven: bool) -> None:
    """Ask for what is missing and append it; without `proven` the server must vouch that it goes together."""
    begun, validator = part.size(), part.validator()
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    if begun and (validator or proven):
        request.add_header("Range", f"bytes={begun}-")
        if validator:
            request.add_header("If-Range", validator)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            _append(response, part, advance)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            if error.headers.get("Content-Range") == f"bytes */{begun}":
                return  # all of it was here
            part.discard()
        elif error.code < http.client.INTERNAL_SERVER_ERROR and error.code != _OVERLOADED:
            raise WeightsError(f"{_reason(error)}.") from error
        raise


def _append(response: Any, part: _Part, advance: Advance) -> None:
    if response.headers.get_content_type() == "text/html":
        raise WeightsError("a web page came instead of the file; it must be fetched by hand.")
    if response.status != http.client.PARTIAL_CONTENT:
        part.begin(_validator(response.headers))
    elif not response.headers.get("Content-Range", "").startswith(f"bytes {part.size()}-"):
        part.discard()
        raise ConnectionError("the server sent another stretch of the file than it was asked for")
    here, length = part.size(), response.headers.get("Content-Length")
    total = here + int(length) if length else None
    with part.path.open("ab") as file:
        while chunk := response.read(CHUNK):
            here += file.write(chunk)
            advance(here, total)
    if total is not None and here < total:
        raise ConnectionError(f"the connection broke after {here:,} of {total:,} bytes")


def _validator(headers: Mapping[str, str]) -> str:
    """Return what `If-Range` accepts as proof that a file is unchanged: a strong ETag, or a date."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    return str(getattr(error, "reason", "") or error or type(error).__name__)


@contextmanager
def _bar(name: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(bar_width=24), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress("{task.description}", *columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(f"fetch {name}", total=None)
        yield lambda here, total: bars.update(task, completed=here, total=total)
