"""Whether the shared store can be asked now: lost once, told once, tried again, back once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiex_lsp.errors import AiexError, StateError
from aiex_lsp.state.primary import PrimaryStore, UnsuitableError

T = TypeVar("T")

TIME_LIMIT = 1.0
"""Seconds any operation may take. The stores have a shorter limit of their own, which knows why."""

FIRST_TIME_LIMIT = 5.0
"""The same until the store was used for the first time: it opens files and imports its library."""

PAUSES = (1.0, 30.0)
"""Seconds between two tries to have it back: the first, and the longest; doubled each time."""

STEADY = 60.0
"""Seconds the store must have been well for the pauses to begin at the first again."""

MESSAGE = 300
"""Longest sentence told to the user, in characters."""

log = logging.getLogger(__name__)


class Away(Exception):
    """The shared store cannot be asked now; `tried`: it was asked, and may have done it."""

    def __init__(self, *, tried: bool) -> None:
        super().__init__()
        self.tried = tried


class Lifeline:
    """Asks the store, and knows whether it is there.

    `restore` brings a store that is back up to date and returns whether it is now; `on_lost` and
    `on_back` are called with each change, and return what the user is told beside the reason.
    `tell` gets one plain sentence a change. `monotonic` is in seconds.
    """

    def __init__(
        self,
        store: PrimaryStore,
        *,
        tell: Callable[[str], None],
        monotonic: Callable[[], float],
        on_lost: Callable[[], str],
        on_back: Callable[[], None],
        restore: Callable[[PrimaryStore], Awaitable[None]],
        time_limit: float = TIME_LIMIT,
        pauses: tuple[float, float] = PAUSES,
    ) -> None:
        self.store = store
        self.degraded: str | None = None
        self.permanent = False
        self.longest_pause = pauses[1]
        self._tell = tell
        self._monotonic = monotonic
        self._on_lost, self._on_back, self._restore = on_lost, on_back, restore
        self._limit = time_limit
        self._first_pause = pauses[0]
        self._pause = pauses[0]
        self._next_try = 0.0
        self._back_at: float | None = None
        self._used = False
        self._closed = False
        self._trying: asyncio.Task[bool] | None = None

    async def ask(self, step: Callable[[PrimaryStore], Awaitable[T]]) -> T:
        """Return what the store answers. Raises `Away` where it cannot be asked or fails."""
        if self._closed:
            raise Away(tried=False)
        if self.degraded is not None:
            self._try_again()
            raise Away(tried=False)
        try:
            async with asyncio.timeout(self._limit if self._used else FIRST_TIME_LIMIT):
                answer = await step(self.store)
        except StateError as error:
            self._lose(error)
        except TimeoutError:
            self._lose(
                StateError(
                    f"The shared state ({self.store.kind}) did not answer in time",
                    "Look at the disk's or the network's load",
                )
            )
        except Exception as error:  # a fault of ours must not cost the user's request either
            log.exception("shared state: unexpected error")
            self._lose(
                StateError(
                    f"The shared state ({self.store.kind}) failed ({type(error).__name__})",
                    "Report this with the log",
                )
            )
        else:
            self._used = True
            return answer
        raise Away(tried=True)

    async def recover(self) -> bool:
        """Return whether the store can be used, trying it now if it was lost."""
        if self.degraded is None:
            return True
        if self.permanent or self._closed:
            return False
        if self._trying is None or self._trying.done():
            self._trying = asyncio.create_task(self._try())
        return await asyncio.shield(self._trying)

    async def aclose(self) -> None:
        """Stop trying and close the store; may be called twice."""
        self._closed = True
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])
        with contextlib.suppress(StateError, TimeoutError):
            async with asyncio.timeout(self._limit):
                await self.store.aclose()

    def _try_again(self) -> None:
        """Try the store in the background if its time has come: nobody waits for it."""
        due = not self.permanent and self._monotonic() >= self._next_try
        if due and (self._trying is None or self._trying.done()):
            self._trying = asyncio.create_task(self._try())

    async def _try(self) -> bool:
        try:
            async with asyncio.timeout(FIRST_TIME_LIMIT):
                await self._restore(self.store)
        except (StateError, TimeoutError) as error:
            self._wait_longer()
            log.debug("shared state: still away: %s", error or "no answer in time")
            return False
        except Exception:
            self._wait_longer()
            log.exception("shared state: unexpected error")
            return False
        self.degraded = None
        self._used = True
        self._back_at = self._monotonic()
        self._on_back()
        self._say(f"The shared state ({self.store.kind}) works again.")
        return True

    def _lose(self, error: StateError) -> None:
        if self.degraded is not None:
            return
        self.degraded = error.what
        self.permanent = isinstance(error, UnsuitableError)
        now = self._monotonic()
        if self._back_at is None or now - self._back_at >= STEADY:
            self._pause = self._first_pause
        self._next_try = now + self._pause
        alone = self._on_lost()
        self._say(AiexError(f"{error.what}; {alone}", error.next_step).user_message(MESSAGE))

    def _wait_longer(self) -> None:
        self._pause = min(2 * self._pause, self.longest_pause)
        self._next_try = self._monotonic() + self._pause

    def _say(self, sentence: str) -> None:
        log.warning("shared state: %s", sentence)
        try:
            self._tell(sentence)
        except Exception:
            log.exception("shared state: the user could not be told")
