"""Paths, addresses, key positions, the schema and `config set`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.config.edit import set_value
from aiex_lsp.config.paths import config_paths
from aiex_lsp.config.positions import key_positions
from aiex_lsp.config.schema import json_schema
from aiex_lsp.config.urls import is_own_address, normalise_base_url, ollama_host_url
from aiex_lsp.errors import ConfigError, UsageError


def test_paths_follow_the_given_environment() -> None:
    paths = config_paths({"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "HOME": "/h"})
    assert paths.user_file == Path("/c/aiex-lsp/config.toml")
    assert paths.state_dir == Path("/s/aiex-lsp")
    assert not paths.explicit
    paths = config_paths({"HOME": "/h"})
    assert paths.user_file == Path("/h/.config/aiex-lsp/config.toml")
    assert paths.site_file == Path("/etc/xdg/aiex-lsp/config.toml")
    assert paths.user_templates == Path("/h/.config/aiex-lsp/templates")
    paths = config_paths({"AIEX_CONFIG": "/x/y.toml", "AIEX_STATE_DIR": "/z"})
    assert (paths.user_file, paths.state_dir) == (Path("/x/y.toml"), Path("/z"))
    assert paths.explicit
    named = config_paths({"AIEX_CONFIG": "/x/y.toml"}, config_file=Path("/n.toml"))
    assert named.user_file == Path("/n.toml")


@pytest.mark.parametrize(
    ("kind", "given_url", "url"),
    [
        ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1"),
        ("anthropic", "https://api.anthropic.com/v1/", "https://api.anthropic.com/v1"),
        ("openai", " https://api.openai.com ", "https://api.openai.com/v1"),
        ("openai", "https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        (
            "openai",
            "https://x.openai.azure.com/openai/deployments/d",
            "https://x.openai.azure.com/openai/deployments/d",
        ),
        ("lm_studio", "localhost:1234", "http://localhost:1234/v1"),
        ("ollama", "http://localhost:11434/v1", "http://localhost:11434"),
        ("ollama", "http://localhost:11434/api/", "http://localhost:11434"),
        ("ollama", "http://host/ollama/", "http://host/ollama"),
        ("ollama", "http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("ollama", "http://[::]:11434", "http://[::1]:11434"),
        ("openai", "gateway.example", "https://gateway.example/v1"),
    ],
)
def test_base_urls_come_to_one_form(kind: str, given_url: str, url: str) -> None:
    assert normalise_base_url(kind, given_url) == (url, None)
    assert normalise_base_url(kind, url) == (url, None)


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "http://x:99999", "http://x:0", "http://a b", "http://x?y=1"]
)
def test_what_is_no_base_url_is_said(url: str) -> None:
    assert normalise_base_url("openai", url)[1]


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("localhost", "http://localhost:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://gpu:1", "http://gpu:1"),
        ("https://gpu", "https://gpu:443"),
        ("http://gpu", "http://gpu:80"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:5", "http://[::1]:5"),
        ("gpu/ollama", "http://gpu:11434/ollama"),
        ('"quoted"', "http://quoted:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(value: str, url: str) -> None:
    assert ollama_host_url(value) == (url, None)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://localhost:1", True),
        ("http://127.0.1.1", True),
        ("http://[::1]:1", True),
        ("http://0.0.0.0", True),
        ("http://[::ffff:127.0.0.1]", True),
        ("http://x.localhost", True),
        ("http://localhost.evil.com", False),
        ("http://192.168.1.5", False),
        ("http://127.0.0.1.evil.com", False),
        ("http://localhost@evil.com", False),
        ("nonsense", False),
    ],
)
def test_own_addresses(url: str, own: bool) -> None:
    assert is_own_address(url) is own


def test_positions_of_every_kind_of_key() -> None:
    text = (
        'a = """x\n# no = 1\n"""  # comment\n'
        "b.c = { d = [1, {e = \"}\"}], 'f g' = 1 }\n"
        '[t."x.y"]\nk = 1979-05-27 07:32:00\n[[q]]\nz = [\n  "]", # ]\n]\n[u]\n"\\u0041" = 1\n'
    )
    tomllib.loads(text)
    found = key_positions(text)
    assert found["a",] == (1, 1)
    assert found["b", "c"] == (4, 3)
    assert found["b", "c", "f g"] == (4, 29)
    assert found["t", "x.y", "k"] == (6, 1)
    assert found["q", "z"] == (8, 1)
    assert found["u", "A"] == (12, 1)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab=.[]{}\"'#\\\n, 1", max_size=60))
def test_positions_never_fail_and_know_every_top_level_key(text: str) -> None:
    found = key_positions(text)
    try:
        table = tomllib.loads(text)
    except ValueError:
        return
    assert all((key,) in found for key in table)


def test_the_schema_describes_every_key() -> None:
    schema = json_schema()
    properties = schema["properties"]
    assert properties["request_timeout"]["type"] == "number"
    provider = schema["$defs"]["ProviderOptions"]["properties"]
    assert "gateways" in provider["headers"]["description"]
    assert "null" not in str(schema)
    assert schema["additionalProperties"] is False


def test_set_keeps_comments_and_layout(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(
        b"# mine\r\nstrategy = 'random'   # why\r\n\r\n[hover]\r\nmode = \"on\"\r\n# end\r\n"
    )
    set_value(file, "hover.mode", "off")
    set_value(file, "request_timeout", "12")
    set_value(file, "providers.anthropic.enabled", "true")
    data = file.read_bytes()
    assert b"# mine\r\nstrategy = 'random'   # why\r\n" in data
    assert b"# end" in data
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert tomllib.loads(data.decode()) == {
        "strategy": "random",
        "request_timeout": 12,
        "hover": {"mode": "off"},
        "providers": {"anthropic": {"enabled": True}},
    }


def test_set_makes_a_private_file_in_a_new_folder(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "config.toml"
    set_value(file, "providers.work-gateway.base_url", "http://x")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in file.parent.iterdir()] == ["config.toml"]


def test_set_goes_through_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    real.write_text("")
    link.symlink_to(real)
    set_value(link, "strategy", "random")
    assert link.is_symlink()
    assert real.read_text() == 'strategy = "random"\n'


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("strategy", "random", "random"),
        ("fallback_providers", "openai, ollama", ["openai", "ollama"]),
        ("fallback_providers", '["openai"]', ["openai"]),
        ("fallback_providers", "openai", ["openai"]),
        ("providers.openai.default_model", "123", "123"),
        ("providers.openai.rate_limits", '{"requests_per_minute": 5}', {"requests_per_minute": 5}),
        ("providers.openai.api_key", '{ env = "X" }', {"env": "X"}),
        ("hover.wait", "0.5", 0.5),
        ("providers.openai.extra_body.a", "[1, 2]", [1, 2]),
    ],
)
def test_set_reads_a_value_as_its_key_wants_it(
    tmp_path: Path, key: str, text: str, value: object
) -> None:
    assert set_value(tmp_path / "c.toml", key, text).value == value


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("hover.mode", "offf", 'did you mean "off"?'),
        ("hovr.mode", "off", 'did you mean "hover"?'),
        ("hover.nothing", "1", "Known here: mode, wait"),
        ("request_timeout", "-3", "greater than 0"),
        ("strategy", "fast", "is no strategy"),
        ("hover", "x", "a table"),
        ("a b", "x", "is no key"),
        ("", "x", "is no key"),
        ("providers.openai.api_key", "sk-1", "shell's history"),
        ("providers.openai.base_url", "ftp://x", "must begin with"),
    ],
)
def test_set_refuses_what_cannot_hold_and_writes_nothing(
    tmp_path: Path, key: str, text: str, message: str
) -> None:
    file = tmp_path / "c.toml"
    with pytest.raises(UsageError, match=r".") as caught:
        set_value(file, key, text)
    assert message in str(caught.value)
    assert not file.exists()


def test_set_leaves_a_broken_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("a = \n")
    with pytest.raises(ConfigError, match=r"c.toml:1"):
        set_value(file, "strategy", "random")
    assert file.read_text() == "a = \n"
