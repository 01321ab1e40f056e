"""`avprompt report`."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tinyworld.runs import TINY, results, rows

VOID = {"meta", "img", "input", "br", "line", "polyline"}


class Page(HTMLParser):
    """A page as its tags and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & {*self.open}:
            self.words.append(data)

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def page(cli: Any, run: Path) -> Page:
    assert cli("report", run).stdout == f"{run}/report.html\n"
    return Page(run / "report.html")


class TestOneRun:
    def test_has_every_number_of_the_results(self, page: Page, run: Path) -> None:
        kept = results(run)
        scores, floors = kept["scores"]["test"], kept["floors"]["test"]
        for table in (*scores.values(), *floors.values(), *kept["audio_reliance"]["test"].values()):
            for name, value in table.items():
                if isinstance(value, float) and name != "threshold":
                    assert f"{value:.2f}" in page.text, name
        assert {*scores, *floors} <= {*page.text.split()}
        assert "6 of 6 samples" in page.text

    def test_says_where_it_comes_from(self, page: Page, run: Path) -> None:
        kept = results(run)
        for known in (
            *kept["versions"],
            *kept["checksums"].values(),
            kept["checkpoint_sha256"],
            kept["digests"]["test"]["ids"],
            "3 steps on",
            "batch_size: 4",
        ):
            assert known in page.text

    def test_names_all_clips_the_worst_first(self, page: Page, run: Path) -> None:
        body = page.source.partition('class="list"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
        names = re.findall(r'<th scope="row">([^<]+)</th><td class="number">([\d.]+)', body)
        clips = {
            row["id"]: float(row["val-threshold"])
            for row in rows(run / "samples.csv")
            if row["split"] == "test"
        }
        assert [name for name, _ in names] == sorted(clips, key=lambda name: clips[name])
        assert [float(score) for _, score in names] == pytest.approx(sorted(clips.values()), abs=0.006)

    def test_is_well_formed_and_asks_nothing_of_the_network(self, page: Page) -> None:
        assert page.open == []
        addresses = [
            value
            for _, attributes in page.tags
            for name, value in attributes.items()
            if name in ("src", "href")
        ]
        assert all(address and address.startswith(("data:", "#")) for address in addresses)
        assert "url(" not in page.source
        assert "default-src 'none'" in page.source

    def test_is_read_out_well(self, page: Page) -> None:
        assert page.having("html") == [{"lang": "en"}]
        assert all(image["alt"] for image in page.having("img"))
        charts = [svg for svg in page.having("svg") if svg.get("aria-hidden") != "true"]
        assert len(charts) > 3
        assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
        assert all(head.get("scope") for head in page.having("th"))

    def test_shows_the_gallery(self, page: Page) -> None:
        assert len(page.having("img")) == 12, "truth and heat of six clips"

    def test_is_written_again_over_itself(self, cli: Any, page: Page, run: Path) -> None:
        cli("report", run)
        assert Page(run / "report.html").source == page.source


def test_a_breakdown_is_shown(cli: Any, run: Path) -> None:
    kept = results(run)
    kept["breakdowns"] = {"test": {"size": {"small": {"samples": 6, "cIoU": 12.34}}}}
    (run / "results.json").write_text(json.dumps(kept))
    cli("report", run)
    assert "By size, val-threshold Size Samples cIoU small 6 12.34" in Page(run / "report.html").text


def test_names_cannot_break_out_of_the_page(cli: Any, run: Path) -> None:
    kept = results(run)
    kept["method"], kept["notes"] = "<script>alert(1)</script>", ["<img src=x>"]
    (run / "results.json").write_text(json.dumps(kept))
    cli("report", run)
    page = Page(run / "report.html")
    assert len(page.having("script")) == 1
    assert "<script>alert(1)</script> on tiny" in page.text


def test_clips_without_a_truth_have_their_gallery(cli: Any, here: Path, clip: tuple[Path, Path]) -> None:
    folder = here / "clips"
    folder.mkdir()
    for path in clip:
        shutil.move(path, folder / path.name)
    cli(
        "evaluate",
        "oracle",
        "--dataset",
        "folder",
        "--data-root",
        folder,
        "--encoders",
        "tiny",
        "--output",
        "own",
    )
    cli("report", "own")
    page = Page(here / "own" / "report.html")
    assert "1 clips were drawn" in page.text
    assert len(page.having("img")) == 1


class TestSeveralRuns:
    @pytest.fixture
    def page(self, cli: Any, here: Path) -> Page:
        for seed in (1, 2):
            cli("run", "souple", *TINY, "--seed", seed, "--output", f"runs/s{seed}")
        cli("run", "oracle", "--dataset", "tiny", "--output", "runs/o")
        assert cli("report", "runs").stdout == "runs/report/report.html\n"
        return Page(here / "runs/report/report.html")

    def test_stand_in_a_leaderboard_with_seeds_together(self, page: Page) -> None:
        assert page.open == []
        board = page.text.partition("tiny/test, val-threshold")[2].partition("Where they come from")[0]
        assert board.index("oracle") < board.index("souple")
        assert "100.00" in board
        assert re.search(r"souple \d+\.\d ± \d+\.\d", board)
        assert "floor: random-object 50.00" in board

    def test_are_tables_for_programs_too(self, cli: Any, page: Page) -> None:
        read = json.loads(cli("report", "runs", "--json").stdout)
        assert [method["method"] for method in read["tables"][0]["methods"]] == ["oracle", "souple"]
        assert [method["seeds"] for method in read["tables"][0]["methods"]] == [[0], [1, 2]]

    def test_are_linked(self, page: Page) -> None:
        anchors = {attributes["id"] for attributes in page.having("details") if attributes.get("id")}
        assert anchors == {"run-1", "run-2", "run-3"}
        assert anchors <= {str(link["href"])[1:] for link in page.having("a")}


class TestRefuses:
    def test_what_is_no_run(self, fails: Any, here: Path) -> None:
        (here / "empty").mkdir()
        message = fails("report", "empty")
        assert message.startswith(
            "'empty' is no finished run, and holds none: there is no results.json in it."
        )

    def test_a_page_of_somebody(self, fails: Any, here: Path, run: Path) -> None:
        (here / "theirs").mkdir()
        (here / "theirs/report.html").write_text("<p>theirs</p>")
        message = fails("report", run, "--output", "theirs")
        assert message.startswith(
            "'theirs/report.html' cannot be written: a file is there that is no report."
        )

    def test_a_split_that_was_not_scored(self, fails: Any, run: Path) -> None:
        assert "None of the runs was scored on or by the split 'gone'" in fails(
            "report", run, "--split", "gone"
        )
