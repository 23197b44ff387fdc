"""Strategies by name, the users' own among them: whatever those do, every candidate is ranked."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import importlib
import inspect
import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, InvalidStateError
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from random import Random
from typing import Any, TypeVar

from aiex_lsp.errors import UsageError
from aiex_lsp.llm.strategies import NAMES, STRATEGIES, CandidateView, LoadBalanced, Ranked, Strategy
from aiex_lsp.llm.types import RequestFacts

GROUP = "aiex_lsp.strategies"
"""Entry point group of installed strategies: name, and `module:Class`."""

RANK_SECONDS = 0.1
"""Longest time a strategy of a user's own may take; the user waits for it."""

LOAD_SECONDS = 5.0
"""Longest time a call waits for a strategy to be imported; later calls find it then."""

LONGEST_NOTE = 200

T = TypeVar("T")

log = logging.getLogger(__name__)


def installed() -> dict[str, EntryPoint]:
    """Return the installed strategies by name. Blocking: reads the packages' metadata."""
    return {point.name: point for point in entry_points(group=GROUP)}


class StrategyLoader:
    """Makes each strategy once in a process, and completes what it ranks."""

    def __init__(
        self,
        random: Random,
        points: Callable[[], Mapping[str, EntryPoint]] = installed,
        rank_seconds: float = RANK_SECONDS,
    ) -> None:
        self._points = points
        self._rank_seconds = rank_seconds
        self._built_in = {name: make(random) for name, make in STRATEGIES.items()}
        self._by_load = LoadBalanced(random)
        self._own: dict[str, Strategy | None] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._threads = _DaemonThreads()
        self._stuck: dict[str, threading.Event] = {}
        self._warned: set[tuple[str, str]] = set()

    async def ranked(
        self, name: str, candidates: Sequence[CandidateView], request: RequestFacts
    ) -> list[Ranked]:
        """Return every candidate once, the best first.

        Raises `UsageError` for a name that is neither built in, installed, nor `module:Class`.
        """
        built_in = self._built_in.get(name)
        if built_in is not None:
            return list(built_in.rank(candidates, request))
        if name in self._own:
            strategy = self._own[name]
        else:
            strategy = await self._in_time(name, LOAD_SECONDS, lambda: self._load(name))
        answer: list[object] | None = None
        if strategy is not None:
            answer = await self._in_time(
                name, self._rank_seconds, lambda: self._rank(name, strategy, candidates, request)
            )
        good = self._checked(name, answer or [], candidates)
        names = {one.candidate.name for one in good}
        missing = [one for one in candidates if one.name not in names]
        if missing and answer is not None:
            self._warn(name, "does not rank every candidate", "load_balanced adds the rest")
        return [*good, *(self._by_load.rank(missing, request) if missing else [])]

    async def _in_time(self, name: str, seconds: float, work: Callable[[], T]) -> T | None:
        """Return what `work` returns in a thread, None where it takes too long.

        Until a thread that was given up ends, its strategy is not used: they must not pile up.
        """
        given_up = self._stuck.get(name)
        if given_up is not None and not given_up.is_set():
            return None
        done = threading.Event()

        def run() -> T:
            try:
                return work()
            finally:
                done.set()

        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, run)
        except asyncio.CancelledError:
            self._stuck[name] = done
            raise
        except TimeoutError:
            self._stuck[name] = done
            self._warn(name, f"takes longer than {seconds:g} s")
            return None

    def _load(self, name: str) -> Strategy | None:
        """Return the strategy, None where it cannot be had. Blocking: imports, for a thread."""
        with self._loading.setdefault(name, threading.Lock()):
            if name not in self._own:
                self._own[name] = self._made(name)
            return self._own[name]

    def _made(self, name: str) -> Strategy | None:
        module, _, attribute = name.partition(":")
        if not attribute:
            points = self._points()
            if name not in points:
                raise _unknown(name, points)
            module, _, attribute = points[name].value.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
            strategy = found()
            if not callable(getattr(strategy, "rank", None)):
                raise TypeError
        except BaseException as error:  # noqa: BLE001  a module may even exit
            self._warn(name, f"cannot be loaded ({type(error).__name__})")
            return None
        made: Strategy = strategy
        return made

    def _rank(
        self,
        name: str,
        strategy: Strategy,
        candidates: Sequence[CandidateView],
        request: RequestFacts,
    ) -> list[object] | None:
        """Return what the strategy returns, whatever that is; None where it fails."""
        try:
            found: Any = strategy.rank(tuple(candidates), request)
            if inspect.iscoroutine(found):
                found.close()
                raise TypeError
            # One that yields without end is cut: no answer needs more.
            return list(islice(found, 2 * len(candidates) + 1))
        except BaseException as error:  # noqa: BLE001  nothing it raises may end a call
            self._warn(name, f"raised {type(error).__name__}")
            return None

    def _checked(
        self, name: str, answer: Sequence[object], candidates: Sequence[CandidateView]
    ) -> list[Ranked]:
        """Return what of the answer can be used."""
        unseen = {one.name: one for one in candidates}
        given = set(unseen)
        good: list[Ranked] = []
        for one in answer:
            if not isinstance(one, Ranked) or not isinstance(one.candidate, CandidateView):
                self._warn(name, "returned something that is no Ranked")
            elif one.candidate.name not in given:
                self._warn(name, "returned a provider that is no candidate")
            elif one.candidate.name not in unseen:
                self._warn(name, "returned a candidate twice")
            else:
                good.append(
                    Ranked(
                        unseen.pop(one.candidate.name),
                        _finite(one.score),
                        one.note[:LONGEST_NOTE] if isinstance(one.note, str) else "",
                        one.left_out is True,
                    )
                )
        return good

    def _warn(self, name: str, what: str, then: str = "load_balanced decides") -> None:
        if (name, what) not in self._warned:
            self._warned.add((name, what))
            log.warning("Strategy %s %s; %s", name, what, then)


class _DaemonThreads(Executor):
    """Runs each job in a thread of its own, which does not keep the process from ending."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            # Where nobody waits any more (cancelled, or the loop has closed), nobody is told.
            with contextlib.suppress(InvalidStateError, RuntimeError):
                try:
                    result = fn(*args, **kwargs)
                except Exception as error:  # noqa: BLE001  handed to whoever waits
                    future.set_exception(error)
                else:
                    future.set_result(result)

        threading.Thread(target=run, name="strategy", daemon=True).start()
        return future


def _finite(score: object) -> float | None:
    if isinstance(score, bool) or not isinstance(score, int | float):
        return None
    return float(score) if abs(score) < 1e300 and math.isfinite(score) else None


def _unknown(name: str, points: Mapping[str, EntryPoint]) -> UsageError:
    known = [*NAMES, *sorted(points)]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(known)}"
    return UsageError(f"Strategy {name[:60]!r} is not known", hint)
