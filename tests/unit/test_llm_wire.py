"""Pure parts of the wire formats: lines, events, thinking, waits, addresses, the failure table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.errors import MAX_MESSAGE, ConfigError, FailureKind, ProviderError
from aiex_lsp.llm.adapters import registry
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.failure_texts import Fault, Origin
from aiex_lsp.llm.failures import DISPOSITIONS, from_fault, from_response
from aiex_lsp.llm.types import ModelCall, Text, Thinking
from aiex_lsp.llm.wire.base_url import parse_base_url, with_version, without
from aiex_lsp.llm.wire.chat_completions import ChatReader
from aiex_lsp.llm.wire.lines import LineSplitter, LineTooLongError
from aiex_lsp.llm.wire.messages import MessagesReader
from aiex_lsp.llm.wire.ollama_chat import OllamaReader
from aiex_lsp.llm.wire.reader import StreamReader, VendorFailure, deep_merge
from aiex_lsp.llm.wire.retry_after import MAX_WAIT, retry_after
from aiex_lsp.llm.wire.sse import ServerEvent, SseDecoder
from aiex_lsp.llm.wire.think import ThinkSplitter
from aiex_lsp.llm.wire.vendor_errors import decode, kind_of, parse_error

NOW = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


def pieces(data: Any, cuts: list[int]) -> list[Any]:
    """Return `data` cut at the positions, taken modulo its length."""
    at = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


def split(parts: list[str], *, inside: bool = False) -> tuple[str, str]:
    splitter = ThinkSplitter(inside=inside)
    chunks = [chunk for part in parts for chunk in splitter.feed(part)] + splitter.close()
    thinking = "".join(chunk.text for chunk in chunks if isinstance(chunk, Thinking))
    return thinking, "".join(chunk.text for chunk in chunks if isinstance(chunk, Text))


TAGGED = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<thinking>",
            "</thinking>",
            "<th",
            "</",
            "<",
            " ",
            "\n",
            "a",
            "é",
            ">",
        ]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=200)
@given(TAGGED, st.lists(st.integers(0, 200), max_size=8))
def test_thinking_is_split_the_same_however_the_stream_is_cut(text: str, cuts: list[int]) -> None:
    assert split(pieces(text, cuts)) == split([text])


@given(TAGGED)
def test_splitting_loses_no_text_but_the_tags_and_the_white_space_around(text: str) -> None:
    thinking, answer = split([text])
    for tag in ("<think>", "<thinking>"):
        if text.lstrip().startswith(tag):
            inner = text.lstrip()[len(tag) :]
            before, closed, after = inner.partition(tag.replace("<", "</"))
            assert (thinking, answer) == (before, after.lstrip() if closed else "")
            return
    assert (thinking, answer) == ("", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>a</think>\n\nb", ("a", "b")),
        ("  <think>a</think>b </think>", ("a", "b </think>")),
        ("The tag <think> opens", ("", "The tag <think> opens")),
        ("<think>never closed", ("never closed", "")),
        ("<thin ice>", ("", "<thin ice>")),
        ("<thi", ("", "<thi")),
        ("", ("", "")),
    ],
)
def test_think_blocks(text: str, expected: tuple[str, str]) -> None:
    assert split([text]) == expected


def test_a_stream_that_begins_inside_its_thinking() -> None:
    assert split(["hm", "m</th", "ink> yes"], inside=True) == ("hmm", "yes")


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.integers(0, 500), max_size=10),
)
def test_lines_are_the_same_however_the_bytes_are_cut(
    lines: list[str], end: str, cuts: list[int]
) -> None:
    data = "".join(line + end for line in lines).encode()
    splitter = LineSplitter()
    got = [line for part in pieces(data, cuts) for line in splitter.feed(part)]
    assert got + splitter.close() == lines


def test_a_line_without_end_is_bounded() -> None:
    splitter = LineSplitter(max_line=10)
    splitter.feed(b"12345")
    with pytest.raises(LineTooLongError):
        splitter.feed(b"678901")


def test_events_of_a_stream() -> None:
    decoder = SseDecoder()
    lines = [
        "\ufeffevent: ping",
        "data: {}",
        "",
        ": keep-alive",
        "data: a",
        "data:b",
        "id: 7",
        "retry: 10",
        "",
        "",
        "event: lonely",
        "",
        "data: last",
    ]
    events = [event for line in lines if (event := decoder.line(line)) is not None]
    last = decoder.close()
    assert events == [
        ServerEvent("ping", "{}"),
        ServerEvent(data="keep-alive", comment=True),
        ServerEvent("", "a\nb"),
    ]
    assert last == ServerEvent("", "last")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "999999"}, MAX_WAIT),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:40 GMT"}, 100.0),
        ({"retry-after": "Wed, 31 Dec 2025 23:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "120ms"}, 1.0),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, MAX_WAIT),
        ({"x-ratelimit-reset-tokens": "2m3.5s"}, 123.5),
        ({"x-ratelimit-reset": "1767225660000"}, 60.0),
        ({"x-ratelimit-reset": "1767225630"}, 30.0),
        ({"anthropic-ratelimit-requests-reset": "2026-01-01T00:00:12Z"}, 12.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:12+00:00"}, 12.0),
        ({"anthropic-ratelimit-tokens-reset": "tomorrow"}, None),
    ],
)
def test_waits_that_vendors_ask_for(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, NOW) == expected


@given(
    st.sampled_from(
        ["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens", "anthropic-ratelimit-x-reset"]
    ),
    st.text(max_size=30),
)
def test_no_header_makes_a_wait_out_of_bounds(name: str, value: str) -> None:
    wait = retry_after({name: value}, NOW)
    assert wait is None or 0.0 <= wait <= MAX_WAIT


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("localhost:8000/v1", "http://localhost:8000/v1"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000/v1"),
        ("api.groq.com/openai", "https://api.groq.com/openai/v1"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1"),
        ("https://x.openai.azure.com/openai/deployments/d", "https://x.openai.azure.com/openai/deployments/d"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)  # fmt: skip
def test_base_urls_as_people_write_them(given_url: str, expected: str) -> None:
    assert with_version(parse_base_url(given_url)).url == expected


def test_ollamas_address_has_no_version() -> None:
    for text in ("http://127.0.0.1:11434", "127.0.0.1:11434/v1", "http://127.0.0.1:11434/api/"):
        assert without(parse_base_url(text), "/v1", "/api").url == "http://127.0.0.1:11434"


@given(st.text(max_size=40))
def test_no_base_url_raises(text: str) -> None:
    with_version(parse_base_url(text))


FIELDS = [
    *("error", "message", "code", "type", "detail", "msg", "loc", "choices", "delta", "content"),
    *("content_block", "finish_reason", "stop_reason", "model", "thinking", "metadata", "done"),
    *("usage", "prompt_eval_count", "completion_tokens"),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.integers(300, 599))
def test_any_error_body_gives_one_short_message(body: Any, status: int) -> None:
    import json

    origin = Origin("work", "openai", "https://user:pw@h.example/v1", "m", ("topsecret",))
    error = from_response(origin, status, {}, json.dumps(body).encode(), NOW)
    assert len(str(error)) <= MAX_MESSAGE
    assert "work" in str(error)
    assert "pw" not in error.what.split('"')[0]
    parsed = parse_error(body)
    assert parsed is None or kind_of(parsed) is None or isinstance(kind_of(parsed), FailureKind)


@given(st.lists(JSON.filter(lambda value: isinstance(value, dict)), max_size=5))
@pytest.mark.parametrize(
    "reader", [ChatReader, MessagesReader, lambda call: OllamaReader(call, 4096)]
)
def test_readers_take_json_of_any_shape(reader: Any, events: list[dict[str, Any]]) -> None:
    made: StreamReader = reader(ModelCall((), "m"))
    for event in events:
        try:
            list(made.read(event))
        except VendorFailure:
            return
    assert made.finish()


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("kind", ["ollama", "openai", "lm_studio"])
def test_every_fault_is_told_with_a_step_and_without_secrets(fault: Fault, kind: str) -> None:
    origin = Origin(
        kind, kind, "http://me:pw@127.0.0.1:11434/v1?key=topsecret", "m", ("topsecret",)
    )
    error = from_fault(origin, fault)
    assert isinstance(error, ProviderError)
    assert len(f"{error.what}. {error.next_step}") <= MAX_MESSAGE
    assert kind in str(error)
    assert error.next_step
    assert "pw" not in str(error)
    assert "topsecret" not in str(error)


def test_ollama_that_is_down_says_how_to_start_it() -> None:
    error = from_fault(Origin("ollama", "ollama", "http://127.0.0.1:11434"), Fault.REFUSED)
    assert str(error) == (
        "ollama is not reachable at http://127.0.0.1:11434. Start it with `ollama serve`."
    )


def test_every_kind_has_its_row_and_only_hopeless_ones_do_not_fall_back() -> None:
    assert set(DISPOSITIONS) == set(FailureKind)
    stays = {kind for kind in FailureKind if not DISPOSITIONS[kind].fall_back}
    assert stays == {
        FailureKind.CONTENT_FILTER,
        FailureKind.BAD_REQUEST,
        FailureKind.DEADLINE,
        FailureKind.CANCELLED,
    }


def test_bodies_are_merged_in_depth() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert deep_merge(base, {"a": {"c": 3}, "d": [2]}) == {"a": {"b": 1, "c": 3}, "d": [2]}
    assert base == {"a": {"b": 1, "c": 2}, "d": [1]}


def test_json_that_nests_without_end_is_no_json() -> None:
    assert decode(b"[" * 200_000) is None


def test_an_unknown_type_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        registry.make(ProviderSettings(name="x", type="olama"), AdapterContext())
    assert "'ollama'" in str(caught.value)


def test_the_registry_imports_only_what_is_asked_for() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from aiex_lsp.llm.adapters import registry; "
        "registry.adapter_class('ollama'); "
        "print('httpx' in sys.modules, 'aiex_lsp.llm.adapters.openai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
