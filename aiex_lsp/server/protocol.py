"""The protocol line: pygls' framing and routing, with its traps taken out.

Messages are structured here by their method, so that a nested `"jsonrpc"` key harms nothing;
answers of the client are awaited without pygls' futures, so that a cancelled wait breaks nothing;
errors go out without tracebacks, and nothing of a message is logged.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from cattrs import transform_error
from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)

from aiex_lsp.errors import AiexError, AnswerError, EditError, UsageError
from aiex_lsp.server.documents import UNNUMBERED

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

logger = logging.getLogger(__name__)

PARSE_ERROR, INVALID_REQUEST, NOT_FOUND = -32700, -32600, -32601
INVALID_PARAMS, INTERNAL, NOT_INITIALIZED = -32602, -32603, -32002
CANCELLED, REQUEST_FAILED = -32800, -32803

_UNTYPED = frozenset({types.INITIALIZE, types.INITIALIZED, types.SHUTDOWN, types.EXIT})
_NUMBERED = frozenset({types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE})


class AiexProtocol(LanguageServerProtocol):
    """One connection's messages."""

    _server: AiexServer

    def __init__(self, server: AiexServer, converter: Any) -> None:
        super().__init__(server, converter)
        self._asked: dict[str, asyncio.Future[Any]] = {}
        self._ids = itertools.count(1)
        self._initialized = False

    def _register_builtin_features(self) -> None:
        for name, handler in (
            (types.INITIALIZE, self.lsp_initialize),
            (types.SHUTDOWN, self.lsp_shutdown),
            (types.EXIT, self.lsp_exit),
            (types.WORKSPACE_EXECUTE_COMMAND, self.lsp_workspace__execute_command),
        ):
            self.fm.add_builtin_feature(name, handler)

    # -- incoming ---------------------------------------------------------------------------

    def structure_message(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON object as it is; see `handle_message`."""
        return data

    def handle_message(self, message: Any) -> None:
        """Give one decoded message to its handler, or answer what is wrong with it."""
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            self.refuse(None, INVALID_REQUEST, "Not a JSON-RPC 2.0 message")
            return
        method, msg_id = message.get("method"), message.get("id")
        if method is None:
            self._take_response(message)
            return
        if not isinstance(msg_id, int | str | None) or not isinstance(method, str):
            known = msg_id if isinstance(msg_id, int | str) else None
            self.refuse(known, INVALID_REQUEST, "`method` is a string, `id` a number or a string")
            return
        if msg_id is not None and not self._may_ask(method, msg_id):
            return
        if msg_id is None and not self._initialized and method != types.EXIT:
            return
        try:
            params = self._params(method, message)
        except BaseValidationError as error:
            reasons = "; ".join(transform_error(error, path="params")[:2])
            if msg_id is None:
                logger.warning("Ignored a %s that is not valid: %s", method, reasons)
                if method == types.TEXT_DOCUMENT_DID_CHANGE:
                    _lose(self._server, message.get("params"))
            else:
                self.refuse(msg_id, INVALID_PARAMS, f"Invalid params: {reasons}"[:300])
            return
        context = contextvars.copy_context()
        if msg_id is None:
            context.run(self._handle_notification, method, params)
        else:
            context.run(self._handle_request, msg_id, method, params)

    def _may_ask(self, method: str, msg_id: Any) -> bool:
        if self._shutdown:
            self.refuse(msg_id, INVALID_REQUEST, "The server was shut down")
        elif not self._initialized and method != types.INITIALIZE:
            self.refuse(msg_id, NOT_INITIALIZED, "The server is not initialized")
        elif self._initialized and method == types.INITIALIZE:
            self.refuse(msg_id, INVALID_REQUEST, "The server is initialized already")
        elif method not in self.fm.features and method not in self.fm.builtin_features:
            self.refuse(msg_id, NOT_FOUND, f"Unknown method {method}")
        else:
            return True
        return False

    def _params(self, method: str, message: dict[str, Any]) -> Any:
        message_type = self.get_message_type(method)
        if message_type is None or method in _UNTYPED:
            return message.get("params")
        if method in _NUMBERED:
            message = _numbered(message)
        try:
            return self._converter.structure(message, message_type).params
        except BaseValidationError:
            raise
        except Exception as error:
            raise BaseValidationError("params", [error], message_type) from error

    def _handle_notification(self, method_name: str, params: Any) -> None:
        if method_name == types.CANCEL_REQUEST:
            future = self._request_futures.get(params.id)
            if future is not None:
                future.cancel()
        elif method_name in self.fm.features or method_name in self.fm.builtin_features:
            super()._handle_notification(method_name, params)

    # -- answers to the client --------------------------------------------------------------

    def _send_handler_result(self, future: Future[Any], *, msg_id: Any) -> None:
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self.refuse(msg_id, CANCELLED, "The request was cancelled")
            return
        error = future.exception()
        if error is None:
            self._send_data(
                JsonRPCResponseMessage(id=msg_id, result=future.result(), jsonrpc=self.VERSION)
            )
        elif isinstance(error, UsageError):
            self.refuse(msg_id, INVALID_PARAMS, error.user_message())
        elif isinstance(error, AiexError):
            self.refuse(msg_id, REQUEST_FAILED, error.user_message(), unused_text(error))
        elif isinstance(error, JsonRpcException):
            self.refuse(msg_id, error.code, error.message)
        else:
            logger.error("A request failed by a fault of aiex-lsp", exc_info=error)
            self.refuse(msg_id, INTERNAL, internal_error(error))

    def _check_handler_result(self, future: Future[Any]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("A notification could not be handled", exc_info=error)

    def refuse(self, msg_id: Any, code: int, message: str, text: str = "") -> None:
        """Answer a request with an error; `text` is what a model wrote in vain."""
        error: dict[str, Any] = {"code": code, "message": message}
        if text:
            error["data"] = {"text": text}
        self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "error": error})

    def _send_data(self, data: Any) -> None:
        """Send one message; a result that is no JSON is answered as a fault of ours."""
        try:
            body = json.dumps(data, default=self._serialize_message, allow_nan=False).encode()
        except Exception as error:
            logger.error("A message could not be written", exc_info=error)
            if isinstance(data, JsonRPCResponseMessage):
                self.refuse(data.id, INTERNAL, internal_error(error))
            return
        if self.writer is not None:
            head = (
                f"Content-Length: {len(body)}\r\nContent-Type: {self.CONTENT_TYPE}; charset=utf-8"
            )
            self.writer.write(head.encode() + b"\r\n\r\n" + body)

    # -- what the server asks and tells -----------------------------------------------------

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send_data(JsonRPCNotification(method=method, params=params, jsonrpc=self.VERSION))

    async def ask(self, method: str, params: Any, limit: float) -> Any:
        """Return the client's raw answer to a request.

        Raises `TimeoutError` after `limit` seconds, `JsonRpcException` where it refuses.
        """
        msg_id = f"aiex-{next(self._ids)}"
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[msg_id] = future
        try:
            self._send_data(
                JsonRPCRequestMessage(id=msg_id, method=method, params=params, jsonrpc=self.VERSION)
            )
            async with asyncio.timeout(limit):
                return await future
        finally:
            self._asked.pop(msg_id, None)

    def _take_response(self, message: Mapping[str, Any]) -> None:
        future = self._asked.get(str(message.get("id")))
        if future is None or future.done():
            return
        error = message.get("error")
        if isinstance(error, Mapping):
            future.set_exception(
                JsonRpcException(str(error.get("message")), code=error.get("code"))
            )
        else:
            future.set_result(message.get("result"))

    # -- lifecycle --------------------------------------------------------------------------

    @property
    def shut_down(self) -> bool:
        """Whether the client has asked for the end."""
        return bool(self._shutdown)

    def lsp_initialize(self, params: Any) -> types.InitializeResult:  # type: ignore[override]
        """Answer at once; services are made afterwards."""
        from aiex_lsp.server.lifecycle import initialize

        self._initialized = True
        return initialize(self._server, params if isinstance(params, Mapping) else {})

    async def lsp_shutdown(self, *_: Any) -> None:  # type: ignore[override]
        """Cancel everything that runs, then answer; nothing new begins meanwhile."""
        self._shutdown = True
        current = self.msg_id
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != current:
                future.cancel()
        self._server.hovers.cancel()
        await self._server.work.cancel_all(self._server.limits.shutdown)

    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        """End the connection; exit status 0 after a shutdown, else 1."""
        self._server.exit_code = 0 if self.shut_down else 1
        self._server.stopped.set()

    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Run a method of ours as a command."""
        from aiex_lsp.server.routing import run_command

        return await run_command(
            self._server, params.command, params.arguments or [], params.work_done_token
        )


def _numbered(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose document has a version where it is null, as in LSP before 3.16."""
    params = message.get("params")
    document = params.get("textDocument") if isinstance(params, Mapping) else None
    if not isinstance(params, Mapping) or not isinstance(document, Mapping):
        return message
    if document.get("version") is not None:
        return message
    document = {**document, "version": UNNUMBERED}
    return {**message, "params": {**params, "textDocument": document}}


def _lose(ls: AiexServer, params: Any) -> None:
    """Forget a document of which a change could not be read: its text is not known any more."""
    from aiex_lsp.server.notifications.did_close import close_document

    document = params.get("textDocument") if isinstance(params, Mapping) else None
    uri = document.get("uri") if isinstance(document, Mapping) else None
    if isinstance(uri, str) and ls.documents.get(uri) is not None:
        close_document(ls, uri)


def internal_error(error: BaseException) -> str:
    """Return what users are told of a fault of ours: no message of it, it may hold code."""
    return f"aiex-lsp failed inside ({type(error).__name__}). Its log has the details; report it."


def unused_text(error: AiexError) -> str:
    """Return what a model wrote that could not be used, "" where there is none."""
    return error.text if isinstance(error, AnswerError | EditError) else ""
