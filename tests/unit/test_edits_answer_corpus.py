"""Answers in the styles models are known for, each with the change it means or why there is none.

`source` tells whether an answer was written by us or recorded from a model.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.context.target import symbol_span
from aiex_lsp.edits.answer import EditTarget, plan_answer
from aiex_lsp.edits.plan import result_of
from aiex_lsp.errors import MAX_MESSAGE, AnswerError
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.text.snapshot import Snapshot, Span

FOLDER = Path(__file__).parent / "fixtures" / "edits"
PATHS = sorted(FOLDER.glob("*/*.toml"))
LANGUAGES_NEEDED, ANSWERS_NEEDED, BAD_SHARE = 8, 150, 0.4


def load(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


CASES = [pytest.param(load(path), id=path.stem) for path in PATHS]


def broken_as(case: dict[str, Any], text: str) -> str:
    return text.replace("\n", "\r\n") if case.get("breaks") == "crlf" else text


def target_of(case: dict[str, Any]) -> EditTarget:
    bom = "\ufeff" if case.get("breaks") == "crlf" else ""
    text = bom + broken_as(case, case["document"])
    uri = f"file:///work/shop/{case['file']}"
    snapshot = Snapshot(uri, text, case["language"], 3)
    symbol = None
    if "symbol" in case:
        name = case["symbol"].split(".")
        symbol = [
            one
            for one in build_outline(text, case["language"]).symbols
            if one.name == name[-1] and one.qualified_name.endswith(case["symbol"])
        ][case.get("nth", 0)]
    if "range" in case:
        wanted = broken_as(case, case["range"]).rstrip("\r\n")
        assert text.count(wanted) == 1
        span = Span(text.index(wanted), text.index(wanted) + len(wanted))
    elif symbol is not None:
        span = symbol_span(snapshot, symbol)
    else:
        span = Span(0, len(text))
    others = case.get("others", {})

    def read(path: str) -> Snapshot | None:
        if path not in others:
            return None
        return Snapshot(f"file:///work/shop/{path}", others[path], case["language"])

    roots = (Path("/work/shop"),)
    return EditTarget(snapshot, span, case["intent"], symbol, None, roots, read)


def expected_text(case: dict[str, Any], target: EditTarget) -> str:
    text, span = target.snapshot.text, target.span
    if "result" in case:
        bom = "\ufeff" if case.get("breaks") == "crlf" else ""
        return bom + broken_as(case, case["result"])
    new = broken_as(case, case["becomes"]).rstrip("\r\n")
    start = 1 if span.start == 0 and text.startswith("\ufeff") else span.start
    tail = text[start : span.end]
    return text[:start] + new + tail[len(tail.rstrip("\r\n")) :] + text[span.end :]


@pytest.mark.parametrize("case", CASES)
def test_an_answer_becomes_the_change_it_means_or_a_reason(case):
    target = target_of(case)
    if "reason" in case:
        with pytest.raises(AnswerError) as caught:
            plan_answer(target, case["answer"], truncated=case.get("truncated", False))
        error = caught.value
        assert case["reason"] in error.what
        assert error.text == case["answer"]
        assert error.repairable == case.get("repairable", True)
        assert len(str(error)) <= MAX_MESSAGE
        return
    planned = plan_answer(target, case["answer"], truncated=case.get("truncated", False))
    edits = {edit.uri: edit for edit in planned.plan.files}
    own = edits.pop(target.snapshot.uri)
    assert own.version == 3
    assert result_of(own) == expected_text(case, target)
    also = {uri.removeprefix("file:///work/shop/"): result_of(one) for uri, one in edits.items()}
    assert also == case.get("other_results", {})


def test_the_corpus_is_as_wide_as_promised():
    cases = [load(path) for path in PATHS]
    bad = [case for case in cases if "reason" in case]
    languages = Counter(case["language"] for case in cases)
    print(f"\n{len(cases)} answers: {len(cases) - len(bad)} good, {len(bad)} bad")
    print("languages:", ", ".join(f"{name} {count}" for name, count in languages.most_common()))
    print("intents:", dict(Counter(case["intent"] for case in cases)))
    print("sources:", dict(Counter(case["source"] for case in cases)))
    for style, count in Counter(case["style"] for case in cases).most_common():
        print(f"  {count:3d} {style}")
    assert len(cases) >= ANSWERS_NEEDED
    assert len(bad) >= BAD_SHARE * len(cases)
    assert len(languages) >= LANGUAGES_NEEDED
