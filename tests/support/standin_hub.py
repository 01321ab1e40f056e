"""A stand-in of the Hugging Face hub on 127.0.0.1: repositories in memory, and what its library asks for."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_the_stand_in"


@dataclass
class StandInHub:
    """The hub: its address, files by repository and path, and what was asked of it.

    Attributes:
        address: where it answers.
        repositories: name -> path -> content.
        asked: every request so far, method and path.
    """

    address: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def commit(self, name: str) -> str:
        """What a repository holds now, as the name of a commit."""
        digests = [
            (path, hashlib.sha1(content).hexdigest()) for path, content in self.repositories[name].items()
        ]
        return hashlib.sha1(json.dumps(sorted(digests)).encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{method} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if method == "POST":
            self._write(path, body)
        elif path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"))
        else:
            self._send_file(path)

    def _describe(self, path: str) -> None:
        name = "/".join(path.split("/")[:2])
        if name not in self.hub.repositories:
            self._refuse(404, "RepoNotFound")
        elif "/revision/" in path and path.rpartition("/")[2] not in ("main", self.hub.commit(name)):
            self._refuse(404, "RevisionNotFound")
        elif "/tree/" in path:
            self._send(
                [
                    {
                        "type": "file",
                        "path": file,
                        "size": len(content),
                        "oid": hashlib.sha1(content).hexdigest(),
                    }
                    for file, content in self.hub.repositories[name].items()
                ]
            )
        else:
            files = [{"rfilename": file} for file in self.hub.repositories[name]]
            about = {"private": False, "downloads": 0, "likes": 0, "tags": []}  # for older libraries
            self._send(about | {"id": name, "sha": self.hub.commit(name), "siblings": files})

    def _send_file(self, path: str) -> None:
        name, _, rest = path[1:].partition("/resolve/")
        commit, _, file = rest.partition("/")
        if name not in self.hub.repositories:
            self._refuse(404, "RepoNotFound")
        elif file not in self.hub.repositories[name]:
            self._refuse(404, "EntryNotFound")
        else:
            content = self.hub.repositories[name][file]
            headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": commit}
            self._send_bytes(content, headers | {"Content-Type": "application/octet-stream"})

    def _write(self, path: str, body: bytes) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._refuse(401, "Unauthorized")
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            self.hub.repositories.setdefault(name, {})
            self._send({"url": f"{self.hub.address}/{name}"})
        elif path == "/api/validate-yaml":
            self._send({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = json.loads(body)["files"]
            self._send(
                {
                    "files": [
                        {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                        for file in files
                    ]
                }
            )
        else:
            self._commit("/".join(path.removeprefix("/api/models/").split("/")[:2]), body)

    def _commit(self, name: str, body: bytes) -> None:
        for line in body.splitlines():
            operation = json.loads(line)
            if operation["key"] == "file":
                value = operation["value"]
                self.hub.repositories[name][value["path"]] = base64.b64decode(value["content"])
        commit = self.hub.commit(name)
        self._send(
            {"success": True, "commitOid": commit, "commitUrl": f"{self.hub.address}/{name}/commit/{commit}"}
        )

    def _send(self, value: Any) -> None:
        self._send_bytes(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send_bytes(self, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hub_here() -> Iterator[StandInHub]:
    """Run the stand-in for as long as the context lasts."""
    hub = StandInHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
