"""Input and answer together fit the window, counted by the engine itself, at every size."""

import json
import urllib.request
from pathlib import Path

import pytest

from aiex_lsp.app import App
from aiex_lsp.context.types import WorkspaceView
from aiex_lsp.errors import AiexError
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.text.snapshot import Snapshot, Span
from tests.servers.llama import llama_server

TARGET = "def target(values):\n" + "".join(f"    values.append({n})\n" for n in range(40))
REST = "\n\n".join(
    f'def helper_{n}(text: str) -> str:\n    """Return {n} — größer, 大きい, 🎉."""\n'
    f"    return text.replace('x{n}', '\\\\u{n:04x}') + str({n} ** 2)"
    for n in range(2000)
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with llama_server(tmp_path_factory.mktemp("llama"), context=2048) as server:
        yield server


def ask(server, path: str, body: dict) -> dict:
    data = json.dumps(body).encode()
    request = urllib.request.Request(
        server.base_url + path, data, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def counted(server, messages: list[dict]) -> int:
    prompt = ask(server, "/apply-template", {"messages": messages})["prompt"]
    tokens = ask(server, "/tokenize", {"content": prompt, "add_special": True})["tokens"]
    return len(tokens)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / "pkg").mkdir(parents=True)
    (root / "AGENTS.md").write_text("Keep functions small and tested.\n" * 300)
    (root / "pyproject.toml").write_text(
        "[project]\nname='x'\ndependencies=[" + ",".join(f"'dep{n}>=1'" for n in range(200)) + "]\n"
    )
    for n in range(200):
        (root / f"pkg/module_{n}.py").write_text("x = 1\n")
    (root / "pkg/big.py").write_text("import os\n\n\n" + TARGET + "\n\n" + REST)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("window", [2_000, 8_000, 200_000])
@pytest.mark.parametrize("task", ["explain", "analyze"])
async def test_input_and_answer_fit_and_the_target_is_whole(
    engine, project, tmp_path, window, task
):
    config = tmp_path / "config.toml"
    config.write_text(
        f'default_provider = "llama"\n[providers.llama]\ntype = "openai"\n'
        f'base_url = "{engine.base_url}"\ncontext_window = {window}\n'
    )
    app = App.create(project, {}, config, {"HOME": str(tmp_path)})
    path = project / "pkg/big.py"
    text = path.read_text()
    at = text.index("values.append(7)")
    request = TaskRequest(
        Snapshot(path.as_uri(), text, "python"),
        Span(at, at),
        app.settings,
        WorkspaceView((project,)),
        options={"task": task},
    )
    shown = await app.tasks.render_prompt(request)
    await app.aclose()

    messages = [{"role": m.role, "content": m.content} for m in shown.messages]
    used = counted(engine, messages)
    answer = min(1000, window - shown.input_tokens)
    assert answer >= 200
    assert used + answer <= window
    assert used <= shown.input_tokens
    joined = "\n".join(m["content"] for m in messages)
    assert all(f"values.append({n})" in joined for n in range(40))
    if window == 2_000:
        assert {one.name for one in shown.dropped} >= {"project_rules"}


async def test_a_target_that_cannot_fit_is_refused_with_both_sizes(project, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        'default_provider = "tiny"\n[providers.tiny]\ntype = "openai"\ndefault_model = "m"\n'
        'base_url = "http://127.0.0.1:9/v1"\ncontext_window = 2000\n'
    )
    app = App.create(project, {}, config, {"HOME": str(tmp_path)})
    path = project / "pkg/big.py"
    request = TaskRequest(
        Snapshot(path.as_uri(), path.read_text(), "python"),
        None,
        app.settings,
        WorkspaceView((project,)),
        options={"task": "explain"},
    )
    with pytest.raises(AiexError) as caught:
        await app.tasks.render_prompt(request)
    await app.aclose()
    assert "tokens" in str(caught.value)
    assert len(str(caught.value)) <= 200
