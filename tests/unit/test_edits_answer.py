"""What holds of every plan made of an answer, whatever the answer and the document."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.context.target import symbol_span
from aiex_lsp.edits.anchor import reanchor
from aiex_lsp.edits.answer import EditTarget, plan_answer
from aiex_lsp.edits.plan import result_of
from aiex_lsp.edits.types import EditPlan
from aiex_lsp.errors import MAX_MESSAGE, AnswerError, StaleEditError
from aiex_lsp.syntax.imports import imports
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.syntax.validate import new_errors
from aiex_lsp.text.snapshot import Snapshot, Span
from tests.unit.fixtures.edits.languages import BASES, Base
from tests.unit.fixtures.edits.make import BAD, GOOD

MAKERS = [make for _, make in GOOD.values()] + [make for _, make, _, _ in BAD.values()]
BREAKS = ["\n", "\r\n"]


def target_for(base: Base, ending: str = "\n", bom: str = "", intent: str = "fix") -> EditTarget:
    text = bom + base.document.replace("\n", ending)
    snapshot = Snapshot(f"file:///work/{base.file}", text, base.language, 1)
    symbol = next(
        one for one in build_outline(text, base.language).symbols if one.name == base.name
    )
    return EditTarget(snapshot, symbol_span(snapshot, symbol), intent, symbol)


def planned(target: EditTarget, answer: str) -> EditPlan | None:
    try:
        return plan_answer(target, answer).plan
    except AnswerError as error:
        refused = error
    assert refused.text == answer
    assert len(str(refused)) <= MAX_MESSAGE
    return None


def assert_safe(target: EditTarget, plan: EditPlan) -> None:
    text, span, language = target.snapshot.text, target.span, target.snapshot.language_id
    assert [edit.uri for edit in plan.files] == [target.snapshot.uri]
    after = result_of(plan.files[0])
    assert not new_errors(text, after, language)
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    assert after.count("\ufeff") == text.count("\ufeff")
    if "\r\n" in text:
        assert after.count("\n") == after.count("\r\n") == after.count("\r")
    else:
        assert "\r" not in after
    assert after.endswith(("\n", "\r")) == text.endswith(("\n", "\r"))
    added = {one.text for one in imports(after, language)}
    for one in plan.files[0].replacements:
        if span.start <= one.span.start and one.span.end <= span.end:
            continue
        # Outside of the range nothing is taken away, and only imports and new definitions come.
        assert one.old_text == ""
        new = one.new_text.strip()
        if any(new in statement for statement in added):
            continue
        assert target.intent in ("refactor", "run")
        known = {one.name for one in build_outline(text, language).symbols}
        defined = [one for one in build_outline(new, language).symbols if not one.container]
        assert defined
        assert not known & {one.name for one in defined}


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(BASES),
    st.sampled_from(MAKERS),
    st.sampled_from(BREAKS),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["fix", "document", "refactor", "run"]),
    st.randoms(use_true_random=False),
)
def test_damaged_answers_are_refused_or_safe(base, make, ending, bom, intent, chance):
    target = target_for(base, ending, bom, intent)
    lines = make(base).split("\n")
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(4)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, chance.choice(lines))
        elif kind == 2:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
        else:
            lines[at:at] = ["import zlib", base.comment + " é🙂"]
        lines = lines or [""]
    plan = planned(target, "\n".join(lines))
    if plan is not None:
        assert_safe(target, plan)


@settings(max_examples=80, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from(list("abf(){}[]:;,.#/*-+=<>@\"'` \n\t\r\ufeff\u2028é🙂|1")),
        max_size=300,
    ),
    st.sampled_from(BASES),
)
def test_garbage_is_refused_or_safe(answer, base):
    target = target_for(base)
    plan = planned(target, answer)
    if plan is not None:
        assert_safe(target, plan)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "```", "```python", "```diff",
                "@@ -1,2 +1,2 @@", "--- a/cart.py", "+++ b/cart.py", "-        sums = []",
                "+        sums = [0]", "         sums = []", "        sums = []",
                "        sums = [0]",
                "def total(self, rate):", "    # ...", "...", '{"edits": [', "    return 1",
                "*** Begin Patch", "*** Update File: cart.py", "<search>", "</search>", "<replace>",
                "</replace>", "<think>", "</think>", "",
            ]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_answers_of_broken_parts_are_refused_or_safe(lines):
    target = target_for(BASES[0])
    plan = planned(target, "\n".join(lines))
    if plan is not None:
        assert_safe(target, plan)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(BASES), st.sampled_from(BREAKS), st.integers(0, 10**6))
def test_a_plan_moves_with_changes_elsewhere(base, ending, seed):
    target = target_for(base, ending)
    plan = planned(target, GOOD["search"][1](base))
    assert plan is not None
    text, chance = target.snapshot.text, random.Random(seed)
    head = "".join(f"{base.comment} {chance.random()}{ending}" for _ in range(chance.randrange(4)))
    tail = f"{base.comment} end{ending}" * chance.randrange(3)
    uri, language = target.snapshot.uri, base.language
    now = Snapshot(uri, head + text + tail, language, 9)
    moved = reanchor(plan, lambda _uri: now)
    assert result_of(moved.files[0]) == head + result_of(plan.files[0]) + tail
    start, end = target.span.start, target.span.end
    at = chance.randrange(start + 1, end - 1)
    changed = text[:at] + "§" + text[at:]
    with pytest.raises(StaleEditError):
        reanchor(plan, lambda _uri: Snapshot(uri, changed, language, 9))


def test_a_line_set_right_above_or_below_the_range_moves_it():
    base = BASES[0]
    target = target_for(base)
    plan = planned(target, GOOD["search"][1](base))
    assert plan is not None
    text, span, uri = target.snapshot.text, target.span, target.snapshot.uri
    above = text[: span.start] + "    x = 1\n" + text[span.start :]
    below = text[: span.end] + "\n    x = 1" + text[span.end :]
    for now in (above, below):
        moved = reanchor(plan, lambda _uri, now=now: Snapshot(uri, now, "python", 9))
        assert result_of(moved.files[0]) == now.replace(base.wrong, base.right)
    for at in (span.start, span.end):
        typed = text[:at] + "x" + text[at:]
        with pytest.raises(StaleEditError):
            reanchor(plan, lambda _uri, now=typed: Snapshot(uri, now, "python", 9))


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.language)
def test_the_change_is_as_small_as_it_can_be(base):
    target = target_for(base)
    plan = planned(target, GOOD["dedented"][1](base))
    assert plan is not None
    (one,) = plan.files[0].replacements
    assert len(one.old_text) < len(base.wrong)
    assert len(one.new_text) < len(base.right)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_document_without_a_final_line_break_stays_so(ending):
    text = f"def f(a):{ending}    b = a{ending}    return b + 1"
    snapshot = Snapshot("file:///work/m.py", text, "python", 1)
    target = EditTarget(snapshot, Span(0, len(text)), "fix")
    plan = plan_answer(target, "```python\ndef f(a):\n    b = a\n    return b + 2\n```").plan
    assert result_of(plan.files[0]) == text.replace("+ 1", "+ 2")


def test_lines_of_a_mixed_document_keep_their_own_breaks():
    text = "def f(a):\r\n    b = a\n    c = b\r\n    return c\n"
    snapshot = Snapshot("file:///work/m.py", text, "python", 1)
    target = EditTarget(snapshot, Span(0, len(text)), "fix")
    plan = plan_answer(target, "def f(a):\n    b = a\n    c = b + 1\n    return c\n").plan
    assert result_of(plan.files[0]) == text.replace("c = b", "c = b + 1")


def diff_of(path: str) -> str:
    return f"```diff\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-x = 1\n+x = 2\n```"


def test_a_link_out_of_the_workspace_is_never_followed(tmp_path: Path):
    outside = tmp_path / "secret.py"
    outside.write_text("x = 1\n")
    root = tmp_path / "work"
    root.mkdir()
    (root / "inner.py").write_text("x = 1\n")
    (root / "link.py").symlink_to(outside)
    (root / "folder").symlink_to(tmp_path)
    own = Snapshot((root / "m.py").as_uri(), "def f():\n    return 1\n", "python", 1)

    def read(path: str) -> Snapshot | None:
        file = root / path
        text = file.read_text() if file.exists() else None
        return None if text is None else Snapshot(file.as_uri(), text, "python")

    target = EditTarget(own, Span(0, 21), "refactor", None, None, (root,), read)
    plan = plan_answer(target, diff_of("inner.py")).plan
    assert result_of(plan.files[0]) == "x = 2\n"
    for path in ("link.py", "folder/secret.py", "../secret.py", "a/../../secret.py"):
        with pytest.raises(AnswerError, match="outside of the workspace"):
            plan_answer(target, diff_of(path))
    for path in (str(outside), "~/x.py", "C:\\x.py", "\\\\host\\x.py", "file:///etc/x.py"):
        with pytest.raises(AnswerError):
            plan_answer(target, diff_of(path))
    assert outside.read_text() == "x = 1\n"


def test_an_answer_that_is_a_secret_of_the_code_is_not_in_the_error():
    target = target_for(BASES[0])
    with pytest.raises(AnswerError) as caught:
        plan_answer(target, "token = 'hunter2-hunter2'")
    assert "hunter2" not in str(caught.value)


BIG = "".join(
    f"def f{n}(a):\n    b = a + {n}\n    if b > {n}:\n        return b\n    return a\n\n\n"
    for n in range(3000)
)


@pytest.mark.parametrize(
    "answer",
    [
        "```python\ndef f2900(a):\n    b = a + 2900\n    if b >= 2900:\n        return b\n"
        "    return a\n```",
        "<<<<<<< SEARCH\n    if b > 2900:\n=======\n    if b >= 2900:\n>>>>>>> REPLACE",
        "```python\n" + BIG.replace("b > 2900", "b >= 2900") + "```",
    ],
    ids=["function", "search", "file"],
)
def test_a_document_of_twenty_thousand_lines_takes_seconds_at_most(answer):
    snapshot = Snapshot("file:///work/big.py", BIG, "python", 1)
    symbol = next(one for one in build_outline(BIG, "python").symbols if one.name == "f2900")
    target = EditTarget(snapshot, symbol_span(snapshot, symbol), "fix", symbol)
    began = time.perf_counter()
    plan = plan_answer(target, answer).plan
    took = time.perf_counter() - began
    print(f"\n{BIG.count(chr(10))} lines, answer of {len(answer)}: {took:.2f} s")
    assert result_of(plan.files[0]) == BIG.replace("b > 2900", "b >= 2900")
    assert took < 60


@pytest.mark.parametrize(
    "answer",
    [
        "x = 1\n" * 170_000,
        "```python\n" + "def total(self, rate):\n" * 40_000,
        "```python\n" + "def total(self, rate):\n    return 1\n" * 28_000 + "```",
        "<<<<<<< SEARCH\n=======\n" * 40_000,
        "<<<<<<< SEARCH\n        sums = []\n=======\n        sums = [0]\n>>>>>>> REPLACE\n"
        * 12_000,
        "```diff\n" + "@@ -1 +1 @@\n-        sums = []\n+        sums = [1]\n" * 20_000 + "```",
        "# ...\n" * 170_000,
        "<search>" * 120_000,
        "<search>" * 45_000 + "</x>",
        "<search>a</search>" * 55_000,
        "```python\ndef total(self, rate):\n    #" + " " * 900_000 + "x\n    return 1\n```",
        "{" * 1_000_000,
        "(" * 1_000_000,
        "`" * 1_000_000,
        "```\nx\n```\n" * 90_000,
        "\t" * 1_000_000,
        "- " * 500_000,
    ],
    ids=lambda text: text[:18].strip().replace("\n", " ") or "blank",
)
def test_an_answer_of_a_megabyte_takes_seconds_at_most(answer):
    target = target_for(BASES[0])
    began = time.perf_counter()
    planned(target, answer)
    took = time.perf_counter() - began
    print(f"\n{took:.2f} s")
    assert took < 60


def test_a_range_of_blanks_takes_no_time():
    text = "def f():\n" + " " * 400_000 + "return 1\n" + " " * 400_000
    target = EditTarget(Snapshot("file:///work/m.py", text, "python", 1), Span(0, len(text)), "fix")
    began = time.perf_counter()
    planned(target, "```python\ndef f():\n    return 2\n```")
    assert time.perf_counter() - began < 60
