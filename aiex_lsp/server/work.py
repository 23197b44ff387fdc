"""One piece of work for a model, from params to the editor: as a request, or as a command."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import attrs
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from aiex_lsp.errors import AiexError, AnswerError, EditError, StaleEditError
from aiex_lsp.llm.types import Listener
from aiex_lsp.server import convert, edits, guard, show
from aiex_lsp.server.again import offer
from aiex_lsp.server.background import spawn
from aiex_lsp.server.consent import ask_once
from aiex_lsp.server.diagnostics import reported_in
from aiex_lsp.server.documents import shown
from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.listed import as_now
from aiex_lsp.server.messages import CallParams
from aiex_lsp.server.outcome import Outcome, outcome_of
from aiex_lsp.server.outlines import symbol_at
from aiex_lsp.server.progress import Deltas, Progress, View, Watcher
from aiex_lsp.tasks.types import TaskRequest, TaskResult
from aiex_lsp.text.snapshot import Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer
    from aiex_lsp.tasks.service import Tasks

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class At:
    """The document and place a piece of work is about."""

    snapshot: Snapshot
    span: Span | None


@dataclass(frozen=True, slots=True)
class TaskMethod:
    """One method that asks a model.

    `verb` begins titles ("Explain"), `place` finds the document and place or raises
    `UsageError`, `options` are the task's own, `shows` is false where the result is an edit,
    `edits_document` is true where that edit is of the document asked about. `verb_of` gives a
    verb that depends on the params, None where it does not.
    """

    name: str
    params: type[CallParams]
    verb: str
    call: Callable[[Tasks, TaskRequest, Listener], Awaitable[TaskResult]]
    place: Callable[[AiexServer, Any], At]
    options: Callable[[Any], Mapping[str, Any]]
    shows: bool = True
    edits_document: bool = False
    verb_of: Callable[[AiexServer, Any], str | None] = lambda _ls, _params: None


async def run_as_request(ls: AiexServer, method: TaskMethod, params: CallParams) -> Any:
    """Return the result as JSON when it is there."""
    params = as_now(ls, params)
    at = method.place(ls, params)
    token = params.work_done_token
    names = [("token", token)] if token is not None else []
    request_id = ls.protocol.msg_id
    if request_id is not None:
        names.append(("request", request_id))
    with ls.work.track(*names):  # type: ignore[arg-type]
        title = await _title(ls, method, params, at)
        progress = _progress(ls, token, title) if token is not None else None
        outcome = await _perform(ls, method, params, at, Watcher(progress, _deltas(ls, params)))
        return await outcome.json(ls)


async def run_as_command(ls: AiexServer, method: TaskMethod, params: CallParams) -> Any:
    """Return `{accepted}` at once, or with `wait` the result when it was delivered."""
    params = as_now(ls, params)
    at = method.place(ls, params)
    work_id = ls.work.new_id()
    token = params.work_done_token
    names = (("id", work_id), ("token", work_id if token is None else token))
    if params.wait:
        with ls.work.track(*names):  # type: ignore[arg-type]
            return await _command(ls, method, params, at, work_id, _apart(0.0))
    task = asyncio.create_task(_deliver(ls, method, params, at, work_id))
    ls.work.add(task, *names)  # type: ignore[arg-type]
    return {"accepted": work_id}


async def _deliver(
    ls: AiexServer, method: TaskMethod, params: CallParams, at: At, work_id: str
) -> None:
    async def run_again(params: CallParams, snapshot: Snapshot, span: Span | None) -> None:
        work_id = ls.work.new_id()
        fresh = attrs.evolve(params, work_done_token=None, partial_result_token=None)
        again = asyncio.create_task(_deliver(ls, method, fresh, At(snapshot, span), work_id))
        ls.work.add(again, ("id", work_id), ("token", work_id))

    apart = _apart(ls.limits.apart)
    try:
        await asyncio.sleep(0)  # `accepted` goes out before work takes the event loop
        await _command(ls, method, params, at, work_id, apart)
    except StaleEditError as error:
        spawn(ls, offer(ls, error, params, at, run_again))
    except Exception as error:
        logger.debug("A command failed", exc_info=True)
        await apart.wait()
        show.show_failure(ls, error)


def _apart(seconds: float) -> asyncio.Event:
    """Return what is set when nothing comes along with the answer `accepted` any more.

    Those that wait for it go on in the order they came.
    """
    apart = asyncio.Event()
    if seconds > 0:
        asyncio.get_running_loop().call_later(seconds, apart.set)
    else:
        apart.set()
    return apart


async def _command(
    ls: AiexServer,
    method: TaskMethod,
    params: CallParams,
    at: At,
    work_id: str,
    apart: asyncio.Event,
) -> Any:
    if method.edits_document:
        await asyncio.to_thread(edits.ensure_writable, at.snapshot.uri)
    title = await _title(ls, method, params, at)
    token = params.work_done_token
    progress = None
    if token is not None:
        progress = _progress(ls, token, title)
    elif ls.client.work_done_progress:
        progress = _own_progress(ls, work_id, title, apart)
    view = None
    if method.shows and ls.client.show_markdown and not params.wait:
        view = View(
            lambda text, final: show.show_view(ls, work_id, title, text, final=final),
            ls.limits.view_interval,
        )
    watcher = Watcher(progress, _deltas(ls, params), view)
    try:
        outcome = await _perform(ls, method, params, at, watcher)
    except asyncio.CancelledError:
        if view is not None:
            view.abandon("Cancelled.")
        raise
    except Exception as error:
        if view is not None:
            known = isinstance(error, AiexError)
            view.abandon(str(error) if known else "aiex-lsp failed inside.")
        await apart.wait()
        if isinstance(error, AnswerError) and error.text.strip():
            text = f"**{error.user_message()}**\n\n---\n\n{error.text}\n"
            await _show(ls, work_id, title, text)
        raise
    await apart.wait()
    if outcome.plan is not None:
        if view is not None:
            view.close(convert.with_footer(outcome.explanation, outcome.result.answer))
        return await _deliver_edit(ls, outcome, title, work_id)
    json = await outcome.json(ls)
    if not params.wait:
        text = convert.with_footer(outcome.text or "", outcome.result.answer)
        if view is not None:
            view.finish(text)
        else:
            await _show(ls, work_id, title, text)
    return json


async def _deliver_edit(ls: AiexServer, outcome: Outcome, title: str, work_id: str) -> Any:
    plan = outcome.plan
    if plan is None or not plan.files:
        show.show_message(ls, "The model's answer changes nothing")
        return {**await outcome.json(ls), "applied": False}
    applied = False
    try:
        json = await outcome.json(ls)
        if ls.client.apply_edit:
            services = await services_of(ls)
            settings = services.settings_for(ls.documents.folder_of(outcome.at_uri))
            applied = await edits.apply(ls, plan, settings)
    except EditError:
        await _show(ls, work_id, title, await outcome.diff(ls))
        raise
    if not applied:
        await _show(ls, work_id, title, await outcome.diff(ls))
    return {**json, "applied": applied}


async def _show(ls: AiexServer, work_id: str, title: str, text: str) -> None:
    services = await services_of(ls)
    await show.show_markdown(ls, services.state_dir, work_id, title, text)


async def _perform(
    ls: AiexServer, method: TaskMethod, params: CallParams, at: At, watcher: Watcher
) -> Outcome:
    """Return what the task gave, with progress and deltas ended whatever happens."""
    try:
        await asyncio.sleep(0)  # progress is asked for before a failure of this moment is told
        services = await services_of(ls)
        settings = services.settings_for(ls.documents.folder_of(at.snapshot.uri))
        guard.ensure_at_work(ls, at.snapshot, settings)
        ask_once(ls, services)
        request = TaskRequest(
            snapshot=at.snapshot,
            span=at.span,
            settings=settings,
            workspace=ls.documents.view(),
            diagnostics=await reported_in(ls, at.snapshot, params.reported, settings),
            provider=params.provider,
            model=params.model,
            strategy=params.strategy,
            options={k: v for k, v in method.options(params).items() if v is not None},
        )
        result = await method.call(services.tasks, request, watcher)
        ls.answers.remember(result.answer.id, at.snapshot, at.span)
        outcome = await outcome_of(ls, result, at.snapshot, at.span)
        if watcher.deltas is not None:
            watcher.deltas.finish(outcome.text, result.answer.provider)
        return outcome
    finally:
        if watcher.deltas is not None:
            watcher.deltas.close()
        if watcher.progress is not None:
            watcher.progress.end()


async def _title(ls: AiexServer, method: TaskMethod, params: CallParams, at: At) -> str:
    """Return "Explain `name`", with the file's name where no symbol is known in time."""
    verb = method.verb_of(ls, params) or method.verb
    if at.span is not None:
        outline = await ls.outlines.get(at.snapshot, ls.limits.outline)
        if outline is not None:
            symbol = symbol_at(outline, at.snapshot.text, at.span.start, at.span.end)
            if symbol is not None:
                return f"{verb} `{symbol.name}`"
    return f"{verb} {shown(at.snapshot.uri)}".rstrip()


def _progress(ls: AiexServer, token: int | str, title: str) -> Progress:
    progress = Progress(_sender(ls), token, title, ls.limits.progress_interval)
    progress.begin()
    return progress


def _own_progress(ls: AiexServer, token: str, title: str, apart: asyncio.Event) -> Progress:
    """Return a progress that begins when the client has taken its token, if ever."""
    progress = Progress(_sender(ls), token, title, ls.limits.progress_interval)

    async def create() -> None:
        params = types.WorkDoneProgressCreateParams(token)
        await apart.wait()
        try:
            await ls.protocol.ask(
                types.WINDOW_WORK_DONE_PROGRESS_CREATE, params, ls.limits.client_answer
            )
        except (TimeoutError, JsonRpcException):
            return
        progress.begin()

    spawn(ls, create())
    return progress


def _deltas(ls: AiexServer, params: CallParams) -> Deltas | None:
    token = params.partial_result_token
    return None if token is None else Deltas(_sender(ls), token, ls.limits.delta_interval)


def _sender(ls: AiexServer) -> Callable[[int | str, Any], None]:
    def send(token: int | str, value: Any) -> None:
        ls.protocol.tell(types.PROGRESS, {"token": token, "value": value})

    return send
