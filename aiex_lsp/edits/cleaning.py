"""What a model adds around its answer and inside its code: chat marks, tags, line numbers."""

from __future__ import annotations

import re
from itertools import pairwise

from aiex_lsp.edits.plain import with_line_feeds

_MARKS = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|end|assistant|user|"
    r"system|end_of_text|begin_of_text|fim_\w+|file_sep)\|>|</?s>(?=\s|$)|\[/?INST\]|"
    r"<(?:start|end)_of_turn>|<｜[^｜\n]{1,40}｜>"
)
_ROLE = re.compile(
    r"\A\s*(?:(?:assistant|model|ai|### ?(?:response|assistant|answer)):?[ \t]*\n)", re.IGNORECASE
)
_TAG = re.compile(
    r"</?(?:code|answer|file|updated_code|new_code|fixed_code|result|solution|output|response|"
    r"replacement|artifact|documented_code|refactored_code|final_code)(?: [^<>]{0,200})?>",
    re.IGNORECASE,
)
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[\w+#.:/ -]*$")
_NUMBERED = re.compile(r"[ \t]*(?:L|line )?(\d{1,6})(?:[ \t]*[|│:](?: |\t|$)|\t|\.\s)(.*)$|()$")


def cleaned_answer(text: str, document: str = "") -> str:
    """Return an answer with LF, and without chat marks and the BOMs a model leaves in it.

    Marks the document has are left inside the answer: they are words of its code.
    """
    text = with_line_feeds(text).removeprefix("\ufeff")
    if "\ufeff" not in document[1:]:
        text = text.replace("\ufeff", "")
    own = frozenset(_MARKS.findall(document))
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())

    def kept(mark: re.Match[str]) -> str:
        around = mark.start() <= first or mark.end() >= last
        return mark[0] if mark[0] in own and not around else ""

    return _ROLE.sub("", _MARKS.sub(kept, text))


def tagged_code(text: str) -> str:
    """Return what stands between a tag for code and its end, the text where there is none."""
    for found in _TAG.finditer(text):
        if found[0].startswith("</"):
            continue
        name = re.split(r"[ >]", found[0][1:], maxsplit=1)[0]
        end = text.lower().find(f"</{name.lower()}>", found.end())
        if end >= 0:
            return text[found.end() : end]
        break
    return text


def cleaned_code(code: str) -> str:
    """Return a block's code without echoed fences, tags and line numbers, blank ends removed."""
    lines = with_line_feeds(code).split("\n")
    while lines and _is_wrapping(lines[0]):
        lines.pop(0)
    while lines and _is_wrapping(lines[-1]):
        lines.pop()
    return "\n".join(_without_numbers(lines))


def _is_wrapping(line: str) -> bool:
    return not line.strip() or bool(_FENCE.match(line)) or bool(_TAG.fullmatch(line.strip()))


def _without_numbers(lines: list[str]) -> list[str]:
    """Return the lines without their numbers where every line has the next one."""
    found = [_NUMBERED.match(line) for line in lines]
    numbers = [int(one[1]) for one in found if one and one[1]]
    if len(numbers) < 2 or any(one is None for one in found):
        return lines
    if any(after - before < 1 for before, after in pairwise(numbers)):
        return lines
    if numbers[-1] - numbers[0] >= len(lines):
        return lines
    return [(one[2] or "") if one else "" for one in found]
