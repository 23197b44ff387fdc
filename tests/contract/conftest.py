from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from aiex_lsp.llm.adapters.base import Adapter
from tests.contract.dialects import DIALECTS, HTTP, Dialect, adapter_for
from tests.servers.base import FakeServer


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


@pytest.fixture
async def any_adapter(dialect: Dialect) -> AsyncIterator[Adapter]:
    async with dialect.open() as adapter:
        yield adapter


@pytest.fixture(params=sorted(HTTP))
def http_dialect(request: pytest.FixtureRequest) -> Dialect:
    return HTTP[request.param]


@pytest.fixture
async def server(http_dialect: Dialect) -> AsyncIterator[FakeServer]:
    assert http_dialect.server is not None
    async with http_dialect.server() as server:
        yield server


@pytest.fixture
async def adapter(server: FakeServer) -> AsyncIterator[Adapter]:
    adapter = adapter_for(server)
    yield adapter
    await adapter.aclose()


@pytest.fixture
def model(http_dialect: Dialect) -> str:
    return http_dialect.model
