"""A provider that a script inside an editor directs through files of one folder.

`next` holds the pieces of the next answer as JSON; the piece HOLD writes `held` and goes on when
there is `go`, CUT breaks the connection. While there is `dead` every connection is refused. A
client that goes while an answer is held is told by `left`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.servers.openai import MODEL, OpenAIServer
from tests.servers.script import Drop, Reply, Step
from tests.servers.sockets import Request, reset, send_chunk

HOLD = "<hold>"
CUT = "<cut>"


class DirectedServer(OpenAIServer):
    """An OpenAI server that does what the files of `folder` say."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(**options)
        self.folder = folder
        usual = self.answer
        self.answer = lambda body: self._scripted() or usual(body)
        self.models = [*self.models, {"id": "gpt-other", "object": "model", "owned_by": "desk"}]

    def _scripted(self) -> Reply | None:
        script = self.folder / "next"
        if not script.exists():
            return None
        pieces = json.loads(script.read_text(encoding="utf-8"))
        script.unlink()
        return Reply(pieces=pieces)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (self.folder / "dead").exists():
            reset(writer)
        else:
            super()._accept(reader, writer)

    def _choose(self, request: Request) -> Step:
        # Connections that were open before it died.
        return Drop() if (self.folder / "dead").exists() else super()._choose(request)

    async def _stream(
        self, reply: Reply, body: dict[str, Any], writer: asyncio.StreamWriter
    ) -> bool:
        await self._head(writer, reply.headers)
        for kind, data in self.events(reply, body):
            if kind == "text" and f'"{HOLD}"'.encode() in data:
                await self._hold()
            elif kind == "text" and f'"{CUT}"'.encode() in data:
                reset(writer)
                return False
            else:
                await send_chunk(writer, data)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _hold(self) -> None:
        go = self.folder / "go"
        (self.folder / "held").touch()
        try:
            while not go.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            (self.folder / "left").touch()
            raise
        go.unlink()


__all__ = ["CUT", "HOLD", "MODEL", "DirectedServer"]
