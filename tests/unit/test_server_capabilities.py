"""What a client can, as its `initialize` tells: and where one says less than it does."""

from __future__ import annotations

from typing import Any

import pytest

from aiex_lsp.server.capabilities import read_client


@pytest.mark.parametrize(
    ("params", "shows"),
    [
        ({"capabilities": {"window": {"showDocument": {"support": True}}}}, True),
        ({"capabilities": {}, "clientInfo": {"name": "helix", "version": "25.01.1"}}, True),
        ({"capabilities": {}, "clientInfo": {"name": "eglot"}}, False),
        ({"capabilities": {}}, False),
    ],
)
def test_helix_is_asked_to_show_documents_though_it_does_not_say_it_can(
    params: dict[str, Any], shows: bool
) -> None:
    assert read_client(params).show_document is shows
