"""The commands as users and scripts see them: what is printed where, and the exit status.

The model's side is a fake task service; files, configuration and templates are real.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aiex_lsp.cli.common import Runtime
from aiex_lsp.cli.program import COMMANDS, program
from aiex_lsp.cli.serve import parse_address
from aiex_lsp.config.consent import ConsentQuestion
from aiex_lsp.config.loader import load
from aiex_lsp.config.paths import config_paths
from aiex_lsp.edits.plan import plan_for
from aiex_lsp.errors import AnswerError, NoProviderError, UsageError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.llm.models_install import bundled_model
from aiex_lsp.llm.types import (
    Answer,
    Attempt,
    Dropped,
    Listener,
    Message,
    ModelInfo,
    Price,
    Usage,
)
from aiex_lsp.responses.types import CodeBlock, Section
from aiex_lsp.tasks.types import (
    AnalyzeResult,
    EditResult,
    ExplainResult,
    PlacedFinding,
    RenderedPrompt,
    TaskRequest,
    TaskResult,
)
from aiex_lsp.templates.registry import TemplateRegistry
from aiex_lsp.text.snapshot import Snapshot, Span

ANSWER = Answer(
    id="a1",
    provider="ollama",
    model="llama",
    usage=Usage(12, 34),
    cost=0.0,
    duration_ms=1500.0,
    cached=False,
    attempts=(Attempt("openai", "gpt", "rate_limited", 200.0), Attempt("ollama", "llama", "ok", 9)),
    note="A larger model answers better.",
)
TEXT = "# Adds\n\nIt **adds**.\n"


class FakeTasks:
    """Answers without a model; keeps the last request."""

    def __init__(self) -> None:
        self.request: TaskRequest | None = None
        self.deltas: list[str] = ["# Adds\n\n", "It **adds**.\n"]
        self.error: Exception | None = None
        self.findings: tuple[PlacedFinding, ...] = ()
        self.new_text = "def test_f():\n    assert f(1) == 2\n"
        self.restart = False
        self.answer = ANSWER

    def _start(self, request: TaskRequest, listener: Listener) -> None:
        self.request = request
        listener.on_status("asking ollama (llama)")
        if self.error is not None:
            raise self.error

    async def explain(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        self._start(request, listener)
        if self.restart:
            listener.on_delta("half of")
            listener.on_restart("ollama")
        for delta in self.deltas:
            listener.on_delta(delta)
        return ExplainResult(
            TEXT, "It adds.", (Section(1, "Adds", "It"),), (), ("sum",), self.answer
        )

    async def analyze(self, request: TaskRequest, listener: Listener) -> AnalyzeResult:
        self._start(request, listener)
        return AnalyzeResult("Looks fine.", self.findings, self.answer)

    async def generate_tests(self, request: TaskRequest, listener: Listener) -> EditResult:
        self._start(request, listener)
        source = Path(request.snapshot.uri.removeprefix("file://"))
        target = source.parent / f"test_{source.name}"
        create = not target.exists()
        old = "" if create else target.read_bytes().decode()
        current = Snapshot(target.as_uri(), old, "python")
        plan = plan_for(current, old + self.new_text, create=create)
        blocks = (CodeBlock("python", self.new_text, True),)
        return EditResult(plan, current.uri, blocks, "Tests.", "python", self.answer)

    async def run(self, request: TaskRequest, listener: Listener) -> TaskResult:
        if request.options["template"].startswith("analyze"):
            return await self.analyze(request, listener)
        return await self.explain(request, listener)

    async def render_prompt(self, request: TaskRequest) -> RenderedPrompt:
        self.request = request
        return RenderedPrompt(
            (Message("system", "Be exact."), Message("user", "Explain\n  this.")),
            42,
            None,
            "openai",
            "gpt",
            ("1 API key",),
            (Dropped("imports", 7),),
        )


class FakeApp:
    """The composition root with real configuration and templates, and fake tasks."""

    def __init__(self, world: World, workspace: Path | None, cli: Any, file: Path | None) -> None:
        self.world = world
        self.paths = config_paths(world.env, config_file=file)
        self.loaded = load(self.paths, env=world.env, cli=cli, workspace=workspace)
        self.settings, self.problems = self.loaded.settings, self.loaded.problems
        self.registry = TemplateRegistry([("user", self.paths.user_templates)])
        self.tasks = world.tasks
        self.bus = EventBus()

    def listen(self, listener: Any) -> None:
        del listener

    async def models(self, provider: str | None = None) -> list[ModelInfo]:
        found = [
            ModelInfo("big", "openai", False, 128_000, price=Price(0.01, 0.03)),
            ModelInfo("small", "ollama", True, loaded=True),
        ]
        return [one for one in found if provider in (None, one.provider)]

    def consent_question(self) -> ConsentQuestion | None:
        return self.world.question

    def agree(self, provider: str, agreed: bool) -> None:
        self.world.agreed.append((provider, agreed))

    def serve_stdio(self) -> None:
        self.world.served.append("stdio")

    def serve_tcp(self, host: str, port: int) -> None:
        if port == 1:
            raise PermissionError(13, "Permission denied")
        self.world.served.append(f"{host}:{port}")

    async def aclose(self) -> None:
        self.world.closed += 1


class World:
    """A folder with a project, a home of its own, and the program in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env: dict[str, str] = {"HOME": str(root / "home"), "XDG_CONFIG_DIRS": str(root)}
        self.tasks = FakeTasks()
        self.question: ConsentQuestion | None = None
        self.agreed: list[tuple[str, bool]] = []
        self.served: list[str] = []
        self.closed = 0
        self.source = root / "f.py"
        self.source.write_text("def f(x):\n    return x + 1\n")
        (root / "pyproject.toml").touch()

    def run(self, *args: str, input: str | None = None) -> Result:
        def make(
            workspace: Path | None, cli: Mapping[str, Any], file: Path | None, env: Any
        ) -> Any:
            return FakeApp(self, workspace, cli, file)

        runtime = Runtime(env=self.env, make_app=make)
        return CliRunner().invoke(program, list(args), obj=runtime, input=input)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


def sentence(result: Result) -> str:
    """Return the one line an error is."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("aiex-lsp: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    return lines[0]


def test_explain_streams_the_answer_raw_into_a_pipe(world: World) -> None:
    result = world.run("explain", "f.py:1-2", "--level", "brief")
    assert (result.exit_code, result.stdout) == (0, TEXT)
    assert "ollama · llama · 12 + 34 tokens · $0 · 1.5 s" in result.stderr
    assert "A larger model answers better." in result.stderr
    assert world.tasks.request is not None
    assert world.tasks.request.options == {"level": "brief"}
    assert world.tasks.request.workspace.roots == (world.root,)
    assert world.closed == 1


def test_an_answer_that_came_in_no_pieces_is_printed_whole(world: World) -> None:
    world.tasks.deltas = []
    assert world.run("explain", "f.py").stdout.strip() == TEXT.strip()


def test_an_answer_at_its_token_limit_is_told_not_to_be_complete(world: World) -> None:
    world.tasks.answer = replace(ANSWER, finish_reason="length")
    for command in ("explain", "analyze", "tests"):
        assert "cut at 34 tokens; raise max_tokens" in world.run(command, "f.py").stderr


def test_a_restart_is_told(world: World) -> None:
    world.tasks.restart = True
    result = world.run("explain", "f.py")
    assert result.stdout == "half of\n" + TEXT
    assert "begins anew at ollama" in result.stderr


def test_explain_for_machines(world: World) -> None:
    result = world.run("explain", "f.py", "--json")
    found = json.loads(result.stdout)
    assert list(found) == [
        "markdown",
        "summary",
        "sections",
        "codeReferences",
        "concepts",
        "answer",
    ]
    assert found["sections"][0]["title"] == "Adds"
    assert found["answer"]["usage"] == {"inputTokens": 12, "outputTokens": 34}
    assert found["answer"]["attempts"][0]["durationMs"] == 200.0
    assert result.stderr == ""


def test_what_the_call_names_reaches_the_task(world: World) -> None:
    args = ("--provider", "ollama", "--model", "m", "--strategy", "random")
    world.run("explain", "f.py", *args)
    request = world.tasks.request
    assert request is not None
    assert (request.provider, request.model, request.strategy) == ("ollama", "m", "random")
    world.run(*args, "explain", "f.py", "--model", "n")
    request = world.tasks.request
    assert (request.provider, request.model) == ("ollama", "n")


def test_explain_choice_lists_the_attempts(world: World) -> None:
    result = world.run("explain", "f.py", "--explain-choice")
    assert "tried openai (gpt): rate_limited, 0.2 s" in result.stderr


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("explain",), 2, "Missing argument"),
        (("explain", "nope.py"), 2, "nope.py does not exist"),
        (("explain", "f.py:9"), 2, "has 2 lines"),
        (("explain", "f.py", "--level", "long"), 2, "--level"),
        (("explain", "f.py", "--provider", "olama"), 2, 'did you mean "ollama"'),
        (("explain", "f.py", "--strategy", "fast"), 2, "is no strategy"),
        (("nope",), 2, "No such command"),
        (("fix",), 2, "Missing argument"),
        (("--nope",), 2, "No such option"),
        (("run", "nope", "f.py"), 1, "There is no template"),
        (("run", "explain", "f.py", "--var", "levl=x"), 2, 'Did you mean "level"'),
        (("run", "explain", "f.py", "--var", "level"), 2, "name=value"),
        (("run", "explain", "f.py", "--var", "level=long"), 2, "Use one of brief"),
        (("explain", "f.py", "--config", "nope.toml"), 2, "nope.toml does not exist"),
        (("config", "show", "--config", "nope.toml"), 2, "nope.toml does not exist"),
        (("explain", "f.py", "--provider", "nope"), 2, "there are anthropic, embedded"),
        (("templates",), 2, "A subcommand is missing"),
        (("models",), 2, "A subcommand is missing"),
        (("config",), 2, "A subcommand is missing"),
        (("prompt", "nope", "f.py"), 1, "There is no template"),
        (("serve", "--tcp", "nonsense"), 2, "is no address"),
        (("serve", "--tcp", "127.0.0.1:1"), 1, "Permission denied"),
        (("config", "set", "hover.mode", "offf"), 2, 'did you mean "off"'),
        (("templates", "check", "nope"), 2, "does not exist"),
        (("models", "install", "nope.gguf"), 1, "nope.gguf"),
    ],
)
def test_failures_are_one_sentence(
    world: World, args: tuple[str, ...], status: int, message: str
) -> None:
    result = world.run(*args)
    assert result.exit_code == status
    assert message in sentence(result)
    assert result.stdout == ""


def test_no_provider_is_a_failure(world: World) -> None:
    world.tasks.error = NoProviderError("No provider answered", "Start a local server")
    result = world.run("explain", "f.py")
    assert (result.exit_code, sentence(result)) == (
        1,
        "aiex-lsp: No provider answered. Start a local server.",
    )
    assert world.closed == 1


def test_an_answer_without_code_is_shown(world: World) -> None:
    world.tasks.error = AnswerError("No code came", "Ask again", text="I cannot do that.")
    result = world.run("tests", "f.py")
    assert result.exit_code == 1
    assert "I cannot do that." in result.stderr


def test_a_fault_of_ours_shows_a_traceback_only_on_demand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.tasks.error = ZeroDivisionError("x")
    result = world.run("explain", "f.py")
    assert (result.exit_code, "AIEX_DEBUG=1" in sentence(result)) == (1, True)
    monkeypatch.setenv("AIEX_DEBUG", "1")
    assert isinstance(world.run("explain", "f.py").exception, ZeroDivisionError)


def test_analyze_prints_a_line_a_finding(world: World) -> None:
    world.tasks.findings = (
        PlacedFinding(Span(14, 25), "warning", "general", "May\noverflow", "Check it"),
        PlacedFinding(Span(0, 3), "hint", "style", "Name it."),
    )
    result = world.run("analyze", "f.py", "--type", "security")
    assert result.stdout.splitlines() == [
        "f.py:2:5: warning: May overflow. Check it",
        "f.py:1:1: hint: Name it.",
        "2 findings: 1 warning, 1 hint.",
    ]
    assert result.exit_code == 0
    found = json.loads(world.run("analyze", "f.py", "--json").stdout)
    assert found["findings"][0]["range"]["start"] == {"line": 1, "character": 4}
    assert "suggestion" not in found["findings"][1]


def test_analyze_without_findings(world: World) -> None:
    assert world.run("analyze", "f.py").stdout == "Looks fine.\nNo findings.\n"


def test_tests_prints_a_diff_and_writes_nothing(world: World) -> None:
    result = world.run("tests", "f.py")
    assert result.stdout.startswith("--- /dev/null\n+++ b/test_f.py\n")
    assert not (world.root / "test_f.py").exists()


def test_tests_apply_keeps_bom_and_permissions(world: World) -> None:
    target = world.root / "test_f.py"
    target.write_bytes(b"\xef\xbb\xbfimport f\r\n")
    target.chmod(0o640)
    world.tasks.new_text = "def test_f():\r\n    pass\r\n"
    result = world.run("tests", "f.py", "--apply")
    assert result.stdout == "wrote test_f.py\n"
    assert target.read_bytes() == b"\xef\xbb\xbfimport f\r\ndef test_f():\r\n    pass\r\n"
    assert target.stat().st_mode & 0o777 == 0o640
    found = json.loads(world.run("tests", "f.py", "--json").stdout)
    assert (found["applied"], found["codeBlocks"][0]["language"]) == (False, "python")
    assert found["edit"]["documentChanges"][0]["textDocument"]["uri"] == target.as_uri()


def test_run_gives_variables_their_types_and_prints_by_response_type(world: World) -> None:
    result = world.run("run", "explain", "f.py", "--var", "level=brief")
    assert result.stdout == TEXT
    assert world.tasks.request is not None
    assert world.tasks.request.options["variables"] == {"level": "brief"}
    assert "No findings." in world.run("run", "analyze_general", "f.py").stdout


def test_a_read_only_test_file_is_not_written(world: World) -> None:
    target = world.root / "test_f.py"
    target.write_text("def test_old():\n    pass\n")
    target.chmod(0o444)
    result = world.run("tests", "f.py:1", "--apply")
    assert result.exit_code == 1
    assert sentence(result) == "aiex-lsp: test_f.py is read-only. Make it writable."
    assert target.read_text() == "def test_old():\n    pass\n"


def test_run_apply_tells_that_a_text_is_no_edit(world: World) -> None:
    result = world.run("run", "explain", "f.py", "--apply")
    assert result.exit_code == 0
    assert "gives no edit, so nothing was written" in result.stderr


def test_prompt_shows_what_would_be_sent(world: World) -> None:
    result = world.run("prompt", "tests", "f.py")
    assert result.stdout == (
        "--- system ---\nBe exact.\n--- user ---\nExplain\n  this.\n---\nto: openai (gpt)\n"
        "input tokens: 42\nestimated cost: price unknown\nredacted: 1 API key\n"
        "left out to fit: imports (7 tokens)\n"
    )
    assert world.tasks.request is not None
    assert world.tasks.request.options == {"task": "generateTests"}
    world.run("prompt", "explain", "f.py", "--level", "brief")
    assert world.tasks.request.options == {"task": "explain", "level": "brief"}
    found = json.loads(world.run("prompt", "hover", "f.py", "--json").stdout)
    assert (found["estimatedCost"], found["redactions"]) == (None, ["1 API key"])


def test_templates(world: World) -> None:
    listed = world.run("templates", "list").stdout
    assert "explain" in listed
    found = json.loads(world.run("templates", "list", "--json").stdout)
    assert {"id", "title", "category", "variables", "responseType"} <= set(found[0])
    assert "variable level" in world.run("templates", "show", "explain").stdout
    result = world.run("templates", "check")
    assert (result.exit_code, "no problems" in result.stdout) == (0, True)
    bad = world.root / "bad.md.j2"
    bad.write_text("---\nid: bad\nname: Bad\n---\n{{ nothing }}\n")
    result = world.run("templates", "check", "bad.md.j2")
    assert result.exit_code == 1
    assert "bad.md.j2:5: error: variable 'nothing' is not declared" in result.stdout


def test_a_broken_template_of_ones_own_is_told_when_the_built_in_one_answers(world: World) -> None:
    broken = config_paths(world.env).user_templates / "explain.md.j2"
    broken.parent.mkdir(parents=True)
    broken.write_text("---\nid: explain\nname: Mine\n---\n{{ nothing }}\n")
    result = world.run("explain", "f.py")
    assert result.exit_code == 0
    told = f"Template {broken} is broken and not used: run `aiex-lsp templates check`.\n"
    assert result.stderr.startswith(told)
    checked = world.run("templates", "check").stdout
    assert f"{broken}:5: error: variable 'nothing' is not declared" in checked


def test_models_list(world: World) -> None:
    lines = world.run("models", "list").stdout.splitlines()
    assert lines[0].split()[:3] == ["PROVIDER", "MODEL", "CONTEXT"]
    assert lines[1].split() == ["openai", "big", "128,000", "0.01", "/", "0.03", "remote"]
    assert lines[2].split() == ["ollama", "small", "unknown", "free", "here,", "loaded"]
    found = json.loads(world.run("models", "list", "--json", "--provider", "ollama").stdout)
    assert [(one["id"], one["local"]) for one in found] == [("small", True)]


def test_models_install_says_where_the_model_is_and_takes_a_file_of_yours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bundled_model()
    assert model is not None
    result = world.run("models", "install")
    assert result.stdout == f"The model is there already: {model}\n"
    assert world.run("models", "install", "--quiet").output == ""
    (world.root / "bad.gguf").write_bytes(b"nothing")
    assert "bad.gguf" in sentence(world.run("models", "install", "bad.gguf"))
    # Loading a real one into an engine is tested where the engine is.
    monkeypatch.setattr(
        "aiex_lsp.llm.models_install.install_gguf", lambda path: Path(path).absolute()
    )
    mine = world.root / "mine.gguf"
    mine.touch()
    assert world.run("models", "install", "mine.gguf").exit_code == 0
    shown = world.run("config", "show").stdout
    assert f'providers.embedded.model_path = "{mine}"' in shown


def test_config_commands_work_on_the_users_file(world: World) -> None:
    file = world.root / "home/.config/aiex-lsp/config.toml"
    result = world.run("config", "path")
    assert result.stdout == f"{file}\n"
    assert "not there" in result.stderr
    assert world.run("config", "set", "providers.anthropic.enabled", "true").exit_code == 0
    assert file.read_text() == "[providers.anthropic]\nenabled = true\n"
    world.env["OPENAI_API_KEY"] = "TOPSECRET"
    with file.open("a") as out:
        out.write('api_key = "TOPSECRET"\n[hovr]\n')
    result = world.run("config", "show", "--strategy", "random")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"providers.anthropic.enabled = true # {file}" in lines
    assert "# command line" in result.stdout
    assert "TOPSECRET" not in result.output
    assert f'{file}:4: error: Unknown key "hovr"; did you mean "hover"?' in result.stderr
    found = json.loads(world.run("config", "show", "--json").stdout)
    assert {"key": "request_timeout", "value": 30.0, "source": "default"} in found["settings"]
    assert json.loads(world.run("config", "schema").stdout)["title"] == "aiex-lsp configuration"
    other = world.run("config", "path", "--config", "x.toml").stdout
    assert other == f"{world.root / 'x.toml'}\n"


def test_help_names_what_there_is_and_nothing_else(world: World) -> None:
    result = world.run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"  {name}" in result.stdout
        assert world.run(name, "--help").exit_code == 0
    assert "audit" not in result.stdout


def test_without_a_terminal_it_serves(world: World) -> None:
    world.run()
    world.run("--stdio", "--clientProcessId", "5")
    world.run("serve")
    world.run("serve", "--tcp", ":2087")
    assert world.served == ["stdio", "stdio", "stdio", "127.0.0.1:2087"]


def test_addresses() -> None:
    assert parse_address("[::1]:5") == ("::1", 5)
    for wrong in ("host", "host:", "host:x", "host:70000", ""):
        with pytest.raises(UsageError, match="no address"):
            parse_address(wrong)


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("y\n", [("openai", True)]), ("never\n", [("openai", False)]), ("\n", []), ("n\n", [])],
)
def test_consent_is_asked_on_a_terminal(
    world: World, monkeypatch: pytest.MonkeyPatch, typed: str, agreed: list[tuple[str, bool]]
) -> None:
    world.question = ConsentQuestion("openai", "OPENAI_API_KEY", "api.openai.com")
    monkeypatch.setattr("aiex_lsp.cli.asking.is_interactive", lambda: True)
    result = world.run("explain", "f.py", input=typed)
    assert world.agreed == agreed
    assert "sent to api.openai.com" in result.stderr
    assert result.stdout == TEXT


def test_scripts_and_calls_that_name_a_provider_are_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.question = ConsentQuestion("openai", "OPENAI_API_KEY", "api.openai.com")
    for script in (("explain", "f.py"), ("explain", "f.py", "--json")):
        told = world.run(*script).stderr
        assert "Use openai" not in told
        assert "`aiex-lsp config set providers.openai.enabled true`" in told
    monkeypatch.setattr("aiex_lsp.cli.asking.is_interactive", lambda: True)
    assert "Use openai" not in world.run("explain", "f.py", "--provider", "openai").stderr


def test_starting_costs_no_heavy_imports() -> None:
    code = (
        "import sys; from aiex_lsp.cli.program import program\n"
        "try: program.main(args=['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'httpx', 'rich', 'jinja2', 'tree_sitter', 'pygls', 'asyncio'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


SLOW = """
import asyncio, sys
from pathlib import Path
from tests.unit.test_cli_commands import FakeApp, World
from aiex_lsp.cli.common import Runtime
from aiex_lsp.cli.program import program

class Slow:
    async def explain(self, request, listener):
        print("asked", flush=True)
        try:
            while True:
                await asyncio.sleep(0.01)
                if "chatty" in sys.argv:
                    listener.on_delta("more and more of it\\n" * 1000)
        finally:
            print("closed upstream", file=sys.stderr, flush=True)

world = World(Path.cwd())
world.tasks = Slow()
make = lambda workspace, cli, file, env: FakeApp(world, workspace, cli, file)
program.main(args=["explain", "f.py"], obj=Runtime(env=world.env, make_app=make))
"""


def slow_process(world: World, *args: str) -> subprocess.Popen[str]:
    """Return a running `explain` that has asked and waits (or talks on and on)."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *args],
        # Whoever runs the tests may ignore Ctrl-C (nohup does), and a child would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=world.root,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    return process


def test_ctrl_c_cancels_the_call_and_exits_130(world: World) -> None:
    process = slow_process(world)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert err.strip() == "closed upstream"
    assert process.returncode == 130


def test_a_reader_that_leaves_ends_the_call(world: World) -> None:
    process = slow_process(world, "chatty")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=20) == 1
    assert process.stderr.read().strip() == "closed upstream"
    process.stderr.close()


def test_the_real_program_tells_a_failure_once(world: World) -> None:
    world.env["AIEX_STATE_DIR"] = str(world.root / "state")
    done = subprocess.run(
        [sys.executable, "-m", "aiex_lsp", "explain", "f.py", "--provider", "anthropic"],
        capture_output=True,
        text=True,
        env={**world.env, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=world.root,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("aiex-lsp: anthropic needs an API key")


def test_fakes_have_the_real_parts_shape() -> None:
    from aiex_lsp.tasks.service import Tasks

    for name in ("explain", "analyze", "generate_tests", "run", "render_prompt"):
        assert asyncio.iscoroutinefunction(getattr(Tasks, name))
        assert asyncio.iscoroutinefunction(getattr(FakeTasks, name))
