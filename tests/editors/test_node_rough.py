"""An independent client that is rough: broken messages, much at once, parts it does not do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.harness import desk
from tests.editors.node_tools import seen_by_node, why_no_node
from tests.editors.test_node_client import reply

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("node"),
    pytest.mark.alone,  # each request has its answer within twelve seconds, 500 at once too
    pytest.mark.skipif(why_no_node() is not None, reason=str(why_no_node())),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client saw, by its parts."""
    with desk(tmp_path_factory.mktemp("rough")) as here:
        here.server.answer = reply
        return seen_by_node(here, "rough_client.mjs", limit=120)


def test_node_that_sends_what_is_no_message_is_told_so_and_served_on(seen: dict[str, Any]) -> None:
    """Not JSON is -32700, no JSON-RPC -32600; stray answers and notifications are nothing."""
    assert seen["malformed"]["wrong"] == []
    assert seen["malformed"]["strange"] == -32600


def test_node_whose_frames_are_broken_is_understood_from_the_next_one_on(
    seen: dict[str, Any],
) -> None:
    assert seen["malformed"]["afterShort"]
    assert seen["malformed"]["afterNone"]


def test_node_that_closes_its_end_has_no_server_left(seen: dict[str, Any]) -> None:
    """After `shutdown` that is an orderly end though no `exit` was said, amid a message none."""
    assert seen["malformed"]["code"] == 0
    assert seen["documents"]["code"] == 1


def test_node_has_500_requests_answered_that_come_at_once(seen: dict[str, Any]) -> None:
    assert seen["burst"] == {"right": 500, "code": 0}


def test_node_works_in_a_document_of_ten_megabytes(seen: dict[str, Any]) -> None:
    big = seen["big"]
    assert big["bytes"] > 10_000_000
    assert big["title"] == "Explain `totallylylyly`"
    assert big["wrong"] == []
    assert big["code"] == 0


def test_node_that_never_answers_nor_reads_errors_is_served_all_the_same(
    seen: dict[str, Any],
) -> None:
    """Nothing waits for it: other work goes on, and the end is no later."""
    silent = seen["silent"]
    assert silent["hover"] == silent["request"] == []
    assert set(silent["asked"]) == {
        "client/registerCapability",
        "workspace/configuration",
        "window/workDoneProgress/create",
        "workspace/applyEdit",
    }
    assert silent["code"] == 0
    assert silent["endMs"] < 5000


def test_node_cancels_at_each_stage(seen: dict[str, Any]) -> None:
    found = seen["cancelled"]
    assert found["codes"] == dict.fromkeys(
        [
            "at once",
            "progress has begun",
            "text has come",
            "a hover",
            "a command at once",
            "a command with text",
        ],
        -32800,
    )
    for kinds in (found["ended"], found["ofCommand"]):
        assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert found["code"] == 0


def test_node_tells_of_documents_and_cells_and_they_are_as_it_has_them(
    seen: dict[str, Any],
) -> None:
    assert seen["documents"] == {
        "incremental": True,
        "whole": True,
        "closed": [-32602, True],
        "again": True,
        "cell": True,
        "cells": [True, True],
        "closedCell": -32602,
        "alive": True,
        "code": 1,
    }


@pytest.mark.parametrize("way", ["pulled", "pushed"])
def test_node_changes_settings_and_they_hold(seen: dict[str, Any], way: str) -> None:
    """Hovers that are off, then on."""
    assert seen["settings"][way] == [True, True, 0]


def test_node_gets_what_the_contract_says_of_every_command(seen: dict[str, Any]) -> None:
    commands = seen["commands"]
    assert commands["wrong"] == {}
    editing = ["document", "fix", "generateTests", "refactor"]
    assert commands["applied"] == {f"aiex/{name}": True for name in editing}
    assert commands["code"] == 0


def test_node_runs_every_template_by_its_response_type(seen: dict[str, Any]) -> None:
    text = ["answer", "codeReferences", "concepts", "markdown", "sections", "summary"]
    edit = ["answer", "codeBlocks", "edit", "explanation", "language", "targetUri"]
    keys = {
        "code_explanation": text,
        "findings": ["answer", "findings", "markdown"],
        "code_generation": edit,
        "test_generation": edit,
    }
    templates = seen["commands"]["templates"]
    assert len(templates) > 10
    assert [
        (name, code, found)
        for name, (kind, code, found) in templates.items()
        if found != keys[kind] and (name, code) != ("follow_up", -32602)
    ] == []
