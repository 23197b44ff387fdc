"""The log on standard error: where a fault was, never what was asked about."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest

from aiex_lsp.server.logging import ROOT, log_unhandled, set_up_logging

SECRET = "sk-nobody-may-read-this"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    ours = logging.getLogger(ROOT)
    kept = ours.handlers, ours.level, ours.propagate
    ours.handlers = []
    stream = io.StringIO()
    set_up_logging("debug", stream)
    yield stream
    ours.handlers, ours.level, ours.propagate = kept


def fails() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        raise RuntimeError(f"because of {SECRET}") from error


def test_an_exception_is_logged_with_its_frames_and_without_its_text(log: io.StringIO) -> None:
    try:
        fails()
    except RuntimeError as error:
        group = ExceptionGroup(SECRET, [error])
        logging.getLogger("aiex_lsp.x").error("It failed", exc_info=group)
    told = log.getvalue()
    assert "It failed" in told
    assert "in fails" in told
    for one in ("builtins.ValueError", "builtins.RuntimeError", "builtins.ExceptionGroup"):
        assert one in told
    assert SECRET not in told


async def test_what_nobody_handled_is_logged_without_its_text(log: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(log_unhandled)
    try:
        loop.call_soon(lambda _asked: fails(), SECRET)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(before)
    assert "Exception in callback" in log.getvalue()
    assert "builtins.RuntimeError" in log.getvalue()
    assert SECRET not in log.getvalue()
