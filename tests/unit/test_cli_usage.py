"""`aiex-lsp usage`: the table, the JSON and the page, from a real record."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from aiex_lsp.cli import usage_text
from aiex_lsp.cli.charts import Series, bars, columns
from aiex_lsp.cli.common import Runtime
from aiex_lsp.cli.program import program
from aiex_lsp.cli.usage_page import page
from aiex_lsp.events.analytics import analyze, summarize
from aiex_lsp.state.usage import FILE_NAME, UsageRow, UsageStore
from tests.unit.test_events_usage import NOW, row


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {"HOME": str(root), "AIEX_STATE_DIR": str(root / "state")}

    def record(self, *rows: UsageRow) -> None:
        store = UsageStore(self.root / "state" / FILE_NAME)
        store.add(rows)
        store.close()

    def run(self, *args: str) -> Result:
        return CliRunner().invoke(program, ["usage", *args], obj=Runtime(env=self.env))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


def just(**changes) -> UsageRow:
    return row(time.time() - 0.01, **changes)


def test_nothing_recorded_is_said_and_nothing_is_written(world):
    result = world.run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Nothing was asked in the last 7 days.\n"
    assert "today" in world.run("--days", "1").stderr
    assert not (world.root / "state").exists()


def test_what_a_server_calls_itself_does_not_steer_the_terminal(world):
    world.record(just(provider="\x1b]0;mine\x07evil\nrow\u202e"))
    lines = world.run().stdout.splitlines()
    assert lines[1].startswith("]0;mineevil row  1 ")
    assert not [c for line in lines for c in line if not c.isprintable()]


def test_a_table_with_a_line_for_each_provider_and_all(world):
    world.record(
        just(),
        just(cost=None),
        just(outcome="rate_limited", cost=None, input_tokens=0, output_tokens=0),
        just(outcome="cancelled", cost=None, input_tokens=0, output_tokens=0),
        just(provider="ollama", cost=0.0, duration=0.25, first_token=None, input_tokens=20_000),
        just(outcome="cached", cost=0.0),
    )
    result = world.run()
    assert result.exit_code == 0
    head, anthropic, ollama, total, notes = result.stdout.splitlines()
    assert re.split(r"  +", head)[:4] == ["PROVIDER", "REQUESTS", "SUCCESS", "MEAN"]
    assert re.split(r"  +", anthropic) == [
        *("anthropic", "4", "66.7%", "1.50 s", "1.50 s", "400 ms"),
        *("200 / 40", "≥ $0.25", "1 rate limited"),
    ]
    assert re.split(r"  +", ollama) == [
        *("ollama", "1", "100%", "250 ms", "250 ms", "–", "20k / 20", "$0", "none")
    ]
    assert total.startswith("all ")
    assert "1 answer from the cache · 1 cancelled · the price of 1 answer is unknown" in notes


def test_json_is_what_the_request_answers_and_can_be_narrowed(world):
    world.record(just(), just(provider="ollama", model="qwen"))
    found = json.loads(world.run("--json", "--days", "3").stdout)
    assert set(found) == {"days", "from", "to", "total", "providers", "models", "tasks", "byDay"}
    assert found["total"]["requests"] == 2
    assert len(found["byDay"]) == 3
    narrow = json.loads(world.run("--json", "--provider", "ollama").stdout)
    assert [one["provider"] for one in narrow["providers"]] == ["ollama"]
    assert json.loads(world.run("--json", "--model", "claude").stdout)["total"]["requests"] == 1


def test_the_page_is_written_whole(world):
    world.record(just())
    result = world.run("--html", "out.html")
    assert (result.exit_code, result.stdout) == (0, "Wrote out.html\n")
    text = (world.root / "out.html").read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "anthropic" in text
    both = world.run("--html", "out.html", "--json")
    assert json.loads(both.stdout)["total"]["requests"] == 1


def test_a_page_that_cannot_be_written_is_one_sentence(world):
    result = world.run("--html", str(world.root / "state" / ("x" * 300)))
    assert result.exit_code == 1
    assert result.stderr.startswith("aiex-lsp: ")
    assert world.run("--days", "0").exit_code == 2


def test_a_damaged_record_is_said_and_the_rest_goes_on(world):
    (world.root / "state").mkdir()
    (world.root / "state" / FILE_NAME).write_bytes(b"nonsense" * 100)
    result = world.run()
    assert result.exit_code == 0
    assert "was damaged" in result.stderr


class Outline(HTMLParser):
    """What a browser would load, and whether the elements close."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)


HOSTILE = "</title><script>alert('x')</script>\"&"


def hostile_page() -> str:
    rows = [
        row(NOW - 1, provider=HOSTILE, model=HOSTILE, task=HOSTILE),
        row(NOW - 2, provider=HOSTILE, outcome=HOSTILE),
        row(NOW - 3, cost=None),
    ]
    return page(analyze(rows, NOW, 7))


def test_names_cannot_break_out_of_the_page():
    text = hostile_page()
    assert "<script" not in text
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert not outline.tags & {"script", "link", "img", "iframe", "object"}


def test_the_page_loads_nothing_and_knows_light_and_dark():
    text = hostile_page()
    outline = Outline()
    outline.feed(text)
    assert not outline.attributes & {"src", "href", "onload", "onclick", "style"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def test_every_chart_is_named_and_has_its_numbers_beside_it():
    text = hostile_page()
    figures = re.findall(r"<figure>.*?</figure>", text, re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        assert re.search(r'<svg class="chart" role="img" aria-label="[^"]+"', figure)
        assert "<table>" in figure
        assert 'scope="row"' in figure


def test_a_page_of_nothing_says_so():
    assert "Nothing was asked in this time." in page(analyze([], NOW, 7))


@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0, 3.0], [0.0001, 1e9]])
def test_charts_stay_inside_their_frame(values):
    series = [Series("a", "s0", values), Series("b", "s1", values)]
    for draw in (columns, bars):
        root = ElementTree.fromstring(draw("t", ["x", "y" * 60], series, usage_text.count))
        _x, _y, wide, high = map(float, root.attrib["viewBox"].split())
        for rect in root.iter("rect"):
            x, y = float(rect.attrib["x"]), float(rect.attrib["y"])
            assert x >= 0
            assert y >= -0.1
            assert x + float(rect.attrib["width"]) <= wide
            assert y + float(rect.attrib["height"]) <= high + 0.1


def test_axes_of_counts_have_whole_numbers_only():
    text = columns("t", ["x"], [Series("a", "s0", [1])], usage_text.count, whole=True)
    assert re.findall(r'text-anchor="end">([^<]+)<', text) == ["0", "1"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9,999"), (12_345, "12.3k"), (999_960, "1M"), (1.25e9, "1.2G")],
)
def test_numbers_are_short(number, text):
    assert usage_text.count(number) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(0, "$0"), (0.00001, "<$0.0001"), (0.0123, "$0.0123"), (0.5, "$0.50"), (1234.5, "$1,234.50")],
)
def test_money_has_the_places_it_needs(dollars, text):
    assert usage_text.money(dollars) == text


def test_a_rate_is_never_rounded_up_to_no_failure():
    rows = [row() for _ in range(5000)] + [row(outcome="stall")]
    assert usage_text.percent(summarize(rows)) == "99.9%"
    assert usage_text.percent(summarize([])) == "–"


def test_a_page_for_a_pipe_is_written_to_it_and_the_pipe_stays_one(world):
    world.record(just())
    pipe = world.root / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as cat:
        assert world.run("--html", str(pipe)).exit_code == 0
        assert cat.stdout.read().startswith("<!doctype html>")
    assert pipe.is_fifo()
