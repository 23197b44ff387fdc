"""Prices: known models cost what their vendors say, everything else is unknown, never free."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.llm.pricing import DESIGN_PRICES, price, price_of
from aiex_lsp.llm.types import Price, Usage


@pytest.mark.parametrize("model", DESIGN_PRICES)
def test_every_model_of_the_design_document_has_a_price(model):
    kind = "anthropic" if model.startswith("claude") else "openai"
    found = price(kind, model)
    assert found is not None
    assert found.input_per_1k > 0
    assert found.output_per_1k > found.input_per_1k


@pytest.mark.parametrize(
    ("kind", "model", "expected"),
    [
        ("anthropic", "claude-3-opus-20240229", Price(0.015, 0.075)),
        ("anthropic", "claude-3-sonnet-20240229", Price(0.003, 0.015)),
        ("anthropic", "claude-3-haiku-20240307", Price(0.00025, 0.00125)),
        ("openai", "gpt-4", Price(0.03, 0.06)),
        ("openai", "gpt-4-turbo", Price(0.01, 0.03)),
        ("openai", "gpt-4o", Price(0.0025, 0.01)),
        ("openai", "anthropic/claude-3.5-sonnet", Price(0.003, 0.015)),
    ],
)
def test_prices_are_dollars_per_thousand_tokens(kind, model, expected):
    found = price(kind, model)
    assert found is not None
    assert found.input_per_1k == pytest.approx(expected.input_per_1k)
    assert found.output_per_1k == pytest.approx(expected.output_per_1k)


def test_an_answer_costs_its_input_and_output():
    assert price_of("openai", "gpt-4", Usage(2000, 1000)) == pytest.approx(0.12)
    assert price_of("openai", "gpt-4", Usage()) == pytest.approx(0.0)


def test_cached_tokens_have_their_own_price():
    fresh = price_of("anthropic", "claude-3-5-sonnet-20241022", Usage(10_000, 0))
    cached = price_of(
        "anthropic", "claude-3-5-sonnet-20241022", Usage(10_000, 0, cached_tokens=10_000)
    )
    assert fresh == pytest.approx(0.03)
    assert cached == pytest.approx(0.003)


def test_what_the_list_lacks_is_priced_by_the_design_documents_table(monkeypatch):
    import genai_prices

    def lacking(*_args: object, **_more: object) -> None:
        raise LookupError("not here")

    monkeypatch.setattr(genai_prices, "calc_price", lacking)
    assert price("openai", "gpt-3.5-turbo") == Price(0.0015, 0.002)
    assert price_of("openai", "gpt-3.5-turbo", Usage(1000, 1000)) == pytest.approx(0.0035)
    assert price_of("openai", "gpt-4o", Usage(1000, 1000)) is None


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("openai", "my-azure-deployment"),
        ("openai", "llama3"),
        ("openai", "/models/x.gguf"),
        ("openai", ""),
        ("anthropic", "claude-99-none"),
        ("ollama", "gpt-4"),
        ("some-plugin", "gpt-4"),
        ("openai", "nobody/knows"),
    ],
)
def test_an_unknown_price_is_none_and_never_zero(kind, model):
    assert price(kind, model) is None
    assert price_of(kind, model, Usage(1000, 1000)) is None


@given(st.text(max_size=40), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**8))
@settings(max_examples=80, deadline=None)
def test_no_model_name_or_usage_breaks_it(model, read, written, cached):
    for kind in ("openai", "anthropic"):
        cost = price_of(kind, model, Usage(read, written, cached_tokens=cached))
        assert cost is None or cost >= 0


def test_prices_come_without_the_network(monkeypatch):
    def refuse(*_args: object) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert price("openai", "gpt-4o") is not None


def test_importing_the_room_does_not_load_the_list():
    script = (
        "import sys, aiex_lsp.llm.pricing, aiex_lsp.llm.tokens;"
        "sys.exit(bool({'genai_prices', 'toktok', 'httpx2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
