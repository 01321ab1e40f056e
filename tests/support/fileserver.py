"""A file server on 127.0.0.1 that can cut connections, for tests of downloads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Served:
    """One file.

    Attributes:
        content: what is in it.
        headers: sent with every answer, such as an ETag.
        cuts: after how many bytes the next answers break off.
        ranges: whether parts of it may be asked for.
        ends: how answers say where they end: "by length", "by chunks", or "unsaid".
        refusal: what the hub calls the reason why it does not give the file, such as GatedRepo.
        asked: the `Range` of every GET so far, None for the whole file.
    """

    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    ends: str = "by length"
    refusal: str = ""
    asked: list[str | None] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    files: dict[str, Served]

    def do_HEAD(self) -> None:
        if file := self._find():
            self._begin(200, file, {"Content-Length": str(len(file.content))})

    def do_GET(self) -> None:
        file = self._find()
        if file is None:
            return
        file.asked.append(self.headers["Range"])
        start = self._start(file)
        if start and start >= len(file.content):
            self._begin(416, file, {"Content-Range": f"bytes */{len(file.content)}", "Content-Length": "0"})
            return
        body = file.content[start:]
        sent = body[: file.cuts.pop(0)] if file.cuts else body
        extra = {"Content-Length": str(len(body))} if file.ends == "by length" else {}
        if file.ends == "by chunks":
            extra["Transfer-Encoding"] = "chunked"
            sent = b"%x\r\n%b" % (len(body), sent) + (b"\r\n0\r\n\r\n" if sent == body else b"")
        if start:
            extra["Content-Range"] = f"bytes {start}-{len(file.content) - 1}/{len(file.content)}"
        self._begin(206 if start else 200, file, extra)
        self.wfile.write(sent)
        self.close_connection = True

    def _start(self, file: Served) -> int:
        """Return where the answer begins: where it was asked to, or at 0 if only whole files are sent."""
        stretch = self.headers["Range"]
        return int(stretch.removeprefix("bytes=").removesuffix("-")) if file.ranges and stretch else 0

    def _find(self) -> Served | None:
        """Return the file, or refuse and say as the hub does whether file or repository is not there."""
        file = self.files.get(self.path)
        if file is None:
            repository = "/".join(self.path.split("/")[:3])
            known = any(path.startswith(f"{repository}/") for path in self.files)
            self._refuse(404, "EntryNotFound" if known else "RepoNotFound")
        elif file.refusal:
            self._refuse(403, file.refusal)
            return None
        return file

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _begin(self, status: int, file: Served, extra: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/octet-stream", **file.headers, **extra}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class FileServer:
    """What is served: the server's address, and its files by path."""

    address: str
    files: dict[str, Served]

    def put(self, path: str, content: bytes, **options: Any) -> Served:
        """Serve a file; see `Served` for the options."""
        self.files[path] = Served(content, **options)
        return self.files[path]

    def put_on_hub(self, repository: str, name: str, content: bytes) -> Served:
        """Serve a file as the hub serves large ones: found on `main`, got by commit, named by SHA-256."""
        digest = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT}
        served = self.put(f"/{repository}/resolve/{COMMIT}/{name}", content, headers=headers)
        self.files[f"/{repository}/resolve/main/{name}"] = served
        return served


@contextmanager
def serve() -> Iterator[FileServer]:
    """Serve files for as long as the context lasts."""
    files: dict[str, Served] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"files": files}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield FileServer(f"http://127.0.0.1:{server.server_port}", files)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
