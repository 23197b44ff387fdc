"""An editor and its machine, for the end-to-end tests.

pytest-lsp starts the real server, speaks the protocol and holds the server against the client's
capabilities. What arrives is kept as it was on the wire, in `editor.received`; edits are made in
the editor's own texts, in its own position encoding.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import default_converter
from pygls.protocol.json_rpc import JsonRPCNotification, JsonRPCResponseMessage
from pytest_lsp import ClientServerConfig, LanguageClient
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features
from pytest_lsp.protocol import LanguageClientProtocol

from tests.e2e import profiles
from tests.editor import Editor, Json

LIMIT = 60.0
"""Seconds a test waits for anything; only a hang takes so long."""

_RAW = ("aiex/", "workspace/executeCommand", "textDocument/codeAction")
"""Requests whose result is looked at as it came (lsprotocol reads each CodeAction as Command)."""


class _Protocol(LanguageClientProtocol):
    """Keeps each message as it was on the wire."""

    def structure_message(self, data: Json) -> Any:
        if "jsonrpc" not in data:
            return data
        client: Any = self._server
        client.editor.received.append(json.loads(json.dumps(data)))
        client.editor._changed.set()
        method = data.get("method", "")
        if "id" in data and "result" in data and data["id"] in client.raw_ids:
            return JsonRPCResponseMessage(id=data["id"], jsonrpc="2.0", result=data["result"])
        if "id" not in data and method.startswith(("aiex/", "$/progress")):
            return JsonRPCNotification(method=method, jsonrpc="2.0", params=data["params"])
        return super().structure_message(data)


class Client(LanguageClient):
    """One editor joined to a server process."""

    def __init__(self, profile: str, home: Home) -> None:
        super().__init__(protocol_cls=_Protocol, converter_factory=default_converter)
        self.profile = profile
        self.home = home
        self.raw_ids: set[str] = set()
        self.log: list[str] = []
        """The lines the server wrote to its standard error."""
        self._ids = itertools.count(1)
        self.editor = Editor({}, lambda data: self.protocol.writer.write(data))  # type: ignore
        self.gone = False
        self.provider = ""
        self.shows_documents = True
        self.edit_answer: Callable[[Json], Json] | None = None
        register_lsp_features(self, _FEATURES)

    # -- requests -----------------------------------------------------------------------------

    def start(self, method: str, params: Any = None) -> tuple[str, asyncio.Future[Any]]:
        """Send a request; return its id and the future of its result."""
        msg_id = f"e2e-{next(self._ids)}"
        if method.startswith(_RAW):
            self.raw_ids.add(msg_id)
        found = types.METHOD_TO_TYPES.get(method)
        if found is not None and isinstance(params, dict):
            params = self.protocol._converter.structure(params, found[2])
        sent = self.protocol.send_request_async(method, params, msg_id)
        return msg_id, asyncio.ensure_future(sent)

    async def forward_log(self, server: asyncio.subprocess.Process) -> None:
        """Keep what the server logs, and pass it on to who reads the test's own output."""
        assert server.stderr is not None
        while line := await server.stderr.readline():
            self.log.append(line.decode("utf-8", "replace"))
            sys.stderr.write(self.log[-1])

    async def request(self, method: str, params: Any = None) -> Any:
        """Return the result of a request; raises `JsonRpcException`."""
        async with asyncio.timeout(LIMIT):
            return await self.start(method, params)[1]

    async def command(self, name: str, argument: Json) -> Any:
        """Return the result of a command of the server."""
        params = {"command": name, "arguments": [argument]}
        return await self.request("workspace/executeCommand", params)

    async def failure(self, method: str, params: Any) -> JsonRpcException:
        """Return the error by which a request fails."""
        try:
            result = await self.request(method, params)
        except JsonRpcException as error:
            return error
        raise AssertionError(f"{method} did not fail: {result}")

    def cancel(self, request_id: str) -> None:
        self.cancel_request(types.CancelParams(request_id))

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Return what `condition` gives once it holds, looked at after each message."""
        async with asyncio.timeout(LIMIT):
            while not (found := condition()):
                self.editor._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.editor._changed.wait(), 0.05)
            return found

    # -- what arrives -------------------------------------------------------------------------

    def since(self) -> Mark:
        """Return a mark from which on one looks at what arrives."""
        return Mark(self, len(self.editor.received))

    def findings(self, uri: str) -> list[Json]:
        """Return the diagnostics of source aiex that are shown for a document now."""
        sent = self.editor.notifications("textDocument/publishDiagnostics")
        mine = [params for params in sent if params["uri"] == uri]
        return [d for d in mine[-1]["diagnostics"] if d["source"] == "aiex"] if mine else []

    # -- documents ----------------------------------------------------------------------------

    def open(self, uri: str, text: str, language: str = "python") -> str:
        """Open a document that need not be a file; return its uri."""
        self.editor.open(uri, text, language)
        return uri

    def open_file(self, path: Path, text: str, language: str = "python") -> str:
        """Write a file, open it, and return its uri."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="", encoding="utf-8")
        return self.open(path.as_uri(), text, language)

    def text(self, uri: str) -> str:
        return self.editor.documents[uri]

    def at(self, uri: str, code: str, inside: int = 0) -> Json:
        """Return params that point at the first place of `code`."""
        text = self.text(uri)
        place = self.editor.position(text, text.index(code) + inside)
        return {"textDocument": {"uri": uri}, "position": place}

    def range(self, uri: str, code: str) -> Json:
        """Return the range of the first place of `code`."""
        text = self.text(uri)
        start = text.index(code)
        return {
            "start": self.editor.position(text, start),
            "end": self.editor.position(text, start + len(code)),
        }

    def code_at(self, uri: str, place: Json) -> str:
        """Return the code in a range."""
        text = self.text(uri)
        start, end = (self.editor.offset(text, place[key]) for key in ("start", "end"))
        return text[start:end]

    def replace(self, uri: str, code: str, new: str) -> None:
        """Type `new` in place of `code`."""
        self.editor.change(uri, {"range": self.range(uri, code), "text": new})


class Mark:
    """What arrived after a point in time."""

    def __init__(self, client: Client, start: int) -> None:
        self._client = client
        self._start = start

    def received(self, method: str) -> list[Any]:
        """Return the params of what the server sent of a method, requests and notifications."""
        new = self._client.editor.received[self._start :]
        return [message["params"] for message in new if message.get("method") == method]

    @property
    def messages(self) -> list[str]:
        """Return the texts of `window/showMessage`."""
        return [params["message"] for params in self.received("window/showMessage")]

    def shown(self) -> list[Path]:
        """Return the texts that were shown as a document."""
        uris = [params["uri"] for params in self.received("window/showDocument")]
        return [path_of(uri) for uri in uris if uri.endswith(".md")]

    def progress(self, token: Any) -> list[Json]:
        return [p["value"] for p in self.received("$/progress") if p["token"] == token]

    def joined(self, token: Any) -> str:
        """Return what a client has that joins deltas after the last restart."""
        text = ""
        for value in self.progress(token):
            text = "" if value.get("restart") else text + value.get("delta", "")
        return text


def path_of(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def _apply_edit(client: Client, _params: Any) -> types.ApplyWorkspaceEditResult:
    params = client.editor.requests("workspace/applyEdit")[-1]
    client.editor.edits.append(params)
    for uri in _uris(params["edit"]):
        path = path_of(uri)
        if uri not in client.editor.documents and uri.startswith("file:") and path.exists():
            client.editor.documents[uri] = path.read_bytes().decode()
    answer = (client.edit_answer or client.editor.apply)(params["edit"])
    return types.ApplyWorkspaceEditResult(answer["applied"], answer.get("failureReason"))


def _uris(edit: Json) -> list[str]:
    changes = edit.get("documentChanges") or []
    found = [change.get("uri") or change["textDocument"]["uri"] for change in changes]
    return [*found, *(edit.get("changes") or {})]


def _show_document(client: Client, _params: Any) -> types.ShowDocumentResult:
    return types.ShowDocumentResult(client.shows_documents)


def _ignore(client: LanguageClient, params: Any) -> None:
    """Take a message; `editor.received` has it."""
    del client, params


_FEATURES: dict[str, Any] = {
    **DEFAULT_CLIENT_FEATURES,
    types.WORKSPACE_APPLY_EDIT: _apply_edit,
    types.WINDOW_SHOW_DOCUMENT: _show_document,
    **dict.fromkeys(
        (
            types.PROGRESS,
            types.CLIENT_REGISTER_CAPABILITY,
            types.CLIENT_UNREGISTER_CAPABILITY,
            types.WINDOW_SHOW_MESSAGE_REQUEST,
            "aiex/showMarkdown",
        ),
        _ignore,
    ),
}


class Home:
    """A user's machine as the server sees it: own home, own configuration, no keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "config.toml"
        self.root = folder / "work"
        self.root.mkdir(parents=True, exist_ok=True)
        (folder / "home").mkdir(exist_ok=True)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the server's whole environment."""
        kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "xdg-config"),
            "XDG_CONFIG_DIRS": str(self.folder / "xdg-site"),
            "XDG_STATE_HOME": str(self.folder / "xdg-state"),
            "XDG_CACHE_HOME": str(self.folder / "xdg-cache"),
            "AIEX_STATE_DIR": str(self.state),
            "AIEX_CONFIG": str(self.config),
            "NO_PROXY": "127.0.0.1,localhost",
            **more,
        }


NO_LOCAL_SERVERS = """
[providers.ollama]
enabled = false
[providers.lm_studio]
enabled = false
"""
"""Where a test configures nothing, a real server on the developer's machine is nothing to it."""

_CLOSED: list[socket.socket] = []


def closed_port() -> int:
    """Return a port of this machine at which nothing listens, and nothing will."""
    if not _CLOSED:
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        _CLOSED.append(held)
    port: int = _CLOSED[0].getsockname()[1]
    return port


@asynccontextmanager
async def running(
    home: Home,
    profile: str = "neovim",
    *,
    config: str = "",
    env: Mapping[str, str] | None = None,
    options: Any = None,
    opt_in: Mapping[str, bool] | None = None,
    settings: Any = None,
    without: tuple[str, ...] = (),
) -> AsyncIterator[Client]:
    """Yield an editor whose server runs and is initialized.

    `config` is its config.toml, `settings` what the editor answers for the section `aiex`,
    `without` are capabilities ("window.showDocument") taken from the profile.
    """
    home.config.write_text(config)
    server = ClientServerConfig(
        server_command=[sys.executable, "-m", "aiex_lsp", "serve"],
        client_factory=lambda: Client(profile, home),
        server_env=home.environment(**(env or {})),
    )
    client = await server.start()
    assert isinstance(client, Client)
    if settings is not None:
        client.set_configuration(settings, section="aiex")
    declared = _declared(profile, opt_in, without)
    params = types.InitializeParams(
        capabilities=client.protocol._converter.structure(declared, types.ClientCapabilities),
        process_id=os.getpid(),
        client_info=types.ClientInfo(name=profile),
        root_uri=home.root.as_uri(),
        workspace_folders=[types.WorkspaceFolder(home.root.as_uri(), "work")],
        initialization_options=options,
    )
    process = client._server
    assert process is not None
    if client._stderr_forwarder is not None:
        client._stderr_forwarder.cancel()
    client._stderr_forwarder = asyncio.create_task(client.forward_log(process))
    try:
        async with asyncio.timeout(LIMIT):
            result = await client.initialize_session(params)
        chosen = result.capabilities.position_encoding
        client.editor.encoding = str(getattr(chosen, "value", chosen))
        yield client
        if not client.gone:
            async with asyncio.timeout(LIMIT):
                await client.shutdown_session()
            assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
        await client.stop()


def _declared(profile: str, opt_in: Mapping[str, bool] | None, without: tuple[str, ...]) -> Json:
    declared = profiles.all_profiles()[profile]
    for path in without:
        *parents, last = path.split(".")
        inner = declared
        for name in parents:
            inner = inner[name]
        inner.pop(last, None)
    if opt_in:
        declared["experimental"] = {"aiex": dict(opt_in)}
    return declared


async def elapsed(work: Any) -> tuple[Any, float]:
    """Return the result of an awaitable, and the seconds it took."""
    began = time.monotonic()
    return await work, time.monotonic() - began
