"""The joined parts: folders with settings of their own, consent, the session's selection."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiex_lsp.app import App
from aiex_lsp.config.paths import config_paths
from aiex_lsp.context.types import WorkspaceView
from aiex_lsp.errors import DisabledError, NoProviderError, UsageError
from aiex_lsp.llm.types import Price, SilentListener
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.text.snapshot import Snapshot, Span
from tests.servers.openai import OpenAIServer

NO_LOCAL = "[providers.ollama]\nenabled = false\n[providers.lm_studio]\nenabled = false\n"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path),
        "AIEX_CONFIG": str(tmp_path / "config.toml"),
        "AIEX_STATE_DIR": str(tmp_path / "state"),
        "PATH": os.environ["PATH"],
    }


def app_for(env: dict[str, str], *roots: Path) -> App:
    return App(config_paths(env), env, roots)


def request(app: App, root: Path, roots: tuple[Path, ...], **more: object) -> TaskRequest:
    snapshot = Snapshot((root / "a.py").as_uri(), "def f():\n    return 1\n", "python")
    return TaskRequest(snapshot, Span(12, 12), app.settings_for(root), WorkspaceView(roots), **more)


async def test_each_folder_of_a_workspace_has_its_own_settings(tmp_path, env):
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        root.mkdir()
    (one / ".aiex.toml").write_text('[features]\ndisabled_languages = ["python"]\n')
    async with OpenAIServer() as server:
        Path(env["AIEX_CONFIG"]).write_text(
            f'default_provider = "g"\n[providers.g]\ntype = "openai"\n'
            f'base_url = "{server.base_url}"\n'
        )
        app = app_for(env, one, two)
        with pytest.raises(DisabledError):
            await app.tasks.explain(request(app, one, (one, two)), SilentListener())
        answer = await app.tasks.explain(request(app, two, (one, two)), SilentListener())
        assert answer.answer.provider == "g"
        assert len(server.generations) == 1
        await app.aclose()


async def test_a_cloud_key_in_the_environment_is_asked_about_once_and_remembered(tmp_path, env):
    Path(env["AIEX_CONFIG"]).write_text("# mine\n" + NO_LOCAL)
    env["ANTHROPIC_API_KEY"] = "sk-ant-secret"
    app = app_for(env, tmp_path)
    question = app.consent_question()
    assert question is not None
    assert (question.provider, question.env) == ("anthropic", "ANTHROPIC_API_KEY")
    assert question.host == "api.anthropic.com"

    app.agree("anthropic", True)
    assert app.consent_question() is None
    text = Path(env["AIEX_CONFIG"]).read_text()
    assert text.startswith("# mine\n")
    assert "sk-ant" not in text
    again = app_for(env, tmp_path)
    assert again.consent_question() is None
    assert again.settings.providers["anthropic"].agreed


async def test_a_refusal_is_remembered_too(tmp_path, env):
    Path(env["AIEX_CONFIG"]).write_text(NO_LOCAL)
    env["ANTHROPIC_API_KEY"] = "sk-ant-secret"
    app = app_for(env, tmp_path)
    app.agree("anthropic", False)
    assert app_for(env, tmp_path).consent_question() is None
    hovered = request(app, tmp_path, (tmp_path,))
    with pytest.raises(NoProviderError) as caught:
        await app.tasks.hover(hovered, SilentListener())
    assert "sk-ant" not in str(caught.value)
    await app.aclose()


def test_a_selection_holds_for_the_session_and_null_goes_back(tmp_path, env):
    Path(env["AIEX_CONFIG"]).write_text('default_provider = "ollama"\n')
    app = app_for(env, tmp_path)
    chosen = app.select("embedded", "m1", None)
    assert chosen["provider"] == "embedded"
    assert app.settings.providers["embedded"].default_model == "m1"
    assert app.select(None, None, "round_robin")["provider"] is None
    assert app.settings.strategy == "round_robin"
    assert app.select(None, None, None)["provider"] == "ollama"


@pytest.mark.parametrize(("provider", "strategy"), [("nobody", None), (None, "best")])
def test_unknown_names_are_refused_and_the_known_ones_told(tmp_path, env, provider, strategy):
    app = app_for(env, tmp_path)
    with pytest.raises(UsageError, match=r"ollama|round_robin"):
        app.select(provider, None, strategy)


def test_a_model_is_chosen_with_its_provider_only(tmp_path, env):
    """Which provider answers is not known before: a model of another's would not be used."""
    app = app_for(env)
    with pytest.raises(UsageError, match="provider"):
        app.select(None, "gpt-5", None)
    assert app.select("openai", "gpt-5", None)["model"] == "gpt-5"
    assert app.settings.providers["openai"].default_model == "gpt-5"
    app.select(None, None, None)
    Path(env["AIEX_CONFIG"]).write_text('default_provider = "openai"\n')
    app.reload()
    assert app.select(None, "gpt-5", None) == {
        "provider": "openai",
        "model": "gpt-5",
        "strategy": "load_balanced",
    }
    with pytest.raises(UsageError, match="provider"):
        app.select(None, "gpt-5", "random")


async def test_models_of_all_that_answer(tmp_path, env):
    async with OpenAIServer() as server:
        Path(env["AIEX_CONFIG"]).write_text(
            f'[providers.g]\ntype = "openai"\nbase_url = "{server.base_url}"\n'
            f'[providers.down]\ntype = "openai"\nbase_url = "http://127.0.0.1:9"\n{NO_LOCAL}'
        )
        app = app_for(env, tmp_path)
        found = {(model.provider, model.id) for model in await app.models()}
        assert ("g", "gpt-fake") in found
        assert not {provider for provider, _ in found} & {"down", "ollama", "anthropic"}
        await app.aclose()


async def test_a_list_of_models_has_their_prices(tmp_path, env):
    async with OpenAIServer() as server:
        server.models = [{"id": "gpt-4", "object": "model"}, {"id": "own", "object": "model"}]
        (tmp_path / "config.toml").write_text(
            f'[providers.cloud]\ntype = "openai"\nbase_url = "{server.base_url}"\n'
            f'[providers.here]\ntype = "openai"\nbase_url = "{server.base_url}"\nlocal = true\n'
        )
        env = {**env, "AIEX_CONFIG": str(tmp_path / "config.toml")}
        app = app_for(env, tmp_path)
        cloud = {model.id: model.price for model in await app.models("cloud")}
        assert cloud == {"gpt-4": Price(0.03, 0.06), "own": None}
        here = {model.id: model.price for model in await app.models("here")}
        assert here == dict.fromkeys(["gpt-4", "own"], Price(0.0, 0.0))
        await app.aclose()


def test_what_is_slow_to_import_is_there_before_the_first_question(tmp_path, env):
    """The event loop of a server must not meet it: every editor request would wait."""
    code = (
        "import os, sys\n"
        "from aiex_lsp.app import App\n"
        "from aiex_lsp.config.paths import config_paths\n"
        "App(config_paths(dict(os.environ)), dict(os.environ)).preload()\n"
        "print(*(name for name in ('jinja2', 'httpx', 'genai_prices') if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["jinja2", "httpx", "genai_prices"]


def test_settings_loaded_while_the_editors_change_do_not_outlive_them(tmp_path, env, monkeypatch):
    """A thread configures just while another loads by the old settings."""
    import aiex_lsp.app as module

    app = app_for(env, tmp_path)
    app.reload()
    load = module.load

    def interrupted(*args, **kwargs):
        found = load(*args, **kwargs)
        if not kwargs["editor"]:
            app.configure({"hover": {"mode": "off"}})
        return found

    monkeypatch.setattr(module, "load", interrupted)
    app.settings_for(tmp_path)
    assert app.settings_for(tmp_path).hover.mode == "off"
