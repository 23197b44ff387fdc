"""What other servers, and this user's last process, measured of the providers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.measured_peers import NEWS_SECONDS
from aiex_lsp.llm.status_json import payload, read_payload

if TYPE_CHECKING:
    from aiex_lsp.state.shared import SharedState


class Peers:
    """Brings the board what others told. A command's process would else begin with nothing."""

    def __init__(self, store: SharedState, board: Board) -> None:
        self._store = store
        self._board = board
        self._last: dict[str, Mapping[str, Any]] = {}
        self._recalled = False
        self._recalling = asyncio.Lock()

    async def recall(self) -> None:
        """Take what is known before the first choice; again does nothing."""
        async with self._recalling:  # whoever comes meanwhile chooses by it too
            if self._recalled:
                return
            kept = await self._store.get(self._key)
            self._last = {"last": read_payload(kept).board} if kept else {}
            await self.listen()
            self._recalled = True

    async def listen(self) -> None:
        """Take what the members tell now."""
        members = [one for one in await self._store.members() if one.id != self._store.member_id]
        told = {one.id: read_payload(one.payload).board for one in members}
        self._board.take_peers({**self._last, **told})

    async def remember(self) -> None:
        """Keep what was measured here for the process after this one, for a few minutes."""
        board = self._board.export()
        if self._recalled and board["measured"]:
            await self._store.put(self._key, payload([], board), NEWS_SECONDS)

    @property
    def _key(self) -> str:
        return f"board/{self._store.host}"
