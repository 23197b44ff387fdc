"""An address or a name that is wrong: nobody is asked in its place, the vendor least of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_config_loader import Place

GATE = 'default_provider = "gate"\n[providers.gate]\ntype = "openai"\n'
KEYS = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-ant-1"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        'base_url = "htp://127.0.0.1:8000"',
        'base_url = "http://127.0.0.1:800000"',
        'base_url = "http://my gate/v1"',
        'base_url = ""',
        "base_url = 8000",
        'base_url = ["http://127.0.0.1:8000"]',
        'base-url = "http://127.0.0.1:8000"',
        'baseurl = "http://127.0.0.1:8000"',
        'base_ulr = "http://127.0.0.1:8000"',
    ],
)
def test_text_meant_for_a_gateway_never_goes_to_the_vendor(place: Place, line: str) -> None:
    loaded = place.load(f"{GATE}{line}\n", env=KEYS)
    gate = loaded.settings.providers["gate"]
    assert (gate.base_url, gate.api_key, gate.enabled) == ("", None, False)
    assert gate.off == "its base_url cannot be used"
    assert [problem.line for problem in loaded.problems] == [4]
    assert loaded.settings.default_provider == "gate"


def test_a_built_in_provider_with_a_wrong_address_is_off_too(place: Place) -> None:
    loaded = place.load('[providers.anthropic]\nbase_url = "ftp://gate"\n', env=KEYS)
    assert not loaded.settings.providers["anthropic"].enabled
    assert loaded.settings.providers["openai"].enabled
    assert "until then this provider is not asked" in loaded.problems[0].message


def test_the_environment_s_wrong_address_of_a_vendor_is_nobody_s_too(place: Place) -> None:
    env = {**KEYS, "ANTHROPIC_BASE_URL": "ftp://gate", "OLLAMA_URL": "ftp://gate"}
    providers = place.load(env=env).settings.providers
    assert not providers["anthropic"].enabled
    # Without its address Ollama is the one of this machine, and nothing leaves it.
    assert providers["ollama"].enabled


def test_a_later_layer_puts_it_right(place: Place) -> None:
    wrong = '[providers.openai]\nbase_url = "ftp://gate"\n'
    right = {"providers": {"openai": {"base_url": "http://127.0.0.1:1"}}}
    openai = place.load(wrong, editor=right, env=KEYS).settings.providers["openai"]
    assert (openai.base_url, openai.enabled) == ("http://127.0.0.1:1/v1", True)


def test_an_address_that_was_not_written_is_the_vendor_s(place: Place) -> None:
    written = '[providers.second]\ntype = "openai"\ndefault_model = "gpt"\n'
    unset = {"providers": {"openai": {"base_url": None}}}
    providers = place.load(written, editor=unset, env=KEYS).settings.providers
    for name in ("second", "openai"):
        assert (providers[name].base_url, providers[name].off) == (
            "https://api.openai.com/v1",
            None,
        )


def test_a_workspace_can_switch_nobody_off_by_an_address(place: Place) -> None:
    text = '[providers.openai]\nbase_url = "ftp://gate"\nbase-url = "http://evil"\n'
    before = place.load(env=KEYS).settings.providers["openai"]
    assert place.load(workspace=text, env=KEYS).settings.providers["openai"] == before


def test_a_pinned_provider_that_does_not_exist_gives_its_calls_to_nobody(place: Place) -> None:
    text = 'default_provider = "olama"\n[providers.anthropic]\n[tasks.fix]\nprovider = "opnai"\n'
    loaded = place.load(text, env=KEYS)
    assert loaded.settings.default_provider == "olama"
    assert loaded.settings.task("fix").provider == "opnai"
    assert {problem.line for problem in loaded.problems} == {1, 4}


@pytest.mark.parametrize("name", ["nobody", "anthropic"])
def test_a_workspace_cannot_unpin_by_a_name_that_is_not_set_up(place: Place, name: str) -> None:
    user = 'default_provider = "ollama"\n[tasks.fix]\nprovider = "lm_studio"\n'
    text = f'default_provider = "{name}"\n[tasks.fix]\nprovider = "{name}"\n'
    loaded = place.load(user, workspace=text, env=KEYS)
    assert loaded.settings.default_provider == "ollama"
    assert loaded.settings.task("fix").provider == "lm_studio"
    assert [problem.line for problem in loaded.problems] == [1, 3]
    assert all(problem.file == str(place.workspace / ".aiex.toml") for problem in loaded.problems)
