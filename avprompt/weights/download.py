"""Downloads from plain web addresses: continued after a cut, checked, and put in place in one step.

What lies on the Hugging Face hub is fetched by the hub's own library; see `avprompt.weights.hub`.
"""

from __future__ import annotations

import os
import shutil
import ssl
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from rich.progress import wrap_file
from safetensors import SafetensorError, safe_open

from avprompt.errors import WeightsError, messages
from avprompt.weights.files import measured_sha256

ATTEMPTS = 5  # for each source
PAUSE = 0.5  # seconds before the second attempt, doubled for each one after
TIMEOUT = 30  # seconds without an answer
CHUNK = 1 << 20  # bytes
# What a network does, as against a disk that is full: that is an OSError too.
_CUT = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)

_OFFLINE = "AVPROMPT_OFFLINE"
GO_ONLINE = "unset AVPROMPT_OFFLINE and HF_HUB_OFFLINE"


def offline() -> bool:
    """Say whether downloads are switched off: `AVPROMPT_OFFLINE=1` or `HF_HUB_OFFLINE=1`."""
    from huggingface_hub import constants

    ours = os.environ.get(_OFFLINE, "").strip().lower()
    return bool(constants.HF_HUB_OFFLINE) or ours in ("1", "true", "yes", "on")


@contextmanager
def downloading_nothing() -> Iterator[None]:
    """Switch downloads off for a while."""
    before = os.environ.get(_OFFLINE)
    os.environ[_OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_OFFLINE]
        else:
            os.environ[_OFFLINE] = before


def download(urls: Sequence[str], target: Path, sha256: str | None = None) -> None:
    """Fetch a file unless it is here; it is called `<name>.part` until all of it has come and is right.

    Where the SHA-256 is known, a cut download goes on where it broke, now or in a later call: the
    checksum proves that the halves belong together. Where it is not, every attempt begins anew, and the
    length that the server states, or the end of a safetensors or zip file, must prove that all has come.

    Args:
        urls: where it is to be had, tried in this order.
        target: where it is to be.
        sha256: what it must be; None accepts whatever comes whole.

    Raises:
        WeightsError: no source has it whole, it is another file, it cannot be written, or offline mode is on.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    if offline():
        raise WeightsError(f"offline mode is on; {GO_ONLINE} to fetch it.")
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(target.with_name(f".{target.name}.lock")):
            if not target.is_file():  # else another process was faster
                _fetch_from_first(urls, part, sha256)
                part.replace(target)
    except OSError as error:
        raise WeightsError(f"'{target}' cannot be written: {error}.") from error


def check_fetched(path: Path, sha256: str | None, *, complete: bool = True) -> None:
    """Remove what was fetched if it is cut short, or another file than it must be.

    Args:
        path: of the file.
        sha256: what it must be; None looks whether the file ends as its format says.
        complete: whether as many bytes came as the server had announced; false where it announced none.

    Raises:
        WeightsError: it was removed.
    """
    reason = ""
    if sha256 is not None:
        if (measured := measured_sha256(path)) != sha256:
            reason = f"it is another file (SHA-256 {measured} instead of {sha256})"
    elif (whole := _is_whole(path)) is False:
        reason = f"it is cut short: its {path.stat().st_size:,} bytes do not end as its format says"
    elif whole is None and not complete:
        reason = "neither the server nor the file says how long it is, so it may be cut short"
    if reason:
        path.unlink()
        raise WeightsError(f"{reason}, so it was removed.")


def _is_whole(path: Path) -> bool | None:
    """Say whether a safetensors file, or a zip file as torch writes, has its end; None for other formats."""
    if ".safetensors" in path.suffixes:
        try:
            with safe_open(path, framework="np"):
                return True
        except SafetensorError:
            return False
    with path.open("rb") as file:
        begins_as_zip = file.read(4) == b"PK\3\4"
    return zipfile.is_zipfile(path) if begins_as_zip else None


def _fetch_from_first(urls: Sequence[str], part: Path, sha256: str | None) -> None:
    reasons = []
    for url in urls:
        try:
            return _fetch(url, part, sha256)
        except WeightsError as error:
            reasons.append(f"{urlsplit(url).netloc}: {error}")
    raise WeightsError("\n".join(reasons))


def _fetch(url: str, part: Path, sha256: str | None) -> None:
    inherited = sha256 is not None and part.is_file()
    complete = _transfer_patiently(url, part, resume=sha256 is not None)
    try:
        check_fetched(part, sha256, complete=complete)
    except WeightsError:
        if not inherited:
            raise
        _fetch(url, part, sha256)  # what an earlier download left was of another file


def _transfer_patiently(url: str, part: Path, *, resume: bool) -> bool:
    attempt = 1
    while True:
        begun = part.stat().st_size if resume and part.is_file() else 0
        try:
            return _transfer(url, part, begun)
        except _CUT as error:
            if attempt == ATTEMPTS:
                later = " The next try goes on where this one ended." if begun else ""
                raise WeightsError(f"{getattr(error, 'reason', None) or error}.{later}") from error
        time.sleep(PAUSE * 2 ** (attempt - 1))
        attempt += 1


def _transfer(url: str, part: Path, begun: int) -> bool:
    """Append what is missing to the `begun` bytes that are here, or write all where a server sends all.

    Returns:
        Whether the server said where the file ends: by its length, or chunk by chunk.
    """
    request = Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})
    try:
        response = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return True  # nothing is missing
        raise WeightsError(f"the server answers {error.code} {error.reason}.") from error
    with response:
        if response.headers.get_content_type() == "text/html":
            raise WeightsError("a web page came instead of the file; it must be fetched by hand.")
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            begun = 0
        missing = int(response.headers["Content-Length"] or 0)
        bar = wrap_file(response, missing, description=part.stem, console=messages())
        with part.open("ab" if begun else "wb") as file, bar as content:
            shutil.copyfileobj(content, file, CHUNK)
            size = file.tell()
    if size < begun + missing:
        raise ConnectionError(f"the connection broke after {size:,} of {begun + missing:,} bytes")
    return response.chunked or "Content-Length" in response.headers
