"""Keys and code stay out of logs, whatever their level."""

from __future__ import annotations

import logging

import pytest

from aiex_lsp.llm.adapters.base import Adapter
from tests.contract.dialects import KEY, adapter_for, call
from tests.servers.base import FakeServer


async def test_no_log_record_holds_a_key_or_the_prompt(
    server: FakeServer, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    adapter = adapter_for(server, query={"key": KEY})
    await adapter.complete(call(model))
    await adapter.aclose()
    for record in caplog.records:
        assert KEY not in record.getMessage()
        assert "f do?" not in record.getMessage()


def test_neither_repr_nor_settings_show_the_key(adapter: Adapter) -> None:
    assert KEY not in repr(adapter)
    assert KEY not in repr(adapter.settings)
