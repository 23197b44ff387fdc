"""Write tests for the code at a place into the file where the project keeps them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aiex_lsp.context.documents import display_name, file_path, root_for
from aiex_lsp.context.ignore import WorkspaceFiles
from aiex_lsp.context.test_files import TargetFile, find_test_target
from aiex_lsp.context.types import ContextItem
from aiex_lsp.edits.merge import merge_tests
from aiex_lsp.edits.plan import plan_for
from aiex_lsp.edits.types import EditPlan
from aiex_lsp.errors import AnswerError, DocumentError, EditError
from aiex_lsp.llm.types import ClientResult, Listener
from aiex_lsp.responses.parser import parse
from aiex_lsp.responses.types import CodeBlock, Parsed
from aiex_lsp.syntax.languages import canonical, language_of_path
from aiex_lsp.syntax.validate import new_errors
from aiex_lsp.tasks.ask import NO_EMBEDDED_EDITS, Parts, Question, prepare
from aiex_lsp.tasks.memory import Remembered
from aiex_lsp.tasks.repair import usable_answer
from aiex_lsp.tasks.types import EditResult, TaskRequest
from aiex_lsp.text.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Planned:
    """The question, and the file its answer goes to with the text it has now."""

    question: Question
    target: TargetFile
    current: Snapshot


async def plan_question(
    parts: Parts, request: TaskRequest, question: Question | None = None
) -> Planned:
    """Return the question for tests of the code asked about; option `framework`."""
    target, current = await asyncio.to_thread(_target, request)
    framework = str(request.options.get("framework") or "") or target.framework
    variables = {
        "framework": framework,
        "target_file": target.display_path,
        "import_hint": target.import_hint,
    }
    items = []
    if current.text.strip() and not target.in_source:
        items.append(ContextItem("existing_tests", current.text, 3, min_chars=400))
    if target.related:
        items.append(ContextItem("test_files", "\n".join(target.related), 6))
    if question is None:
        template = request.settings.task("generateTests").template or "generate_tests"
        unwanted = {"embedded": NO_EMBEDDED_EDITS}
        question = Question("generateTests", template, variables, items=items, unwanted=unwanted)
    else:
        declared = {one.name for one in parts.registry.get(question.template).variables}
        known = {name: value for name, value in variables.items() if name in declared}
        question = replace(question, variables={**known, **question.variables}, items=items)
    return Planned(question, target, current)


async def generate_tests(parts: Parts, request: TaskRequest, listener: Listener) -> EditResult:
    """Return the tests as an edit plan. Raises `AnswerError` with the text where none is usable."""
    planned = await plan_question(parts, request)
    return await _run(parts, request, planned, listener)


async def generate_tests_with(
    parts: Parts, request: TaskRequest, question: Question, listener: Listener
) -> EditResult:
    """Return the tests an own template asks for."""
    return await _run(parts, request, await plan_question(parts, request, question), listener)


async def _run(
    parts: Parts, request: TaskRequest, planned: Planned, listener: Listener
) -> EditResult:
    listener.on_status("reading the context")
    prepared = await prepare(parts, request, planned.question)

    def use(result: ClientResult) -> EditResult:
        return _result(planned, result)

    edit, result = await usable_answer(parts, request, prepared, use, listener)
    parts.memory.remember(result.answer.id, Remembered(request, "generateTests", result.text))
    return replace(edit, answer=result.answer)


def _result(planned: Planned, result: ClientResult) -> EditResult:
    language = planned.current.language_id
    cut = result.answer.finish_reason == "length"
    parsed = parse(result.text, "test_generation", truncated=cut, language=language)
    code = _usable_code(parsed, language)
    merged = merge_tests(
        planned.current.text,
        code,
        language,
        planned.target.framework,
        in_source=planned.target.in_source,
    )
    if new_errors(planned.current.text, merged, language):
        raise AnswerError("the tests do not fit into the file's syntax", repairable=True)
    plan = _plan(planned, merged)
    return EditResult(
        plan=plan,
        target_uri=planned.current.uri,
        code_blocks=parsed.code_blocks,
        explanation=parsed.explanation,
        language=parsed.language,
        answer=result.answer,
    )


def _plan(planned: Planned, merged: str) -> EditPlan:
    verb = "Add tests to" if planned.target.exists else "Create"
    label = f"{verb} {planned.target.display_path}"
    return plan_for(planned.current, merged, create=not planned.target.exists, label=label)


def _usable_code(parsed: Parsed, language: str) -> str:
    if parsed.truncated:
        raise AnswerError("the answer was cut off before its end", "Raise max_tokens")
    blocks = _of_language(parsed.code_blocks, language)
    if not blocks:
        raise AnswerError("the answer has no code", repairable=True)
    broken = next((block for block in blocks if block.valid is False), None)
    if broken is not None:
        raise AnswerError(f"its code does not parse ({broken.error})", repairable=True)
    return "\n\n".join(block.code.strip("\n") for block in blocks) + "\n"


def _of_language(blocks: Sequence[CodeBlock], language: str) -> list[CodeBlock]:
    wanted = canonical(language) or language
    family = {wanted, "text", *_RELATED.get(wanted, ())}
    return [block for block in blocks if block.language in family and block.code.strip()]


_RELATED = {
    "javascript": ("javascriptreact", "jsx", "typescript"),
    "javascriptreact": ("javascript", "jsx"),
    "typescript": ("typescriptreact", "javascript", "tsx"),
    "typescriptreact": ("typescript", "javascript", "tsx"),
    "c": ("cpp",),
    "cpp": ("c",),
}
"""Languages whose labels models mix up and whose code still belongs in such a file."""


def _target(request: TaskRequest) -> tuple[TargetFile, Snapshot]:
    uri = request.snapshot.uri
    path = file_path(uri)
    root = root_for(uri, request.workspace) or (path.parent if path else None)
    if root is None:
        raise DocumentError("Tests of a buffer without a file have no place", "Save it first")
    target = find_test_target(
        path or Path(display_name(uri, None)),
        request.snapshot.language_id,
        WorkspaceFiles(root),
        request.snapshot.text,
        framework=request.options.get("framework"),
    )
    if target.in_source:
        return target, request.snapshot
    uri = target.path.as_uri()
    opened = request.workspace.open_document(uri)
    if opened is not None:
        return target, opened
    text = _text_of(target, root) if target.exists else ""
    if not target.exists and not _inside(target.path, root):
        raise EditError(
            f"{target.display_path} would lie outside the workspace", "Look where it links"
        )
    if not target.exists and os.path.lexists(target.path):
        raise EditError(
            f"{target.display_path} is there, but ignored", "Take it out of .gitignore, or away"
        )
    return target, Snapshot(uri, text, language_of_path(str(target.path)))


def _text_of(target: TargetFile, root: Path) -> str:
    if not _inside(target.path, root):
        raise EditError(f"{target.display_path} is a link out of the workspace", "Edit it there")
    try:
        return target.path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise EditError(
            f"{target.display_path} is not UTF-8 text", "Convert it, or open it in the editor"
        ) from error
    except OSError as error:
        why = error.strerror or "unknown"
        raise EditError(f"{target.display_path} cannot be read: {why}", "Check it") from error


def _inside(path: Path, root: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
