"""Write documentation into the code: a symbol's doc comment, new or in place of the old one."""

from __future__ import annotations

import asyncio

from aiex_lsp.context.documents import file_path
from aiex_lsp.context.injector import language_of
from aiex_lsp.context.target import Target
from aiex_lsp.errors import UsageError
from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.ask import Parts
from aiex_lsp.tasks.edit_task import EditQuestion, edit_code, edit_question, locate
from aiex_lsp.tasks.types import EditResult, TaskRequest


async def question_of(parts: Parts, request: TaskRequest) -> EditQuestion:
    """Return the question; option `instruction`. Raises `UsageError` outside of any symbol."""
    target = await locate(request)
    if target.kind == "block":
        raise UsageError(
            "There is no symbol at this place to document", "Put the cursor on a function or class"
        )
    style = await asyncio.to_thread(_style, request, target)
    return await edit_question(parts, request, target, "document", {"doc_style": style})


def _style(request: TaskRequest, target: Target) -> str:
    from aiex_lsp.context.documentation import documentation_style
    from aiex_lsp.syntax.docstrings import described

    snapshot = request.snapshot
    symbol = target.symbol if target.kind == "symbol" else None
    path = file_path(snapshot.uri)
    root = request.workspace.root_of(path) if path is not None else None
    language = language_of(snapshot)
    return described(documentation_style(snapshot.text, language, symbol, path, root))


async def document(parts: Parts, request: TaskRequest, listener: Listener) -> EditResult:
    """Return an edit that documents the symbol, the selection or the document."""
    return await edit_code(parts, await question_of(parts, request), listener)
