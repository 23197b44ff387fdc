"""Which of an answer's blocks is the new code, among befores, examples and commands."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from aiex_lsp.edits.cleaning import cleaned_code
from aiex_lsp.edits.extract import readable
from aiex_lsp.edits.refusals import ONE_FILE, UNCHANGED, NotUsableError, shortened
from aiex_lsp.edits.scene import Scene, definitions
from aiex_lsp.responses.detect import detect
from aiex_lsp.responses.types import CodeBlock
from aiex_lsp.syntax.imports import imports
from aiex_lsp.syntax.languages import canonical
from aiex_lsp.syntax.validate import validate

MAX_TRIED = 8
"""Blocks that are tried in turn; what no model's answer has more of."""
_BEFORE = re.compile(
    r"\b(?:before|original|current(?:ly)?|buggy|problem(?:atic)?|old|existing|wrong|incorrect|"
    r"instead of|vulnerable|you (?:have|wrote)|issue (?:is )?(?:here|in|with))\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?:after|fixed|updated|new|corrected|improved|refactored|documented|rewritten|replace it|"
    r"should be|becomes|here(?:'s| is) the|solution|change it to|with this)\b",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"\b(?:final|complete|full|putting (?:it|everything) together|whole|all together)\b", re.I
)
_SHELL = frozenset({"shellscript", "bat", "powershell", "console", "cmd", "sh-session"})


def candidates(scene: Scene, blocks: Sequence[CodeBlock], lines: Sequence[str]) -> list[str]:
    """Return the codes an answer may mean, the likeliest first. Raises `NotUsableError`."""
    fitting = [block for block in blocks if block.code.strip() and _fits(scene, block)]
    if not fitting:
        raise _no_fitting(scene, blocks)
    codes = [(block, readable(cleaned_code(block.code), scene.language)) for block in fitting]
    mains = [(block, code) for block, code in codes if _is_main(scene, code)]
    if not mains:
        mains = codes
    shown = _squeezed(scene.target.shown or scene.old)
    changed = [pair for pair in mains if _squeezed(pair[1]) not in (shown, _squeezed(scene.text))]
    if not changed:
        raise NotUsableError(UNCHANGED)
    changed = changed[:MAX_TRIED] if len(changed) <= MAX_TRIED else changed[-MAX_TRIED:]
    ranked = sorted(changed, key=lambda pair: _rank(scene, pair[0], pair[1], lines))
    helpers = _helpers(scene, [pair for pair in codes if pair not in mains], ranked)
    out: list[str] = []
    for _, code in ranked:
        wanted = [one for one in helpers if one not in code]
        if wanted:
            # Side by side none may seem to be the body of another.
            out.append("\n\n".join(textwrap.dedent(one) for one in (*wanted, code)))
        out.append(code)
    return out


def _fits(scene: Scene, block: CodeBlock) -> bool:
    if block.language in scene.family or block.language == "text":
        return True
    if canonical(scene.language) is None and not block.info.strip():
        return True  # the guess knows none of the languages without a grammar
    if block.language in _SHELL or block.language in ("diff", "json", "markdown"):
        return False
    # A wrong label on code of the right language that defines what was asked for.
    code = cleaned_code(block.code)
    if scene.name is None or scene.name not in code or validate(code, block.language).valid:
        return False
    return bool(validate(code, scene.language).valid)


def _no_fitting(scene: Scene, blocks: Sequence[CodeBlock]) -> NotUsableError:
    languages = [block.language for block in blocks if block.code.strip()]
    if languages and all(one in _SHELL for one in languages):
        return NotUsableError("The answer is a shell command, not code; nothing was run", ONE_FILE)
    if not languages:
        return NotUsableError("The answer's code block is empty")
    other = next((one for one in languages if one not in _SHELL), languages[0])
    return NotUsableError(f"The answer is {shortened(other)} code, not {scene.language}")


def _is_main(scene: Scene, code: str) -> bool:
    names = [scene.name] if scene.name else [one.name for one in scene.inside]
    if not names:
        return not _only_imports(scene, code)
    found = {one.name for one in definitions(code, scene.language, names[0], member=True)}
    return any(name in found for name in names)


def _only_imports(scene: Scene, code: str) -> bool:
    statements = imports(code, scene.language)
    rest = code
    for one in reversed(statements):
        rest = rest[: one.start] + rest[one.end :]
    return bool(statements) and not re.sub(r"[;\s]|(?:#|//).*", "", rest)


def _helpers(
    scene: Scene, others: Sequence[tuple[CodeBlock, str]], ranked: Sequence[tuple[CodeBlock, str]]
) -> list[str]:
    """Return the blocks the new code needs: imports, and definitions it calls."""
    text = "\n".join(code for _, code in ranked)
    known = {one.name for one in scene.outline.symbols}
    out: list[str] = []
    for _, code in others:
        if _only_imports(scene, code):
            out.append(code)
            continue
        found = [one.name for one in definitions(code, scene.language)]
        new = [name for name in found if name not in known]
        if new and any(re.search(rf"\b{re.escape(name)}\b", text) for name in new):
            out.append(code)
    return out


def _rank(scene: Scene, block: CodeBlock, code: str, lines: Sequence[str]) -> tuple[int, int, int]:
    """Return what sorts the blocks: the after before the before, a final one first of all."""
    said = _said_before(block, lines)
    before = bool(_BEFORE.search(said)) and not _AFTER.search(said)
    final = bool(_FINAL.search(said)) and not before
    broken = validate(code, scene.language).valid is False
    partial = 0
    if scene.name is None:
        partial = -_alike(scene, code)
    return (2 if before else 0 if final else 1, partial, 1 if broken else 0)


def _said_before(block: CodeBlock, lines: Sequence[str]) -> str:
    """Return the two lines of prose over a block."""
    said: list[str] = []
    at = block.start_line - 1
    while at >= 0 and len(said) < 2 and block.start_line - at < 6:
        line = lines[at].strip() if at < len(lines) else ""
        if line.startswith(("```", "~~~")):
            break
        if line:
            said.insert(0, line[-200:])
        at -= 1
    return " ".join(said[-1:] or said)


def _alike(scene: Scene, code: str) -> int:
    """Return in tenths how many lines of the range a block has: the likelier replacement."""
    wanted = {line.strip() for line in scene.old.split("\n") if len(line.strip()) > 1}
    have = {line.strip() for line in code.split("\n")}
    return 10 * len(wanted & have) // max(1, len(wanted))


def _squeezed(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n") if line.strip()).strip("\ufeff")


def is_bare_code(scene: Scene, text: str) -> bool:
    """Return whether an answer without a fence is nothing but the code that was asked for."""
    names = [scene.name] if scene.name else [one.name for one in scene.inside]
    if not any(name in text for name in names) or not _is_main(scene, text):
        return False
    return bool(validate(text, scene.language).valid)


def is_other_language(scene: Scene, code: str) -> str | None:
    """Return the language code is written in where it is another than the document's."""
    guessed = detect(code)
    if guessed is None or guessed in scene.family or not validate(code, guessed).valid:
        return None
    return guessed if validate(code, scene.language).valid is False else None
