"""The table of `aiex/*` methods: each a request, and under the same name a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import attrs

from aiex_lsp.errors import UsageError
from aiex_lsp.server.messages import CallParams, Params
from aiex_lsp.server.work import TaskMethod, run_as_command, run_as_request

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

Handler = Callable[[Any, Any], Awaitable[Any]]
"""(server, params) -> the result as JSON."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method: how its params are read, and what it does either way it is called."""

    name: str
    params: type[Params]
    request: Handler
    command: Handler


def add_method(server: AiexServer, name: str, params: type[Params], answer: Handler) -> None:
    """Register a method that answers at once, as request and command alike."""
    _register(server, Method(name, params, answer, answer))


def add_task(server: AiexServer, task: TaskMethod) -> None:
    """Register a method that asks a model."""

    async def request(ls: AiexServer, params: Any) -> Any:
        return await run_as_request(ls, task, params)

    async def command(ls: AiexServer, params: Any) -> Any:
        return await run_as_command(ls, task, params)

    _register(server, Method(task.name, task.params, request, command))


async def run_command(
    ls: AiexServer, name: str, arguments: Sequence[Any], token: int | str | None = None
) -> Any:
    """Return a command's answer. Raises `UsageError` for one there is not, or wrong arguments.

    `token` is the progress token of the request itself. It ends with the request's answer, so
    that only a command that waits can use it.
    """
    method = ls.methods.get(name)
    if method is None:
        raise UsageError(f"`command`: there is no {name}")
    if len(arguments) > 1:
        raise UsageError(f"`arguments`: {name} takes one object")
    params = method.params.read(arguments[0] if arguments else None)
    if isinstance(params, CallParams) and params.wait and params.work_done_token is None:
        params = attrs.evolve(params, work_done_token=token)
    return await method.command(ls, params)


def _register(server: AiexServer, method: Method) -> None:
    async def handle(ls: AiexServer, params: Any) -> Any:
        return await method.request(ls, method.params.read(params))

    server.methods[method.name] = method
    server.feature(method.name)(handle)
