"""The parser of answers: text in, `Parsed` out, whatever the text."""

from __future__ import annotations

from dataclasses import replace

from aiex_lsp.responses import code, findings, markdown, references
from aiex_lsp.responses.fences import MARKDOWN, unwrap
from aiex_lsp.responses.summary import summarize
from aiex_lsp.responses.thinking import strip_thinking
from aiex_lsp.responses.types import Parsed, ResponseType


def parse(
    text: str,
    type: ResponseType = "general",
    *,
    truncated: bool = False,
    language: str | None = None,
    line_count: int | None = None,
) -> Parsed:
    """Return what an answer holds. Never raises, and loses no text.

    `markdown` is the whole answer without thinking, and without the fence where all of it stood
    in one ```markdown fence. Each line of it is in `explanation` or in a code block's lines;
    each line but the headings is also in a section where there are any. `truncated` is whether
    the model was cut off (finish reason "length"); `language` the document's, for blocks without
    a label; `line_count` that of the text a review is about.
    """
    answer, endless = strip_thinking(text)
    writes_markdown = (language or "").lower() in MARKDOWN and type != "code_explanation"
    if not writes_markdown:
        answer = unwrap(answer, truncated=truncated)
    doc = markdown.outline(answer, truncated=truncated)
    validator = code.Validator()
    blocks = code.code_blocks(doc, language, validator)
    if not blocks and type != "findings":
        blocks = code.unfenced(doc, language, validator)
    spans = [(block.start_line, block.end_line) for block in blocks]
    parsed = Parsed(
        type=type,
        markdown=answer,
        explanation=markdown.prose(doc.lines, spans),
        language=code.primary_language(blocks),
        code_blocks=tuple(blocks),
        truncated=truncated or endless or any(block.truncated for block in blocks),
    )
    if type == "findings":
        review = findings.read_review(answer, line_count)
        summary = review.summary or ("" if review.structured else summarize(doc, spans))
        return replace(
            parsed,
            findings=review.findings,
            summary=summary,
            truncated=parsed.truncated or review.truncated,
        )
    parsed = replace(parsed, summary=summarize(doc, spans))
    if type in ("code_generation", "test_generation"):
        return parsed
    prose = "\n".join(markdown.prose_lines(doc.lines, spans))
    return replace(
        parsed,
        sections=markdown.sections(doc),
        code_references=references.code_references(prose),
        concepts=references.concepts(prose),
    )
