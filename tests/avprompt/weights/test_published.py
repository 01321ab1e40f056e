"""Published weights: what is known of them, fetching them, and proof that they are right."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

import pytest

from avprompt.errors import UnknownNameError, WeightsError
from avprompt.registry import Registry
from avprompt.weights.files import WeightFile, recorded_sha256
from avprompt.weights.published import PublishedWeights, find_published, published_weights
from fileserver import FileServer

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def direct(server: FileServer, sha256: str | None = None) -> PublishedWeights:
    server.put("/ear.pt", CONTENT)
    urls = (f"{server.address}/ear.pt",)
    return PublishedWeights(
        "ear.pt", WeightFile("an ear", "MIT", "https://ear", urls=urls, sha256=sha256, note="Loud.")
    )


def on_hub(server: FileServer) -> PublishedWeights:
    server.put_on_hub("their/eye", "pytorch_model.bin", CONTENT)
    server.put_on_hub("their/eye", "config.json", b"{}")
    return PublishedWeights("their/eye", WeightFile("an eye", "MIT", "https://eye"))


def test_every_registered_one_says_what_a_user_must_know(registry: Registry) -> None:
    known = published_weights(registry)
    names = {weights.name for weights in known}
    assert names >= {
        "CIDAS/clipseg-rd64-refined",
        "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",
        "acl-ssl.pth",
    }
    for weights in known:
        file = weights.file
        assert file.purpose, weights.name
        assert file.licence, weights.name
        assert file.source.startswith("https://"), weights.name
        assert all(url.startswith("https://") for url in file.urls), weights.name
        assert file.urls or "/" in weights.name, weights.name
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256), weights.name
        assert file.size is None or file.size > 0, weights.name


def test_direct_weights(server: FileServer, home: Path) -> None:
    ear = direct(server, DIGEST)
    assert not ear.present
    assert ear.path == home / "ear.pt"
    assert ear.fetch() == home / "ear.pt"
    assert ear.present
    assert ear.verify() == DIGEST
    assert not (home / "ear.pt.sha256").exists()


def test_an_unknown_checksum_is_measured_once_and_holds_from_then_on(server: FileServer, home: Path) -> None:
    ear = direct(server)
    assert ear.sha256 is None
    ear.fetch()
    assert ear.sha256 == ear.verify() == DIGEST
    (home / "ear.pt").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="not the file that was fetched"):
        ear.verify()
    with pytest.raises(WeightsError, match="not the file that was fetched"):
        ear.fetch()


def test_weights_put_there_by_hand_are_checked_too(server: FileServer, home: Path) -> None:
    ear = direct(server, DIGEST)
    home.mkdir()
    (home / "ear.pt").write_bytes(b"something else")
    with pytest.raises(WeightsError, match=rf"another file than 'ear\.pt'.*{DIGEST}.*weights fetch ear\.pt"):
        ear.verify()
    (home / "ear.pt").write_bytes(CONTENT)
    assert ear.fetch() == home / "ear.pt"
    assert server.files["/ear.pt"].asked == []


def test_weights_that_nobody_has_any_more(server: FileServer, home: Path) -> None:
    ear = direct(server)
    del server.files["/ear.pt"]
    with pytest.raises(WeightsError) as error:
        ear.fetch()
    for words in ("'ear.pt' cannot be fetched", "404", "from https://ear", str(home / "ear.pt"), "Loud."):
        assert words in str(error.value)


def test_a_repository_of_the_hub(server: FileServer, home: Path) -> None:
    eye = on_hub(server)
    assert eye.fetch() == home / "their" / "eye" / "pytorch_model.bin" == eye.path
    assert (home / "their" / "eye" / "config.json").read_bytes() == b"{}"
    assert eye.sha256 == eye.verify() == DIGEST
    assert recorded_sha256(eye.path) == DIGEST


def test_a_broken_connection_to_the_hub(
    server: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eye = on_hub(server)
    for module in ("constants", "file_download"):  # it goes on from the last whole chunk
        monkeypatch.setattr(f"huggingface_hub.{module}.DOWNLOAD_CHUNK_SIZE", 100, raising=False)
    served = server.files["/their/eye/resolve/main/pytorch_model.bin"]
    served.cuts.append(1000)
    with suppress(WeightsError):  # huggingface_hub 0.23 goes on when it is called again
        eye.fetch()
    assert eye.fetch().read_bytes() == CONTENT
    assert served.asked == [None, "bytes=1000-"]


def test_the_hub_states_the_checksum_of_what_it_sends(server: FileServer, home: Path) -> None:
    eye = on_hub(server)
    server.files["/their/eye/resolve/main/pytorch_model.bin"].content = b"tampered with"
    with pytest.raises(WeightsError, match=rf"pytorch_model\.bin cannot be fetched \(.*instead of {DIGEST}"):
        eye.fetch()
    assert not eye.present


def test_a_repository_that_is_not_there(server: FileServer, home: Path) -> None:
    nose = PublishedWeights("their/nose", WeightFile("a nose", "MIT", "https://nose"))
    with pytest.raises(WeightsError, match=r"'their/nose' is not complete here.*Repository Not Found"):
        nose.fetch()
    server.put_on_hub("their/nose", "config.json", b"{}")
    with pytest.raises(WeightsError, match=r"there is no model\.safetensors or pytorch_model\.bin"):
        nose.fetch()


def test_a_repository_that_is_given_to_those_who_ask(server: FileServer, home: Path) -> None:
    eye = on_hub(server)
    server.files["/their/eye/resolve/main/pytorch_model.bin"].refusal = "GatedRepo"
    with pytest.raises(
        WeightsError, match=r"given to those who ask for it on https://huggingface\.co/their/eye.*HF_TOKEN"
    ):
        eye.fetch()
    assert not eye.present


def test_a_hub_that_cannot_be_reached(
    server: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eye = on_hub(server)
    nobody = "http://127.0.0.1:1"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", nobody)
    template = nobody + "/{repo_id}/resolve/{revision}/{filename}"
    for module in ("constants", "file_download"):
        monkeypatch.setattr(f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    with pytest.raises(
        WeightsError, match=r"there is no config\.json, and the hub cannot be reached"
    ) as error:
        eye.fetch()
    for words in ("weights fetch their/eye", str(home / "their" / "eye")):
        assert words in str(error.value)


def test_offline_only_what_is_here_counts(
    server: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eye = on_hub(server)
    monkeypatch.setenv("AVPROMPT_OFFLINE", "1")
    with pytest.raises(WeightsError, match="offline mode is on"):
        eye.fetch()
    monkeypatch.delenv("AVPROMPT_OFFLINE")
    eye.fetch()
    monkeypatch.setenv("AVPROMPT_OFFLINE", "1")
    assert eye.fetch() == eye.path


def test_names() -> None:
    registry = Registry()
    registry.add(
        "weights", "ear.pt", WeightFile("an ear", "MIT", "https://ear", urls=("https://ear/1",)), "them"
    )
    assert find_published(registry, "ear.pt").file.purpose == "an ear"
    assert find_published(registry, "any/repository").file.source == "https://huggingface.co/any/repository"
    with pytest.raises(UnknownNameError, match=r"no weight file 'eat\.pt'\. Did you mean 'ear\.pt'"):
        find_published(registry, "eat.pt")
