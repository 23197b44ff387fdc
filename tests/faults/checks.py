"""What an outcome has to be: a row of the fault table, looked at from both ends."""

from __future__ import annotations

import re

from tests.faults.expect import LATE, SLACK, Expect
from tests.faults.harness import KEY, SPARE, Situation
from tests.faults.plays import GOOD
from tests.faults.questions import REFUSED, Outcome


def check(outcome: Outcome, expect: Expect, situation: Situation) -> None:
    """Check what the editor and the providers saw against a row of the table."""
    _check_provider(outcome, expect)
    if expect.answers or (situation == "spare" and not expect.refused):
        _check_answer(outcome, expect)
    else:
        _check_refusal(outcome, expect)
    waited = sum(outcome.gaps)
    least, most = expect.took
    spare = 0.25 + SLACK if outcome.spare else 0.0
    assert least <= outcome.seconds <= most + waited + spare + LATE
    assert not outcome.changed
    assert outcome.edits == 0
    assert outcome.next_result is not None
    assert outcome.next_result["markdown"] == GOOD
    if expect.after == "barred":
        assert re.search("asked to be left alone for .* s more", outcome.next_error)
        assert len(outcome.next_error) <= 200


def _check_provider(outcome: Outcome, expect: Expect) -> None:
    requests = len(expect.outcomes) if expect.requests is None else expect.requests
    assert len(outcome.requests) == requests, outcome.line()
    for gap, (least, most) in zip(outcome.gaps, expect.gaps, strict=True):
        assert least <= gap <= most
    sizes = [len(request.body) for request in outcome.requests]
    if "context_too_long" in expect.outcomes:
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == len(sizes)
    for kind, request in zip(expect.outcomes, outcome.requests, strict=False):
        if kind in ("first_token_timeout", "stall"):
            assert request.cut


def _check_answer(outcome: Outcome, expect: Expect) -> None:
    assert outcome.result is not None, outcome.error
    assert outcome.result["markdown"] == GOOD
    answered = [] if expect.answers else [(SPARE, "ok")]
    wanted = [*((outcome.provider, kind) for kind in expect.outcomes), *answered]
    assert outcome.attempts == wanted
    answer = outcome.result["answer"]
    assert answer["provider"] == (outcome.provider if expect.answers else SPARE)
    assert answer["cached"] is False
    assert len(outcome.spare) == (0 if expect.answers else 1)
    if outcome.streamed:
        assert outcome.joined == GOOD
        assert len(outcome.restarts) == expect.restarts
        if expect.restarts:
            assert outcome.restarts[-1]["provider"] == answer["provider"]
    failed = [kind for kind in expect.outcomes if kind != "ok"]
    if failed:
        told = f"{outcome.provider} failed ({failed[-1]}), asking {answer['provider']}"
        slow = not expect.answers or max(outcome.gaps, default=0.0) > 0.15
        assert not slow or any(one.startswith(told) for one in outcome.told), outcome.told


def _check_refusal(outcome: Outcome, expect: Expect) -> None:
    assert outcome.result is None
    assert outcome.error is not None
    assert outcome.error.code == REFUSED
    said = outcome.error.message
    assert len(said) <= 200
    assert re.search(rf"\b{re.escape(outcome.provider)}\b", said), said
    assert re.search(expect.cause, said), said
    assert re.search(expect.step, said), said
    assert "\n" not in said
    assert outcome.name not in said
    assert KEY not in said
    assert outcome.spare == []
    if outcome.streamed:
        assert len(outcome.restarts) == expect.restarts
