"""Server-sent events, with the comments that servers send as a sign of life.

The kept decoder (httpx-sse) drops comments and has no bound on a line; both matter here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its name ("" for the default) and its data; or a comment."""

    event: str = ""
    data: str = ""
    comment: bool = False


class SseDecoder:
    """Makes events of lines, by https://html.spec.whatwg.org/multipage/server-sent-events.html."""

    def __init__(self) -> None:
        self._event = ""
        self._data: list[str] = []

    def line(self, line: str) -> ServerEvent | None:
        """Return the event that this line completes."""
        line = line.removeprefix("\ufeff")
        if not line:
            return self.close()
        if line.startswith(":"):
            return ServerEvent(data=line[1:].strip(), comment=True)
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._event = value
        elif field == "data":
            self._data.append(value)
        return None

    def close(self) -> ServerEvent | None:
        """Return the event that is open; some servers end the stream without its empty line."""
        event, data = self._event, self._data
        self._event, self._data = "", []
        return ServerEvent(event, "\n".join(data)) if data else None
