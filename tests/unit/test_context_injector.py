from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aiex_lsp.config.settings import ContextSettings, Settings
from aiex_lsp.context.compressor import compress
from aiex_lsp.context.injector import ContextInjector
from aiex_lsp.context.rules import INJECTION_RULES
from aiex_lsp.context.types import (
    ContextBundle,
    ContextItem,
    ContextRequest,
    DiagnosticInfo,
    WorkspaceView,
)
from aiex_lsp.errors import DisabledError, DocumentError, RangeError
from aiex_lsp.text.snapshot import Snapshot, Span

CART = '''"""The shop's cart."""
import json
from decimal import Decimal


class Cart:
    """What a customer wants."""

    def __init__(self) -> None:
        self.lines = []

    # Sums up
    # all lines.
    @property
    def total(self) -> Decimal:
        result = Decimal(0)
        for line in self.lines:
            result += line.price
        return result


def load(path: str) -> Cart:
    return json.loads(path)
'''

WORKSPACE = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["httpx>=0.28"]\n',
    "AGENTS.md": "Write plain English.",
    ".env": "TOKEN=topsecret",
    ".gitignore": "generated/\n",
    "generated/big.py": "x = 'topsecret'",
    "src/shop/cart.py": "# an old text on disk\n",
    "src/shop/__init__.py": "",
    "tests/test_cart.py": "def test_total():\n    assert True\n",
    "node_modules/x/index.js": "",
}

EVERYTHING = frozenset(INJECTION_RULES)


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", WORKSPACE)


def at(text: str, piece: str) -> Span:
    start = text.index(piece)
    return Span(start, start)


def snapshot(path: Path | str, text: str = CART, language: str = "python") -> Snapshot:
    uri = path.as_uri() if isinstance(path, Path) else path
    return Snapshot(uri, text, language, 3)


def values(bundle: ContextBundle) -> dict[str, str]:
    return {item.name: item.value for item in bundle.items}


async def gather(
    snap: Snapshot,
    span: Span | None,
    *roots: Path,
    needs: frozenset[str] = EVERYTHING,
    settings: Settings | None = None,
    opened: Callable[[str], Snapshot | None] = lambda _uri: None,
    injector: ContextInjector | None = None,
    **more: object,
) -> ContextBundle:
    request = ContextRequest(
        snapshot=snap,
        span=span,
        settings=settings or Settings(),
        workspace=WorkspaceView(roots, opened),
        needs=needs,
        **more,  # type: ignore[arg-type]
    )
    return await (injector or ContextInjector(time_limit=5)).gather(request)


async def test_a_cursor_means_its_symbol_with_decorators_and_comment(root: Path) -> None:
    snap = snapshot(root / "src/shop/cart.py")
    bundle = await gather(snap, at(CART, "result +="), root)
    code = values(bundle)["code"]
    assert code.startswith("    # Sums up\n    # all lines.\n    @property\n    def total(")
    assert code.endswith("return result")
    facts = bundle.facts
    assert facts["language"] == "python"
    assert facts["file_path"] == "src/shop/cart.py"
    assert facts["symbol"] == "Cart.total"
    assert facts["symbol_kind"] == "method"
    assert "def total(self) -> Decimal" in str(facts["signature"])
    assert facts["start_line"] == 12
    assert facts["line_count"] == CART.count("\n") + 1
    assert facts["large_file"] is False
    assert facts["has_tests"] is True
    start, end = facts["code_start"], facts["code_end"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    assert CART[start:end] == code


async def test_the_project_is_told_and_secrets_are_not(root: Path) -> None:
    bundle = await gather(snapshot(root / "src/shop/cart.py"), at(CART, "result +="), root)
    found = values(bundle)
    assert found["imports"] == "import json\nfrom decimal import Decimal"
    assert "- httpx >=0.28" in found["dependencies"]
    assert found["project_rules"] == "# AGENTS.md\nWrite plain English."
    assert "src/shop/ (2 py)" in found["project_structure"]
    assert "tests/test_cart.py" in found["test_files"]
    assert "def test_total" in found["existing_tests"]
    assert "class Cart" in found["surrounding"]
    assert "def load(path: str)" in found["surrounding"]
    everything = "\n".join(found.values())
    assert "topsecret" not in everything
    assert ".env" not in everything
    assert "node_modules" not in everything
    assert "generated" not in found["project_structure"]
    assert bundle.left_out == ()


async def test_the_editors_unsaved_text_wins_over_the_disk(root: Path) -> None:
    rules = snapshot(root / "AGENTS.md", "Unsaved rules.", "markdown")
    opened = {rules.uri: rules}.get
    snap = snapshot(root / "src/shop/cart.py")
    bundle = await gather(snap, None, root, opened=opened)
    assert values(bundle)["code"] == CART
    assert "Unsaved rules." in values(bundle)["project_rules"]
    assert "Write plain English" not in values(bundle)["project_rules"]


async def test_only_what_the_template_needs_is_gathered(root: Path) -> None:
    asked: list[str] = []

    def opened(uri: str) -> None:
        asked.append(uri)

    bundle = await gather(
        snapshot(root / "src/shop/cart.py"),
        at(CART, "result +="),
        root,
        needs=frozenset({"code", "language"}),
        opened=opened,
    )
    assert list(values(bundle)) == ["code"]
    assert asked == []


async def test_a_selection_means_its_whole_lines_inside_their_symbol(root: Path) -> None:
    start = CART.index("line in self")
    bundle = await gather(
        snapshot(root / "src/shop/cart.py"), Span(start, CART.index("line.price") + 4), root
    )
    found = values(bundle)
    expected = "        for line in self.lines:\n            result += line.price"
    assert found["code"] == found["selection"] == expected
    assert "def total" in found["surrounding"]
    assert "result = Decimal(0)" in found["surrounding"]
    assert bundle.facts["symbol"] == "Cart.total"
    assert bundle.facts["start_line"] == 17


async def test_a_selected_name_or_one_character_is_a_cursor(root: Path) -> None:
    start = CART.index("total(self")
    for span in (Span(start, start + 5), Span(start, start + 1)):
        bundle = await gather(snapshot(root / "src/shop/cart.py"), span, root)
        assert bundle.facts["target_kind"] == "symbol"
        assert "selection" not in values(bundle)


async def test_without_a_span_the_whole_document_is_meant(root: Path) -> None:
    bundle = await gather(
        snapshot(root / "src/shop/cart.py", "\ufeffx = 1\r\ny = 2\r\n"), None, root
    )
    assert values(bundle)["code"] == "x = 1\ny = 2\n"
    assert "imports" not in values(bundle)
    assert "surrounding" not in values(bundle)


async def test_an_unknown_language_falls_back_to_lines(root: Path) -> None:
    text = "first block\nstill\n\n\nsecond block\nmore\n"
    bundle = await gather(snapshot(root / "a.cobol", text, "cobol"), at(text, "second"), root)
    assert "second block" in values(bundle)["code"]
    assert bundle.facts["language"] == "cobol"
    assert "symbol" not in bundle.facts


async def test_diagnostics_in_range_only(root: Path) -> None:
    inside, outside = at(CART, "result +="), at(CART, "import json")
    bundle = await gather(
        snapshot(root / "src/shop/cart.py"),
        inside,
        root,
        diagnostics=(
            DiagnosticInfo(Span(inside.start, inside.start + 6), "bad\nsum", "error", "mypy", "op"),
            DiagnosticInfo(Span(outside.start, outside.start + 6), "unused", "warning"),
        ),
    )
    assert values(bundle)["diagnostics"] == "18:13: error: bad sum [mypy op]"


async def test_session_analysis_and_what_the_task_gives(root: Path) -> None:
    bundle = await gather(
        snapshot(root / "src/shop/cart.py"),
        None,
        root,
        recent_analysis=("old", "new"),
        session={"recent tasks": ["explain", "tests"], "empty": ""},
        extra=(
            ContextItem("question", "Why?", 0),
            ContextItem("existing_tests", "def test_given(): ...", 3, 10),
        ),
    )
    found = values(bundle)
    assert found["recent_analysis"] == "- new\n- old"
    assert found["session"] == "recent tasks: explain, tests"
    assert found["question"] == "Why?"
    assert found["existing_tests"] == "def test_given(): ..."
    priorities = {item.name: item.priority for item in bundle.items}
    assert priorities["code"] == priorities["question"] == 0
    assert priorities["session"] > priorities["project_structure"] > priorities["dependencies"]


async def test_project_switched_off_sends_only_the_document(root: Path) -> None:
    settings = Settings(context=ContextSettings(project=False))
    bundle = await gather(
        snapshot(root / "src/shop/cart.py"),
        at(CART, "result +="),
        root,
        settings=settings,
        extra=(ContextItem("existing_tests", "def test_given(): ...", 3, 10),),
    )
    assert set(values(bundle)) == {"code", "imports", "surrounding"}


async def test_rules_files_are_configurable(root: Path) -> None:
    write(root, {"docs/STYLE.md": "Short names."})
    settings = Settings(context=ContextSettings(rules_files=("docs/STYLE.md",)))
    bundle = await gather(snapshot(root / "src/shop/cart.py"), None, root, settings=settings)
    assert values(bundle)["project_rules"] == "# docs/STYLE.md\nShort names."


@pytest.mark.parametrize("name", [".env", "deploy/server.pem", "credentials.json"])
async def test_a_secrets_file_is_refused_even_when_asked_about(root: Path, name: str) -> None:
    with pytest.raises(DisabledError, match="never sent"):
        await gather(snapshot(root / name, "TOKEN=topsecret", "plaintext"), None, root)


async def test_a_secrets_file_is_refused_without_a_workspace_and_by_any_scheme() -> None:
    for uri in ("untitled:/home/me/.env", "untitled:.env", "file:///home/me/id_rsa"):
        with pytest.raises(DisabledError):
            await gather(snapshot(uri, "x"), None)


async def test_aiexignore_refuses_the_document_itself(root: Path) -> None:
    write(root, {".aiexignore": "src/shop/\n"})
    for roots in ((root,), (), (root / "src",)):
        with pytest.raises(DisabledError, match=r"\.aiexignore"):
            await gather(snapshot(root / "src/shop/cart.py"), None, *roots)


async def test_a_gitignored_document_may_be_asked_about(root: Path) -> None:
    bundle = await gather(snapshot(root / "generated/big.py", "x = 1\n"), None, root)
    assert values(bundle)["code"] == "x = 1\n"


async def test_an_untitled_buffer_and_a_cell_know_the_first_folder(root: Path) -> None:
    bundle = await gather(snapshot("untitled:Untitled-1"), at(CART, "result +="), root)
    assert bundle.facts["file_path"] == "Untitled-1"
    assert "Write plain English" in values(bundle)["project_rules"]
    assert "test_files" not in values(bundle)
    cell = f"vscode-notebook-cell:{root.as_posix()}/nb.ipynb#W0sZmlsZQ"
    bundle = await gather(snapshot(cell, "x = 1\n"), None, root)
    assert bundle.facts["file_path"] == "nb.ipynb (cell)"
    bundle = await gather(snapshot("untitled:Untitled-1"), None)
    assert set(values(bundle)) == {"code"}


async def test_a_file_outside_the_workspace_reads_nothing_from_disk(
    root: Path, tmp_path: Path
) -> None:
    outside = write(tmp_path / "elsewhere", {"AGENTS.md": "Foreign rules.", "a.py": ""})
    bundle = await gather(snapshot(outside / "a.py"), None, root)
    assert set(values(bundle)) == {"code"}
    assert bundle.facts["file_path"] == "a.py"


async def test_in_a_multi_root_workspace_the_innermost_folder_holds(
    root: Path, tmp_path: Path
) -> None:
    inner = write(root / "services/api", {"AGENTS.md": "Api rules.", "go.mod": "module api\n"})
    bundle = await gather(snapshot(inner / "a.py"), None, tmp_path, root, inner)
    assert values(bundle)["project_rules"] == "# AGENTS.md\nApi rules."
    assert bundle.facts["file_path"] == "a.py"


async def test_a_hostile_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("topsecret")
    (root / "CLAUDE.md").symlink_to(secret)
    (root / ".cursorrules").symlink_to(root / ".env")
    bundle = await gather(snapshot(root / "src/shop/cart.py"), None, root)
    assert "topsecret" not in "".join(values(bundle).values())


async def test_slow_project_facts_are_left_out_and_named(root: Path) -> None:
    gate = threading.Event()

    def opened(_uri: str) -> None:
        gate.wait(10)

    try:
        bundle = await gather(
            snapshot(root / "src/shop/cart.py"),
            at(CART, "result +="),
            root,
            needs=frozenset({"code", "dependencies", "project_rules"}),
            opened=opened,
            injector=ContextInjector(time_limit=0.05),
        )
    finally:
        gate.set()
    assert list(values(bundle)) == ["code"]
    assert {one.name for one in bundle.left_out} == {"dependencies", "project_rules"}


async def test_cancelling_passes_through_at_once(root: Path) -> None:
    gate, begun = threading.Event(), threading.Event()

    def opened(_uri: str) -> None:
        begun.set()
        gate.wait(10)

    task = asyncio.create_task(
        gather(snapshot(root / "src/shop/cart.py"), None, root, opened=opened)
    )
    try:
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        gate.set()


async def test_one_failing_fact_costs_nothing_else(root: Path) -> None:
    def opened(uri: str) -> None:
        if uri.endswith("AGENTS.md"):
            raise RuntimeError("the editor's text is gone")

    bundle = await gather(snapshot(root / "src/shop/cart.py"), None, root, opened=opened)
    assert "dependencies" in values(bundle)
    assert [one.name for one in bundle.left_out] == ["project_rules"]


async def test_the_structure_holds_for_a_while_then_is_seen_anew(root: Path) -> None:
    now = 100.0
    injector = ContextInjector(clock=lambda: now, time_limit=5)
    snap = snapshot(root / "src/shop/cart.py")

    async def structure() -> str:
        return values(await gather(snap, None, root, injector=injector))["project_structure"]

    before = await structure()
    write(root, {"src/shop/extra.py": ""})
    assert await structure() == before
    now += 10
    assert "extra.py" in await structure()
    write(root, {".aiexignore": "src/\n"})
    hidden = write(root, {"other.py": ""}) / "other.py"
    text = values(await gather(snapshot(hidden), None, root, injector=injector))
    assert "extra.py" not in text["project_structure"]


async def test_binary_text_and_a_span_outside_are_refused(root: Path) -> None:
    with pytest.raises(DocumentError):
        await gather(snapshot(root / "a.py", "a\0b"), None, root)
    with pytest.raises(RangeError):
        await gather(snapshot(root / "a.py", "abc"), Span(2, 9), root)


async def test_emoji_and_crlf_keep_offsets_right(root: Path) -> None:
    text = "x = '😀é'\r\n\r\n\r\ndef f():\r\n    return '👩‍👩‍👧'\r\n\r\n\r\ny = f()\r\n"
    bundle = await gather(snapshot(root / "a.py", text), at(text, "return"), root)
    assert values(bundle)["code"] == "def f():\n    return '👩‍👩‍👧'"
    assert bundle.facts["start_line"] == 4


async def test_a_large_file_answers_for_the_symbol_under_the_cursor(root: Path) -> None:
    text = "\n\n".join(f"def f{i}():\n    return {i}" for i in range(5_000))
    bundle = await gather(snapshot(root / "a.py", text), at(text, "return 4000"), root)
    assert values(bundle)["code"] == "def f4000():\n    return 4000"
    assert bundle.facts["large_file"] is True
    assert len(values(bundle)["surrounding"]) < 5_000


@pytest.mark.parametrize("window", [2_000, 8_000, 200_000])
async def test_any_window_holds_the_code_and_names_what_was_dropped(
    root: Path, window: int
) -> None:
    write(
        root,
        {
            "AGENTS.md": "\n".join(f"Rule {i}: write plain English." for i in range(600)),
            "CLAUDE.md": "\n".join(f"Habit {i}: name things well." for i in range(600)),
            **{f"src/part{i}/module{j}.py": "" for i in range(30) for j in range(4)},
            "pyproject.toml": "[project]\nname = 'shop'\ndependencies = [\n"
            + "\n".join(f"  'package-{i}>=1.{i}'," for i in range(300))
            + "\n]\n",
        },
    )
    snap = snapshot(root / "src/shop/cart.py")
    bundle = await gather(snap, at(CART, "result +="), root)

    def count(filled: Mapping[str, str]) -> int:
        return 300 + sum(len(text) + len(name) + 10 for name, text in filled.items()) // 3

    fitted = compress(bundle, window, count)
    assert count(fitted.values) == fitted.tokens <= window
    assert fitted.values["code"] == values(bundle)["code"]
    lost = {one.name for one in fitted.dropped}
    assert lost == {
        name for name, text in values(bundle).items() if fitted.values.get(name) != text
    }
    assert ("project_structure" in lost) == (window < 200_000)
    assert bool(lost) == (window < 200_000)
