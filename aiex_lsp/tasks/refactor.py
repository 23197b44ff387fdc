"""Better the code without changing what it does, or as an instruction says."""

from __future__ import annotations

from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.ask import Parts
from aiex_lsp.tasks.edit_task import EditQuestion, edit_code, edit_question, locate
from aiex_lsp.tasks.types import EditResult, TaskRequest


async def question_of(parts: Parts, request: TaskRequest) -> EditQuestion:
    """Return the question; option `instruction`, without one the template says what is better."""
    return await edit_question(parts, request, await locate(request), "refactor", {})


async def refactor(parts: Parts, request: TaskRequest, listener: Listener) -> EditResult:
    """Return an edit that refactors the symbol, the selection or the document."""
    return await edit_code(parts, await question_of(parts, request), listener)
