"""The two HTTP dialects against a server we did not write: real llama.cpp with the small model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.adapters.registry import make
from aiex_lsp.llm.types import JsonSchema, Message, Text
from tests.contract.dialects import call
from tests.servers.llama import MODEL, LlamaServer, llama_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    with llama_server(tmp_path_factory.mktemp("llama"), context=1024) as server:
        yield server


@pytest.fixture(params=["openai", "anthropic"])
async def adapter(request: pytest.FixtureRequest, llama: LlamaServer) -> AsyncIterator[Adapter]:
    settings = ProviderSettings(
        name="llama", type=request.param, base_url=llama.base_url, is_local=True
    )
    adapter = make(settings, AdapterContext())
    yield adapter
    await adapter.aclose()


async def test_a_real_answer_with_real_counts(adapter: Adapter) -> None:
    answer = await adapter.complete(call(MODEL, max_tokens=12, temperature=0.0))
    assert answer.text.strip()
    assert answer.finish_reason in ("length", "stop")
    assert answer.usage.input_tokens > 10
    assert 0 < answer.usage.output_tokens <= 13
    assert not answer.usage.estimated


async def test_its_model_list_and_window(adapter: Adapter) -> None:
    models = await adapter.list_models()
    assert await adapter.default_model() == MODEL
    if adapter.type == "openai":
        assert models[0].context_window == 1024
    assert (await adapter.check_health()).status == "healthy"


async def test_a_prompt_too_long_for_it(adapter: Adapter) -> None:
    long = (Message("user", "one two three " * 900),)
    with pytest.raises(ProviderError) as caught:
        await adapter.complete(call(MODEL, messages=long, max_tokens=8))
    assert caught.value.kind is Kind.CONTEXT_TOO_LONG
    assert len(str(caught.value)) <= 200


async def test_closing_the_stream_stops_the_engine(adapter: Adapter, llama: LlamaServer) -> None:
    stream = cast(Any, adapter.stream(call(MODEL, max_tokens=900, temperature=0.0)))
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, Text):
                break
    await asyncio.to_thread(llama.wait_idle)
    assert llama.completions[-1].cancelled


async def test_json_by_schema(adapter: Adapter) -> None:
    if adapter.type == "anthropic":
        pytest.skip("the small model's chat template has no tools")
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    answer = await adapter.complete(
        call(MODEL, max_tokens=40, temperature=0.0, schema=JsonSchema("report", schema))
    )
    assert answer.text.replace(" ", "").replace("\n", "") in ('{"ok":true}', '{"ok":false}')
