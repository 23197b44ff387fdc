"""An independent client, on the library VS Code is built on: what it sees of the server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.harness import EXPLANATION, REFACTORED, SOURCE, answer, desk
from tests.editors.node_tools import seen_by_node, why_no_node
from tests.servers.script import Reply

DOCUMENTED = """\
def total(prices, discount=0):
    \"\"\"Return the sum of prices less a discount, for a bill.\"\"\"
    return sum(prices) - discount  # 😀 total
"""

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("node"),
    pytest.mark.skipif(why_no_node() is not None, reason=str(why_no_node())),
]


def reply(body: dict[str, Any]) -> Reply:
    """Answer as a model would; about one function it falls silent."""
    prompt = "\n".join(str(message["content"]) for message in body["messages"])
    if "never_answers" in prompt:
        return Reply(pieces=["Well, ", "never"], stall_after=1)
    if "who documents code" in prompt:
        return Reply(f"```python\n{DOCUMENTED}```")
    if "smallest change that cures" in prompt:
        return Reply(f"```python\n{REFACTORED}```")
    return answer(body)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client saw, and which calls the provider saw break off."""
    with desk(tmp_path_factory.mktemp("node")) as here:
        here.server.answer = reply
        found = seen_by_node(here, "client.mjs", limit=100)
        slow = [one for one in here.server.generations if b"never_answers" in one.body]
        found["cut"] = [one.cut for one in slow]
    return found


def test_node_gets_what_the_contract_says_of_every_request(seen: dict[str, Any]) -> None:
    assert seen["shapes"]["wrong"] == {}


def test_node_asked_everything_the_server_has(seen: dict[str, Any]) -> None:
    offered = seen["initialize"]["capabilities"]["executeCommandProvider"]["commands"]
    assert set(offered) <= set(seen["shapes"]["asked"])


def test_node_finds_every_message_valid(seen: dict[str, Any]) -> None:
    assert seen["faults"] == []
    assert set(seen["methods"]) >= {
        "$/progress",
        "aiex/providerHealth",
        "aiex/showMarkdown",
        "client/registerCapability",
        "textDocument/publishDiagnostics",
        "window/workDoneProgress/create",
        "workspace/applyEdit",
    }


def test_node_sees_progress_begin_go_on_and_end(seen: dict[str, Any]) -> None:
    assert seen["disorder"] == []
    for kinds in (seen["shapes"]["progress"], seen["edits"]["progress"]):
        assert (kinds[0], kinds[-1]) == ("begin", "end")


def test_node_joins_the_deltas_to_the_answer(seen: dict[str, Any]) -> None:
    assert seen["shapes"]["deltas"] == seen["shapes"]["results"]["aiex/explain"]["markdown"]
    assert seen["shapes"]["deltas"] == EXPLANATION


def test_node_gets_code_actions_with_commands_that_are_never_preferred(
    seen: dict[str, Any],
) -> None:
    actions = seen["shapes"]["results"]["textDocument/codeAction"]
    assert len(actions) > 8
    for action in actions:
        assert action["command"]["command"].startswith("aiex/")
        assert "isPreferred" not in action
        assert action["tags"] == [1]


def test_node_finds_the_line_of_a_finding_in_a_document_with_crlf(seen: dict[str, Any]) -> None:
    assert seen["shapes"]["finding"].strip() == "return sum(prices) - discount  # 😀 total"


def test_node_has_requests_answered_that_run_at_once(seen: dict[str, Any]) -> None:
    assert seen["shapes"]["concurrent"] == [0] * 24


def test_node_applies_the_edit_of_a_command_with_the_line_ends_of_the_file(
    seen: dict[str, Any],
) -> None:
    edits = seen["edits"]
    assert list(edits["accepted"]) == ["accepted"]
    (change,) = edits["edit"]["documentChanges"]
    assert change["textDocument"]["version"] == 1
    expected = SOURCE[: SOURCE.index("def total")] + REFACTORED
    assert edits["text"] == expected.replace("\n", "\r\n")
    assert edits["waited"] == []


def test_node_is_told_that_a_method_is_unknown(seen: dict[str, Any]) -> None:
    assert [code for _, code in seen["errors"]["unknown"]] == [-32601] * 5
    assert seen["errors"]["alive"]


def test_node_is_told_which_parameter_is_wrong(seen: dict[str, Any]) -> None:
    wrong = [one for one in seen["errors"]["params"] if one["code"] != -32602 or not one["named"]]
    assert wrong == []


def test_node_is_told_the_same_of_a_command(seen: dict[str, Any]) -> None:
    """A name that only the configuration knows is told when the accepted command fails."""
    names = ({"provider": "nobody"}, {"strategy": "luck"}, {"template": "nothing"})
    for one in seen["errors"]["commands"]:
        if any(name.items() <= one["params"].items() for name in names) and one["code"] == 0:
            assert list(one["result"]) == ["accepted"]
        else:
            assert one["code"] == -32602, one
    assert seen["errors"]["noCommand"]["code"] == -32602


def test_node_cannot_initialize_twice(seen: dict[str, Any]) -> None:
    assert seen["errors"]["twice"]["code"] == -32600


def test_node_cancels_a_request_and_its_call(seen: dict[str, Any]) -> None:
    assert seen["cancels"]["error"]["code"] == -32800
    assert seen["cancels"]["progress"][-1] == "end"
    assert seen["cancels"]["ms"] < 1000
    assert seen["cut"][0]


def test_node_cancels_a_command_by_its_progress_and_by_its_id(seen: dict[str, Any]) -> None:
    assert seen["cancels"]["commandProgress"][-1] == "end"
    assert seen["cancels"]["view"]["final"]
    assert "Cancelled." in seen["cancels"]["view"]["markdown"]
    assert seen["cancels"]["byId"] == {"cancelled": True}


def test_node_leaves_no_call_behind(seen: dict[str, Any]) -> None:
    assert len(seen["cut"]) >= 4
    assert all(seen["cut"])


def test_node_shuts_down_with_work_under_way(seen: dict[str, Any]) -> None:
    assert seen["shutdown"]["answer"] is None
    assert seen["shutdown"]["running"]["code"] == -32800
    assert seen["shutdown"]["after"]["code"] == -32600
    assert seen["shutdown"]["code"] == 0


def test_node_that_leaves_without_a_word_has_no_server_left(seen: dict[str, Any]) -> None:
    """`exit` alone, broken pipes, and an editor that died while its pipes were held open."""
    assert seen["encodings"]["utf-8"]["left"] == 1
    assert seen["encodings"]["utf-16"]["left"]
    assert seen["encodings"]["utf-32"]["left"]


def test_node_that_asks_before_it_initializes_is_refused(seen: dict[str, Any]) -> None:
    assert seen["early"]["refused"]["code"] == -32002
    assert seen["early"]["code"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_node_counts_columns_as_it_likes(seen: dict[str, Any], encoding: str) -> None:
    found = seen["encodings"][encoding]
    assert found["chosen"] == encoding
    assert found["title"] == "Explain `total`"
    assert found["code"] == "total"


def test_node_is_asked_to_watch_files_and_never_to_register_a_method_of_ours(
    seen: dict[str, Any],
) -> None:
    methods = [one["method"] for one in seen["registered"]]
    assert "workspace/didChangeWatchedFiles" in methods
    assert "workspace/didChangeConfiguration" in methods
    assert not [one for one in methods if one.startswith("aiex/")]


def test_node_that_declares_nothing_is_asked_nothing(seen: dict[str, Any]) -> None:
    bare = seen["bare"]
    assert bare["asked"] == []
    assert set(bare["told"]) <= {
        "textDocument/publishDiagnostics",
        "window/logMessage",
        "window/showMessage",
    }
    assert bare["encoding"] == "utf-16"
    assert bare["commands"]
    assert bare["hover"] == "plaintext"
    assert bare["code"] == 0
