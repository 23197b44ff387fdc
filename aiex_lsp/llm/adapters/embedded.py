"""A GGUF model inside this process, by llama.cpp: no account, no network, no other program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from aiex_lsp.config.settings import ProviderSettings, RateLimits
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.adapters.llama_engine import SMALL_MODEL_BYTES, Engine, Job, process_pool
from aiex_lsp.llm.gguf import GgufInfo, read_gguf
from aiex_lsp.llm.models_install import find_model, model_files
from aiex_lsp.llm.types import (
    Chunk,
    Health,
    Heartbeat,
    ModelCall,
    ModelInfo,
)
from aiex_lsp.llm.wire.llama import LlamaAnswer, Outcome, plain_messages, request_body

MAX_WINDOW = 8192
"""Tokens of context by default: memory grows with it (180 MB for the default model)."""

HEARTBEAT_SECONDS = 2.0
"""A sign of life this often while a model loads or another answer is made."""


class EmbeddedAdapter(Adapter):
    """The engine is loaded with the first call and shared by all adapters of this process."""

    type: ClassVar[str] = "embedded"
    default_rate_limits: ClassVar[RateLimits] = RateLimits()

    def __init__(self, settings: ProviderSettings, context: AdapterContext) -> None:
        super().__init__(settings, context)
        self._engines: dict[Path, Engine] = {}
        self._infos: dict[tuple[Path, int], GgufInfo] = {}

    @property
    def local(self) -> bool:
        """Return True: nothing leaves this process."""
        return True

    async def stream(self, call: ModelCall) -> AsyncIterator[Chunk]:
        """Yield the answer's chunks; closing it stops the engine before it returns."""
        info = await asyncio.to_thread(self._resolve, call.model)
        engine = self._engine(info)
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[Mapping[str, Any] | Outcome] = asyncio.Queue()
        job = Job(
            request_body(call, info.size < SMALL_MODEL_BYTES),
            lambda item: _hand_over(loop, items, item),
        )
        answer = LlamaAnswer(self.name, info.path.stem)
        if not engine.loaded:
            yield Heartbeat("loading the model")
        elif engine.busy:
            yield Heartbeat("waiting for the model's other answer")
        engine.submit(job)
        ended = False
        try:
            while not ended:
                try:
                    item = await asyncio.wait_for(items.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    if not job.running:
                        yield Heartbeat(
                            "waiting for the model" if engine.loaded else "loading the model"
                        )
                    continue
                if isinstance(item, Outcome):
                    ended = True
                    yield answer.finish(item)
                else:
                    for chunk in answer.chunks(item):
                        yield chunk
        finally:
            if not ended and job.cancel():
                await asyncio.shield(_drain(items))

    async def check_health(self) -> Health:
        """Return whether the engine and a usable model file are installed; loads nothing."""
        started = self.context.monotonic()
        try:
            await asyncio.to_thread(self._resolve, "")
        except ProviderError as error:
            return Health("error", error=str(error))
        elapsed = self.context.monotonic() - started
        return Health("healthy", response_time_ms=max(0.0, elapsed * 1000))

    async def list_models(self) -> list[ModelInfo]:
        """Return the model files there are; the id is the file's name without `.gguf`."""
        infos = await asyncio.to_thread(self._installed)
        return [
            ModelInfo(
                id=info.path.stem,
                provider=self.name,
                local=True,
                context_window=self._window(info),
                loaded=(engine := self._engines.get(info.path)) is not None and engine.loaded,
                quantization=info.quantization,
                parameters=info.size_label,
                chat=info.chat_template,
            )
            for info in infos
        ]

    async def default_model(self) -> str:
        """Return the configured default model, else the preferred file's. Raises NOT_CONFIGURED."""
        if self.settings.default_model:
            return self.settings.default_model
        return (await asyncio.to_thread(self._resolve, "")).path.stem

    def count_tokens(self, call: ModelCall) -> int | None:
        """Return the exact tokens of a call's messages; None until loaded. Blocks 2 ms."""
        for path, engine in self._engines.items():
            if engine.loaded and call.model in ("", path.stem):
                return engine.count_tokens(plain_messages(call))
        return None

    async def aclose(self) -> None:
        """Give the engines back; the last adapter's call frees the memory."""
        engines = list(self._engines.values())
        self._engines.clear()
        for engine in engines:
            await asyncio.to_thread(process_pool().release, engine)

    def _engine(self, info: GgufInfo) -> Engine:
        engine = self._engines.get(info.path)
        if engine is None:
            engine = process_pool().acquire(info.path, self._window(info))
            self._engines[info.path] = engine
        return engine

    def _window(self, info: GgufInfo) -> int:
        wanted = self.settings.context_window or MAX_WINDOW
        return min(wanted, info.context_length or wanted)

    def _installed(self) -> list[GgufInfo]:
        files = model_files(self.settings.model_path, self.context.models_dir)
        return [info for path in files if (info := self._read(path)[0]) is not None]

    def _read(self, path: Path) -> tuple[GgufInfo | None, str | None]:
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            stamp = 0
        known = self._infos.get((path, stamp))
        if known is not None:
            return known, None
        info, problem = read_gguf(path)
        if info is not None:
            self._infos[path, stamp] = info
        return info, problem

    def _resolve(self, model: str) -> GgufInfo:
        """Return the file that `model` names, "" the preferred one. Blocks for its metadata."""
        if find_spec("xllamacpp") is None:
            raise self._error(
                FailureKind.NOT_CONFIGURED,
                "the engine for a model in this process is not installed",
                "Install aiex-lsp with its extra `embedded`, or start Ollama or LM Studio",
            )
        path = find_model(self.settings.model_path, self.context.models_dir)
        if path is None:
            configured = self.settings.model_path
            raise self._error(
                FailureKind.NOT_CONFIGURED,
                f"there is no file {Path(configured).name}"
                if configured
                else "no model is installed",
                "Run `aiex-lsp models install`, or start Ollama or LM Studio",
            )
        if model and path.stem != model:
            files = model_files(self.settings.model_path, self.context.models_dir)
            named = next((file for file in files if file.stem == model), None)
            if named is None:
                raise self._error(
                    FailureKind.MODEL_NOT_FOUND,
                    f"there is no model {model}",
                    f"Use {path.stem}, or install another: `aiex-lsp models install FILE`",
                )
            path = named
        info, problem = self._read(path)
        if info is None:
            raise self._error(
                FailureKind.NOT_CONFIGURED,
                f"{path.name} cannot be used: {problem}",
                "Run `aiex-lsp models install` to get a good one",
            )
        return info

    def _error(self, kind: FailureKind, what: str, step: str) -> ProviderError:
        return ProviderError(kind, f"{self.name}: {what}", step, provider=self.name)


def _hand_over(
    loop: asyncio.AbstractEventLoop,
    items: asyncio.Queue[Mapping[str, Any] | Outcome],
    item: Mapping[str, Any] | Outcome,
) -> None:
    loop.call_soon_threadsafe(items.put_nowait, item)


async def _drain(items: asyncio.Queue[Mapping[str, Any] | Outcome]) -> None:
    """Return once the engine has stopped."""
    while not isinstance(await items.get(), Outcome):
        pass
