"""The editor's settings: pulled where it can be asked, merged over `initializationOptions`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from aiex_lsp.config.settings import Problem
from aiex_lsp.server.documents import path_of
from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.show import show_message

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer
    from aiex_lsp.server.services import Services

SECTION = "aiex"


async def reload(ls: AiexServer, pushed: Any = None) -> None:
    """Make the editor's settings hold; `pushed` are those a client sent without being asked.

    They hold until others are pushed. One reload at a time: the latest settings win.
    """
    services = await services_of(ls)
    section = pushed.get(SECTION) if isinstance(pushed, Mapping) else None
    if isinstance(section, Mapping):
        ls.editor_section = section
    async with ls.configuring:
        # They need no settings: an editor that never tells its own has their actions all the same.
        await asyncio.to_thread(_read_templates, ls, services)
        if ls.client.configuration:
            await _pull(ls)
        merged = _merged(ls.init_info.editor_settings, ls.editor_section)
        await asyncio.to_thread(_configure, ls, services, merged)
    ls.hovers.forget_failures()
    ls.health.begin(ls, services)
    _watch(ls, services)
    report_problems(ls, services)


async def refresh_templates(ls: AiexServer) -> None:
    """Read the templates anew, for code actions to be listed without a look at the disk."""
    services = await services_of(ls)
    ls.templates = tuple(await asyncio.to_thread(services.templates))
    report_problems(ls, services)


async def files_changed(ls: AiexServer) -> bool:
    """Return whether a configuration file holds another text than the one that was read."""
    files = (await services_of(ls)).files
    return files is not None and await asyncio.to_thread(files.changed)


def report_problems(ls: AiexServer, services: Services) -> None:
    """Tell the user of configuration problems: as diagnostics of a file that is open.

    The others are told by one message for all that are new.
    """
    before, ls.problems = ls.problems, _problems(ls, services)
    if ls.problems == before:
        return
    for snapshot in list(ls.documents):
        path = path_of(snapshot.uri)
        if _of(before, path) != _of(ls.problems, path):
            ls.findings.changed(snapshot.uri)
    opened = {path_of(snapshot.uri) for snapshot in ls.documents}
    new = [
        problem
        for problem in ls.problems
        if problem not in before
        and not any(_is_of(problem, path) for path in opened)
        and not (_is_template(problem) and problem.severity == "warning")
    ]
    if not new:
        return
    command = "templates check" if all(map(_is_template, new)) else "config show"
    more = f" ({len(new) - 1} more: aiex-lsp {command})" if len(new) > 1 else ""
    text = _line(new[0])
    text = text if len(text) + len(more) <= 200 else text[: 199 - len(more)] + "…"
    show_message(ls, text + more, types.MessageType.Warning)


def _watch(ls: AiexServer, services: Services) -> None:
    """Tell from now on of problems that calls bring to light, and of shared state that is lost."""
    if ls.watched is services:
        return
    ls.watched = services
    services.listen(lambda text: show_message(ls, text, types.MessageType.Warning))
    if services.coordination is None:
        return
    loop = asyncio.get_running_loop()

    def changed() -> None:
        # Later: whoever notes the problem may hear of the event after this.
        loop.call_soon(report)

    def report() -> None:
        # Events are many and problems few: the documents are looked at only for new ones.
        at_work = ls.watched is services and not ls.stopped.is_set()
        if at_work and _problems(ls, services) != ls.problems:
            report_problems(ls, services)

    services.coordination.watch(changed)


def _problems(ls: AiexServer, services: Services) -> tuple[Problem, ...]:
    found = [p for root in _folders(ls) for p in services.settings_for(root).problems]
    found += services.files.problems() if services.files is not None else ()
    return tuple(dict.fromkeys(found))


def problems_of(ls: AiexServer, uri: str) -> list[Problem]:
    """Return the problems of one configuration file or template, as it is edited now."""
    edited = ls.drafts.problems.get(uri)
    return list(edited) if edited is not None else _of(ls.problems, path_of(uri))


def _of(problems: Sequence[Problem], path: Path | None) -> list[Problem]:
    return [problem for problem in problems if _is_of(problem, path)]


def _is_template(problem: Problem) -> bool:
    return problem.file is not None and problem.file.endswith(".j2")


def _is_of(problem: Problem, path: Path | None) -> bool:
    return path is not None and problem.file is not None and Path(problem.file) == path


def _configure(ls: AiexServer, services: Services, merged: Mapping[str, Any]) -> None:
    services.use_roots(ls.documents.roots)
    services.configure(merged)
    for root in _folders(ls):
        services.settings_for(root)


def _read_templates(ls: AiexServer, services: Services) -> None:
    services.use_roots(ls.documents.roots)
    ls.templates = tuple(services.templates())


def _folders(ls: AiexServer) -> tuple[Path | None, ...]:
    return (None, *ls.documents.roots)


async def _pull(ls: AiexServer) -> None:
    """Ask the editor for its section; where it does not say, the one that is known holds on."""
    params = types.ConfigurationParams(items=[types.ConfigurationItem(section=SECTION)])
    try:
        answer = await ls.protocol.ask(
            types.WORKSPACE_CONFIGURATION, params, ls.limits.client_answer
        )
    except (TimeoutError, JsonRpcException):
        return
    section = answer[0] if isinstance(answer, list) and answer else None
    ls.editor_section = section if isinstance(section, Mapping) else {}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, tables joined; null is what editors send for a setting that is not set."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(below, value)
        elif value is not None:
            merged[key] = value
    return merged


def _line(problem: Problem) -> str:
    place = problem.file or ""
    if problem.line is not None:
        place += f":{problem.line}"
    return f"{place}: {problem.message}" if place else problem.message
