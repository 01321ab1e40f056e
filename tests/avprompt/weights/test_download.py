from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from avprompt.errors import WeightsError
from avprompt.weights.download import download, offline
from fileserver import FileServer

CONTENT = bytes(range(256)) * 1024
DIGEST = hashlib.sha256(CONTENT).hexdigest()
CUT = 100_000


@pytest.fixture
def target(home: Path) -> Path:
    return home / "deep" / "model.pt"


def leftovers(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir() if not path.name.endswith(".lock")}


def test_a_whole_file(server: FileServer, target: Path) -> None:
    server.put("/model.pt", CONTENT)
    download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == {"model.pt"}


def test_a_file_that_is_here_is_not_fetched(server: FileServer, target: Path) -> None:
    served = server.put("/model.pt", CONTENT)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    download([f"{server.address}/model.pt"], target)
    assert target.read_bytes() == b"mine"
    assert served.asked == []


def test_a_cut_connection_is_taken_up_where_it_broke(server: FileServer, target: Path) -> None:
    served = server.put("/model.pt", CONTENT, cuts=[CUT, 50_000])
    download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert served.asked == [None, f"bytes={CUT}-", f"bytes={CUT + 50_000}-"]


def broken_off(server: FileServer, target: Path, content: bytes = CONTENT) -> None:
    """Leave a part of the file, as a download does that was given up."""
    server.put("/model.pt", content, cuts=[CUT, 0, 0, 0, 0])
    with pytest.raises(WeightsError, match=r"broke after 100,000 of 262,144 bytes\. The next try goes on"):
        download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert not target.exists()


def test_a_later_run_goes_on(server: FileServer, target: Path) -> None:
    broken_off(server, target)
    served = server.put("/model.pt", CONTENT)
    download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert served.asked == [f"bytes={CUT}-"]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    server: FileServer, target: Path
) -> None:
    broken_off(server, target, content=CONTENT[::-1])
    served = server.put("/model.pt", CONTENT)
    download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert served.asked == [f"bytes={CUT}-", None]


def test_another_source_goes_on_with_what_one_left(server: FileServer, target: Path) -> None:
    server.put("/first.pt", CONTENT, cuts=[CUT, 0, 0, 0, 0])
    second = server.put("/second.pt", CONTENT)
    download([f"{server.address}/{name}.pt" for name in ("first", "second")], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert second.asked == [f"bytes={CUT}-"]


def test_without_proof_that_it_is_the_same_file_nothing_is_continued(
    server: FileServer, target: Path
) -> None:
    served = server.put("/model.pt", CONTENT[::-1], cuts=[CUT])
    download([f"{server.address}/model.pt"], target)
    assert target.read_bytes() == CONTENT[::-1]
    assert served.asked == [None, None]
    target.unlink()
    target.with_name("model.pt.part").write_bytes(b"?" * CUT)
    served = server.put("/model.pt", CONTENT)
    download([f"{server.address}/model.pt"], target)
    assert target.read_bytes() == CONTENT
    assert served.asked == [None]


def weights(suffix: str) -> bytes:
    """Return tensors as a file of that suffix; `.pth` is torch's format of before 1.6."""
    tensors = {"weight": torch.arange(1000.0)}
    if suffix == ".safetensors":
        return save(tensors)
    file = io.BytesIO()
    torch.save(tensors, file, _use_new_zipfile_serialization=suffix == ".pt")
    return file.getvalue()


CUT_FILES = {
    ".safetensors": r"cut short: its 3,000 bytes do not end as its format says, so it was removed",
    ".pt": r"cut short: its 3,000 bytes do not end as its format says, so it was removed",
    ".pth": r"neither the server nor the file says how long it is, so it may be cut short",
}


@pytest.mark.parametrize("suffix", CUT_FILES)
def test_a_cut_file_is_refused_where_no_length_was_stated(
    server: FileServer, target: Path, suffix: str
) -> None:
    server.put("/model", weights(suffix), cuts=[3000], ends="unsaid")
    with pytest.raises(WeightsError, match=CUT_FILES[suffix]):
        download([f"{server.address}/model"], target.with_suffix(suffix))
    assert leftovers(target) == set()


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_whole_file_proves_it_where_no_length_was_stated(
    server: FileServer, target: Path, suffix: str
) -> None:
    server.put("/model", weights(suffix), ends="unsaid")
    download([f"{server.address}/model"], target.with_suffix(suffix))
    assert target.with_suffix(suffix).read_bytes() == weights(suffix)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_what_is_cut_on_the_server_is_refused(server: FileServer, target: Path, suffix: str) -> None:
    server.put("/model", weights(suffix)[:3000])
    with pytest.raises(WeightsError, match="cut short: its 3,000 bytes"):
        download([f"{server.address}/model"], target.with_suffix(suffix))


def test_chunks_say_where_they_end(server: FileServer, target: Path) -> None:
    served = server.put("/model.pth", CONTENT, cuts=[CUT], ends="by chunks")
    download([f"{server.address}/model.pth"], target)
    assert target.read_bytes() == CONTENT
    assert served.asked == [None, None]


def test_a_checksum_proves_it_too(server: FileServer, target: Path) -> None:
    server.put("/model.pth", CONTENT, ends="unsaid")
    download([f"{server.address}/model.pth"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_a_known_checksum_is_proof_enough(server: FileServer, target: Path, ranges: bool) -> None:
    served = server.put("/model.pt", CONTENT, cuts=[CUT], ranges=ranges)
    download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert served.asked == [None, f"bytes={CUT}-"]


def test_a_part_that_was_whole_is_only_checked(server: FileServer, target: Path) -> None:
    served = server.put("/model.pt", CONTENT)
    target.parent.mkdir(parents=True)
    target.with_name("model.pt.part").write_bytes(CONTENT)
    download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert served.asked == [f"bytes={len(CONTENT)}-"]


def test_another_file_is_refused_and_removed(server: FileServer, target: Path) -> None:
    server.put("/model.pt", b"not this one")
    with pytest.raises(WeightsError, match=rf"127\.0\.0\.1.*another file.*instead of {DIGEST}.*removed"):
        download([f"{server.address}/model.pt"], target, sha256=DIGEST)
    assert leftovers(target) == set()


def test_a_web_page_is_refused(server: FileServer, target: Path) -> None:
    server.put("/model.pt", b"<html>Please sign in", headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(WeightsError, match="a web page came instead of the file"):
        download([f"{server.address}/model.pt"], target)
    assert leftovers(target) == set()


def test_the_next_source_is_tried(server: FileServer, target: Path) -> None:
    server.put("/wrong.pt", b"not this one")
    server.put("/copy.pt", CONTENT)
    urls = [f"{server.address}/{name}.pt" for name in ("gone", "wrong", "copy")]
    download(urls, target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT


def test_every_source_is_told_of(server: FileServer, target: Path) -> None:
    server.put("/wrong.pt", b"not this one")
    with pytest.raises(WeightsError, match=r"the server answers 404 Not Found\.\n.*another file"):
        download([f"{server.address}/gone.pt", f"{server.address}/wrong.pt"], target, sha256=DIGEST)


def test_nobody_there(server: FileServer, target: Path) -> None:
    with pytest.raises(WeightsError, match=r"127\.0\.0\.1:1: .*refused\.$"):
        download(["http://127.0.0.1:1/model.pt"], target)


def test_a_folder_that_cannot_be_written(server: FileServer, target: Path, home: Path) -> None:
    home.write_text("a file, not a folder")
    with pytest.raises(WeightsError, match=r"model\.pt' cannot be written"):
        download([f"{server.address}/model.pt"], target)


@pytest.mark.parametrize("name", ["AVPROMPT_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked_for(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    served = server.put("/model.pt", CONTENT)
    monkeypatch.setenv("AVPROMPT_OFFLINE", "1" if name == "AVPROMPT_OFFLINE" else "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", name == "HF_HUB_OFFLINE")
    assert offline()
    with pytest.raises(WeightsError, match="offline mode is on"):
        download([f"{server.address}/model.pt"], target)
    assert served.asked == []
    assert not target.parent.exists()


def test_processes_that_need_the_same_file_fetch_it_once(server: FileServer, target: Path) -> None:
    served = server.put("/model.pt", CONTENT)
    with ThreadPoolExecutor(4) as pool:
        urls = [f"{server.address}/model.pt"]
        list(pool.map(lambda _: download(urls, target), range(4)))
    assert target.read_bytes() == CONTENT
    assert served.asked == [None]
