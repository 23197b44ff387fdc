"""A raw LSP client for tests: it sees each message as it is on the wire.

It keeps documents as an editor does, applies the edits it is sent, and answers the server's
requests as its capabilities say.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

Json = dict[str, Any]
_BREAK = re.compile("\r\n|\n|\r")
_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
LIMIT = 10.0


class RequestFailed(Exception):
    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.message = error["message"]


class Editor:
    """One editor of given capabilities, over any pair of streams."""

    def __init__(self, capabilities: Json, send: Callable[[bytes], None]) -> None:
        self.capabilities = copy.deepcopy(capabilities)
        self._send_bytes = send
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Event()
        self.encoding = "utf-16"
        self.received: list[Json] = []
        self.documents: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.diagnostics: dict[str, list[Json]] = {}
        self.shown: list[Json] = []
        self.edits: list[Json] = []
        self.configuration: Any = None
        self.answers: dict[str, Any] = {}
        """What to answer to a server's request by method; an Exception refuses, None by default
        says nothing for the methods it names with `SILENT`."""

    SILENT = object()

    # -- wire ---------------------------------------------------------------------------------

    def send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params})

    def start(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Any]]:
        """Send a request; return its id and the future of its result."""
        self._next += 1
        future = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = future
        self.send({"id": self._next, "method": method, "params": params})
        return self._next, future

    async def request(self, method: str, params: Any = None) -> Any:
        async with asyncio.timeout(LIMIT):
            return await self.start(method, params)[1]

    async def command(self, name: str, *arguments: Any) -> Any:
        params = {"command": name, "arguments": list(arguments)}
        return await self.request("workspace/executeCommand", params)

    def cancel(self, request_id: int) -> None:
        self.notify("$/cancelRequest", {"id": request_id})

    async def read_from(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            length = int(line.split(b":")[1])
            while (await reader.readline()).strip():
                pass
            self.take(json.loads(await reader.readexactly(length)))

    def take(self, message: Json) -> None:
        """Take one message of the server."""
        self.received.append(message)
        if "method" in message:
            params = message.get("params")
            if "id" in message:
                self._answer(message["id"], message["method"], params)
            else:
                self._on_notification(message["method"], params)
        elif (future := self._waiting.pop(message.get("id"), None)) and not future.done():
            if "error" in message:
                future.set_exception(RequestFailed(message["error"]))
                future.exception()
            else:
                future.set_result(message["result"])
        self._changed.set()

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Return what `condition` gives once it holds, looked at after each message.

        What the server does without a message is seen by the next look.
        """
        async with asyncio.timeout(LIMIT):
            while not (found := condition()):
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.01)
            return found

    # -- what the server says -----------------------------------------------------------------

    def notifications(self, method: str) -> list[Any]:
        return [m["params"] for m in self.received if m.get("method") == method and "id" not in m]

    def requests(self, method: str) -> list[Any]:
        return [m["params"] for m in self.received if m.get("method") == method and "id" in m]

    @property
    def messages(self) -> list[str]:
        return [m["message"] for m in self.notifications("window/showMessage")]

    def progress(self, token: Any) -> list[Any]:
        return [p["value"] for p in self.notifications("$/progress") if p["token"] == token]

    def joined_deltas(self, token: Any) -> str:
        """Return the text a client has that joins deltas after the last restart."""
        text = ""
        for value in self.progress(token):
            text = "" if value.get("restart") else text + value.get("delta", "")
        return text

    def _on_notification(self, method: str, params: Json) -> None:
        if method == "textDocument/publishDiagnostics":
            self.diagnostics[params["uri"]] = params["diagnostics"]

    def _answer(self, msg_id: Any, method: str, params: Json) -> None:
        answer = self.answers.get(method)
        if answer is Editor.SILENT:
            return
        if isinstance(answer, Exception):
            self.send({"id": msg_id, "error": {"code": -32601, "message": str(answer)}})
            return
        if answer is None:
            answer = self._default(method, params)
        elif callable(answer):
            answer = answer(params)
        self.send({"id": msg_id, "result": answer})

    def _default(self, method: str, params: Json) -> Any:
        if method == "workspace/applyEdit":
            self.edits.append(params)
            return self.apply(params["edit"])
        if method == "window/showDocument":
            uri = params["uri"]
            text = Path(unquote(urlsplit(uri).path)).read_text() if ".md" in uri else None
            self.shown.append({**params, "text": text})
            return {"success": True}
        if method == "workspace/configuration":
            return [self.configuration for _ in params["items"]]
        return None

    # -- documents ----------------------------------------------------------------------------

    def open(self, uri: str, text: str, language: str = "python") -> None:
        self.documents[uri], self.versions[uri] = text, 1
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, *changes: Json) -> None:
        """Send content changes and make them in the editor's own text."""
        for change in changes:
            text = self.documents[uri]
            if "range" in change:
                start, end = (self.offset(text, change["range"][k]) for k in ("start", "end"))
                text = text[:start] + change["text"] + text[end:]
            else:
                text = change["text"]
            self.documents[uri] = text
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)}
        )

    def close(self, uri: str) -> None:
        del self.documents[uri]
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def apply(self, edit: Json) -> Json:
        """Apply a workspace edit, refusing what a real editor refuses."""
        texts = dict(self.documents)
        changes = edit.get("documentChanges")
        if changes is None:
            changes = [
                {"textDocument": {"uri": uri, "version": None}, "edits": edits}
                for uri, edits in edit.get("changes", {}).items()
            ]
        for change in changes:
            if change.get("kind") == "create":
                texts.setdefault(change["uri"], "")
                continue
            uri, version = change["textDocument"]["uri"], change["textDocument"]["version"]
            if version is not None and version != self.versions.get(uri):
                return {"applied": False, "failureReason": "the document has changed"}
            text = texts.get(uri, "")
            for one in sorted(
                change["edits"], key=lambda e: self.offset(text, e["range"]["start"]), reverse=True
            ):
                start, end = (self.offset(text, one["range"][k]) for k in ("start", "end"))
                text = text[:start] + one["newText"] + text[end:]
            texts[uri] = text
        self.documents = texts
        return {"applied": True}

    def offset(self, text: str, position: Json) -> int:
        """Return the offset of a position, found by encoding its line (independent of ours)."""
        starts = [0, *(m.end() for m in _BREAK.finditer(text))]
        if position["line"] >= len(starts):
            return len(text)
        start = starts[position["line"]]
        line = _BREAK.split(text[start:], maxsplit=1)[0]
        codec, width = _CODECS[self.encoding]
        data = line.encode(codec, "surrogatepass")[: position["character"] * width]
        return start + len(data.decode(codec, "ignore"))

    def position(self, text: str, offset: int) -> Json:
        """Return the position of an offset in this editor's encoding."""
        starts = [0, *(m.end() for m in _BREAK.finditer(text, 0, len(text)))]
        line = max(i for i, start in enumerate(starts) if start <= offset)
        codec, width = _CODECS[self.encoding]
        before = text[starts[line] : offset].encode(codec, "surrogatepass")
        return {"line": line, "character": len(before) // width}

    # -- session ------------------------------------------------------------------------------

    async def initialize(
        self, root: Path | None = None, options: Any = None, process_id: int | None = None
    ) -> Json:
        folders = [{"uri": root.as_uri(), "name": root.name}] if root else None
        result = await self.request(
            "initialize",
            {
                "processId": process_id,
                "clientInfo": {"name": "test"},
                "rootUri": root.as_uri() if root else None,
                "workspaceFolders": folders,
                "capabilities": self.capabilities,
                "initializationOptions": options,
            },
        )
        self.encoding = result["capabilities"]["positionEncoding"]
        self.notify("initialized", {})
        return result

    async def leave(self) -> None:
        await self.request("shutdown")
        self.notify("exit")
