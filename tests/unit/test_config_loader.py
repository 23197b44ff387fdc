"""Layers of configuration: what is written where -> what holds, and what the user is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.config.loader import Loaded, load
from aiex_lsp.config.paths import ConfigPaths, config_paths
from aiex_lsp.config.settings import RateLimits, Settings
from aiex_lsp.config.show import effective

CONTRACT = """
default_provider = "anthropic"
fallback_providers = ["openai", "ollama"]
strategy = "load_balanced"
request_timeout = 30.0
connect_timeout = 5.0
first_token_timeout = 15.0
stall_timeout = 15.0
max_duration = 300.0

[providers.anthropic]
enabled = true
api_key = { env = "ANTHROPIC_API_KEY" }
base_url = "https://api.anthropic.com/v1"
default_model = "…"
rate_limits = { requests_per_minute = 50, tokens_per_minute = 100000 }
local = false
headers = {}

[providers.work-gateway]
type = "openai"
base_url = "http://127.0.0.1:8000/v1"

[tasks.explain]
provider = "ollama"
temperature = 0.2
max_tokens = 1000

[hover]
mode = "on"
wait = 0.2

[edits]
confirm = "multi_file"
[privacy]
secrets = "redact"
[budget]
per_request_usd = 0.50
per_day_usd = 5.00
[cache]
ttl = 3600
[circuit_breaker]
failure_threshold = 5
open_seconds = 60
max_open_seconds = 600
[health]
interval = 30
[coordination]
backend = "sqlite"
url = "redis://127.0.0.1:6379/0"
[access]
"""


class Place:
    """A machine of its own: user, site and workspace files under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root / "workspace"
        self.workspace.mkdir()
        self.paths = ConfigPaths(root / "user.toml", root / "site.toml", root / "state")

    def load(
        self,
        user: str | bytes | None = None,
        *,
        site: str | None = None,
        workspace: str | None = None,
        env: dict[str, str] | None = None,
        editor: Any = None,
        cli: Any = None,
    ) -> Loaded:
        for path, text in (
            (self.paths.user_file, user),
            (self.paths.site_file, site),
            (self.workspace / ".aiex.toml", workspace),
        ):
            if text is not None:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(self.paths, env=env or {}, editor=editor, cli=cli, workspace=self.workspace)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def messages(loaded: Loaded) -> list[str]:
    return [problem.message for problem in loaded.problems]


def test_nothing_configured_gives_the_defaults_and_the_five_providers(place: Place) -> None:
    loaded = place.load()
    assert loaded.problems == ()
    assert list(loaded.settings.providers) == [
        "anthropic",
        "openai",
        "ollama",
        "lm_studio",
        "embedded",
    ]
    anthropic = loaded.settings.providers["anthropic"]
    assert anthropic.base_url == "https://api.anthropic.com/v1"
    assert anthropic.rate_limits == RateLimits(50, 100_000)
    assert (anthropic.agreed, anthropic.configured, anthropic.is_local) == (False, False, False)
    ollama = loaded.settings.providers["ollama"]
    assert (ollama.agreed, ollama.is_local, ollama.rate_limits) == (True, True, None)
    assert loaded.settings.providers["embedded"].is_local
    assert loaded.settings.request_timeout == Settings().request_timeout == 30.0
    assert loaded.sources["request_timeout"] == "default"


def test_later_layers_win_key_by_key(place: Place) -> None:
    loaded = place.load(
        "request_timeout = 2\nstall_timeout = 2\n[hover]\nwait = 2\n",
        site="request_timeout = 1\nconnect_timeout = 1\n[hover]\nmode = 'cached'\n",
        workspace="stall_timeout = 3\nmax_duration = 3\n",
        editor={"max_duration": 4, "first_token_timeout": 4},
        cli={"first_token_timeout": 5},
    )
    holds = loaded.settings
    assert (holds.connect_timeout, holds.request_timeout, holds.stall_timeout) == (1, 2, 3)
    assert (holds.max_duration, holds.first_token_timeout) == (4, 5)
    assert (holds.hover.mode, holds.hover.wait) == ("cached", 2)
    assert loaded.sources["stall_timeout"].endswith(".aiex.toml")
    assert loaded.sources["max_duration"] == "editor"
    assert loaded.sources["first_token_timeout"] == "command line"
    assert loaded.sources["hover.mode"].endswith("site.toml")
    assert loaded.problems == ()


def test_an_editor_s_own_defaults_win_over_the_built_in_ones_and_nothing_else(
    place: Place,
) -> None:
    editor = {
        "defaults": {
            "edits": {"confirm": "always"},
            "hover": {"mode": "cached", "wait": 0.5},
            "providers": {"openai": {"base_url": "http://127.0.0.1:1/v1"}},
            "hoover": {},
        },
        "edits": {"confirm": "never"},
    }
    loaded = place.load('[hover]\nmode = "on"\n', editor=editor)
    assert loaded.settings.hover.mode == "on"
    assert loaded.settings.edits.confirm == "never"
    assert loaded.settings.hover.wait == 0.5
    assert loaded.sources["hover.wait"] == "editor's default"
    assert not loaded.settings.providers["openai"].agreed
    assert [one.key for one in loaded.problems] == ["hoover"]
    assert "defaults" in editor


def test_environment_wins_over_files_and_editor(place: Place) -> None:
    loaded = place.load(
        '[providers.ollama]\nbase_url = "http://one:1"\n',
        editor={"providers": {"ollama": {"base_url": "http://two:2"}}},
        env={"OLLAMA_URL": "http://three:3/v1", "OLLAMA_HOST": "four"},
    )
    assert loaded.settings.providers["ollama"].base_url == "http://three:3"
    assert loaded.sources["providers.ollama.base_url"] == "environment (OLLAMA_URL)"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('default_povider = "x"', 1, 'did you mean "default_provider"?'),
        ("\n[hovr]\nmode = 'on'", 2, 'did you mean "hover"?'),
        ("[hover]\nwait = 'long'", 2, "valid number"),
        ("[hover]\n# x\nmode = 'of'", 3, 'did you mean "off"?'),
        ("request_timeout = -1", 1, "greater than 0"),
        ("request_timeout = nan", 1, "finite"),
        ("request_timeout = true", 1, "valid number"),
        ("hover = 3", 1, "a table"),
        ("temperature = 0.1", 1, "it belongs in [tasks.…]"),
        ("[edits]\nstrategy = 'random'", 2, "the top of the file"),
        ("[providers.openai]\napi_key = {envv = 'X'}", 2, 'did you mean "env"?'),
        ("[providers.openai]\napi_key = {keyring = 'x'}", 2, "not supported by this version yet"),
        ("[providers.openai]\napi_key = {encrypted = 'x'}", 2, "not supported by this version"),
        ("[providers.openai]\napi_key = 'sk-1'", 2, "a key in plain text"),
        ("[providers.openai]\nbase_url = 'ftp://x'", 2, "must begin with http"),
        ("[providers.openai]\nbase_url = 'http://'", 2, "names no host"),
        ('[providers.openai]\nheaders = {a = "x\\ny"}', 2, "HTTP header"),
        ("[providers.openia]\nenabled = true", 1, 'did you mean "openai"?'),
        ("[providers.gateway]\nbase_url = 'http://x'", 1, "give it a type"),
        ("[providers.gateway]\ntype = 'opneai'", 2, 'did you mean "openai"?'),
        ("default_provider = 'opnai'", 1, 'did you mean "openai"?'),
        ("fallback_providers = ['olama']", 1, 'did you mean "ollama"?'),
        ("[tasks.explain]\nprovider = 'olama'", 2, 'did you mean "ollama"?'),
        ("[tasks.explian]\ntemperature = 1", 1, 'did you mean "explain"?'),
        ("strategy = 'lod_balanced'", 1, 'did you mean "load_balanced"?'),
        ("[budget]\nper_day_usd = 1.0", 1, "not enforced by this version"),
        ("[access]\nx = 1", 1, "administrator"),
    ],
)
def test_a_wrong_key_is_told_with_its_line_and_loses_no_other(
    place: Place, text: str, line: int, message: str
) -> None:
    loaded = place.load(text + "\n[cache]\nttl = 7\n")
    (problem,) = [p for p in loaded.problems if message in p.message]
    assert (problem.file, problem.line) == (str(place.paths.user_file), line)
    assert len(problem.message) <= 200
    assert loaded.settings.cache.ttl == 7
    assert loaded.settings.request_timeout == 30


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a = \n", "Not valid TOML"),
        (b"request_timeout = 5\nrequest_timeout = 6\n", "Not valid TOML"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b'strategy = "random"\nx = "\xe9"', "not UTF-8"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"a = " + b"9" * 5000, "number too long"),
        (b"#" * (10 * 1024 * 1024), "larger than 1 MiB"),
    ],
)
def test_an_unreadable_file_is_told_and_the_others_apply(
    place: Place, data: bytes, message: str
) -> None:
    loaded = place.load(data, site='strategy = "random"')
    assert len(loaded.problems) == 1
    assert message in loaded.problems[0].message
    assert loaded.settings.strategy == "random"


def test_syntax_errors_have_line_and_column(place: Place) -> None:
    (problem,) = place.load("[hover]\nmode = on\n").problems
    assert (problem.line, problem.column) == (2, 8)


def test_a_folder_in_place_of_the_file_and_a_missing_named_file(place: Place) -> None:
    place.paths.user_file.mkdir()
    assert "folder" in messages(place.load())[0]
    paths = config_paths({"HOME": str(place.root)}, config_file=place.root / "missing.toml")
    assert "does not exist" in load(paths, env={}).problems[0].message


def test_a_pipe_in_a_workspace_does_not_hang(place: Place) -> None:
    os.mkfifo(place.workspace / ".aiex.toml")
    assert "pipe" in messages(place.load())[0]


def test_the_contracts_example_is_read_whole(place: Place) -> None:
    loaded = place.load(CONTRACT, env={"ANTHROPIC_API_KEY": "k"})
    assert sorted(messages(loaded)) == [
        "[access] belongs in the administrator's file; it is ignored",
        "[budget] is not enforced by this version",
    ]
    holds = loaded.settings
    assert (holds.default_provider, holds.fallback_providers) == ("anthropic", ("openai", "ollama"))
    assert holds.providers["work-gateway"].base_url == "http://127.0.0.1:8000/v1"
    assert holds.task("explain").max_tokens == 1000
    assert holds.cache.ttl == 3600


def test_byte_order_mark_and_crlf_are_read(place: Place) -> None:
    loaded = place.load(b'\xef\xbb\xbfstrategy = "random"\r\nnope = 1\r\n')
    assert loaded.settings.strategy == "random"
    assert (loaded.problems[0].line, loaded.problems[0].column) == (2, 1)


def test_a_key_in_the_environment_is_found_but_not_agreed_to(place: Place) -> None:
    loaded = place.load(env={"ANTHROPIC_API_KEY": " sk-1\n"})
    anthropic = loaded.settings.providers["anthropic"]
    assert anthropic.api_key is not None
    assert anthropic.api_key.reveal() == "sk-1"
    assert (anthropic.agreed, anthropic.configured) == (False, True)
    assert anthropic.api_key_source == "environment ANTHROPIC_API_KEY"


@pytest.mark.parametrize(
    "text",
    [
        "[providers.anthropic]\nenabled = true",
        "[providers.anthropic]",
        'default_provider = "anthropic"',
        'fallback_providers = ["anthropic"]',
        '[tasks.explain]\nprovider = "anthropic"',
        '[tasks.explain]\nfallback_providers = ["anthropic"]',
    ],
)
def test_naming_a_provider_in_the_own_file_is_consent(place: Place, text: str) -> None:
    env = {"ANTHROPIC_API_KEY": "sk-1"}
    assert place.load(text, env=env).settings.providers["anthropic"].agreed


def test_a_disabled_provider_stays_disabled(place: Place) -> None:
    loaded = place.load("[providers.openai]\nenabled = false", env={"OPENAI_API_KEY": "x"})
    assert not loaded.settings.providers["openai"].enabled


def test_key_references(place: Place) -> None:
    text = '[providers.openai]\napi_key = { env = "WORK_KEY" }\n'
    env = {"OPENAI_API_KEY": "private", "WORK_KEY": "work"}
    key = place.load(text, env=env).settings.providers["openai"].api_key
    assert key is not None
    assert key.reveal() == "work"
    loaded = place.load(text, env={"OPENAI_API_KEY": "private"})
    assert loaded.settings.providers["openai"].api_key is None
    assert "WORK_KEY is not set" in messages(loaded)[0]
    assert loaded.problems[0].line == 2


def test_the_vendors_key_is_not_sent_to_a_gateway_that_has_its_own(place: Place) -> None:
    text = '[providers.openai]\nbase_url = "http://gateway"\napi_key = "own"\n'
    key = place.load(text, env={"OPENAI_API_KEY": "vendor"}).settings.providers["openai"].api_key
    assert key is not None
    assert key.reveal() == "own"
    more = '[providers.work]\ntype = "openai"\nbase_url = "http://127.0.0.1:8000"\n'
    work = place.load(more, env={"OPENAI_API_KEY": "vendor"}).settings.providers["work"]
    assert work.api_key is None
    assert (work.base_url, work.agreed, work.is_local) == ("http://127.0.0.1:8000/v1", True, False)


def test_one_reference_to_a_key_replaces_another_whole(place: Place) -> None:
    loaded = place.load(
        "[providers.openai]\napi_key = { env = 'A' }",
        site="[providers.openai]\napi_key = 'plain'",
        env={"A": "a"},
    )
    key = loaded.settings.providers["openai"].api_key
    assert key is not None
    assert key.reveal() == "a"


def test_secrets_never_show(place: Place) -> None:
    loaded = place.load(
        "[providers.openai]\napi_key = 'TOPSECRET'\nheaders = {x-key = 'TOPSECRET'}\n"
        "query = {k = 'TOPSECRET'}\nextra_body = {token = 'TOPSECRET', n = {a = 'TOPSECRET'}}\n"
        "base_url = 'https://me:TOPSECRET@host/v1'\nnope = 'TOPSECRET'\n"
    )
    assert loaded.settings.providers["openai"].headers == {"x-key": "TOPSECRET"}
    shown = f"{loaded.settings.providers['openai'].api_key} {effective(loaded)} {messages(loaded)}"
    assert "TOPSECRET" not in shown


def test_rate_limits(place: Place) -> None:
    loaded = place.load(
        '[providers.anthropic]\nrate_limits = "unlimited"\n'
        "[providers.openai]\nrate_limits = { requests_per_minute = 5 }\n"
    )
    assert loaded.settings.providers["anthropic"].rate_limits == RateLimits(None, None)
    assert loaded.settings.providers["openai"].rate_limits == RateLimits(5, 90_000)


def test_local_is_by_type_and_address_unless_said(place: Place) -> None:
    loaded = place.load(
        '[providers.ollama]\nbase_url = "http://gpu.example:11434"\n'
        '[providers.lm_studio]\nbase_url = "http://[::1]:1234"\n'
        '[providers.mine]\ntype = "openai"\nbase_url = "http://localhost:1"\nlocal = true\n'
    )
    local = {name: p.is_local for name, p in loaded.settings.providers.items()}
    assert local == {
        "anthropic": False,
        "openai": False,
        "ollama": False,
        "lm_studio": True,
        "embedded": True,
        "mine": True,
    }


def test_a_remote_ollama_known_only_by_the_environment_is_not_agreed_to(place: Place) -> None:
    loaded = place.load(env={"OLLAMA_HOST": "gpu.example"})
    assert not loaded.settings.providers["ollama"].agreed


@pytest.mark.parametrize(
    "text",
    [
        '[providers.anthropic]\nbase_url = "http://evil"',
        '[providers.anthropic]\napi_key = "x"',
        '[providers.anthropic]\napi_key = { env = "AWS_SECRET" }',
        '[providers.anthropic]\nheaders = { a = "b" }',
        '[providers.anthropic]\nquery = { a = "b" }',
        '[providers.anthropic]\nextra_body = { a = "b" }',
        "[providers.anthropic]\nenabled = true",
        "[providers.anthropic]\nlocal = true",
        '[providers.embedded]\nmodel_path = "evil.gguf"',
        '[providers.evil]\ntype = "openai"\nbase_url = "http://evil"',
        '[privacy]\nsecrets = "allow"',
        '[tasks.explain]\nsecrets = "allow"',
        '[providers.anthropic]\nsecrets = "allow"',
        '[providers.evil]\nsecrets = "block"',
        '[tasks.explain]\nprovider = "anthropic"',
        '[tasks.explain]\nfallback_providers = ["anthropic"]',
        'default_provider = "anthropic"',
        'fallback_providers = ["anthropic"]',
        'strategy = "evil.module:Class"',
        '[tasks.explain]\nstrategy = "evil.module:Class"',
        '[edits]\nconfirm = "never"',
        '[coordination]\nurl = "redis://evil"',
        "[access]\nx = 1",
    ],
)
def test_a_workspace_file_cannot_loosen_anything_and_is_told_so(place: Place, text: str) -> None:
    env = {"ANTHROPIC_API_KEY": "sk-1", "AWS_SECRET": "aws"}
    before = place.load(env=env).settings
    loaded = place.load(workspace=text, env=env)
    assert loaded.problems
    assert loaded.problems[0].file == str(place.workspace / ".aiex.toml")
    holds = loaded.settings
    assert {n: (p.base_url, p.api_key, p.agreed) for n, p in holds.providers.items()} == {
        n: (p.base_url, p.api_key, p.agreed) for n, p in before.providers.items()
    }
    assert (holds.default_provider, holds.fallback_providers, holds.strategy) == (
        None,
        (),
        "load_balanced",
    )
    assert (holds.secrets, holds.edits.confirm) == ("redact", "multi_file")
    task = holds.task("explain")
    assert (task.provider, task.strategy, task.secrets) == (None, None, None)
    assert not task.fallback_providers


def test_a_workspace_file_chooses_among_what_was_allowed_and_narrows(place: Place) -> None:
    loaded = place.load(
        '[providers.anthropic]\n[features]\ndisabled_languages = ["lua"]\n',
        workspace=(
            'default_provider = "anthropic"\nstrategy = "random"\n'
            '[privacy]\nsecrets = "block"\n[hover]\nmode = "off"\n[context]\nproject = false\n'
            '[features]\ndisabled_languages = ["c"]\n[tasks.explain]\nprovider = "ollama"\n'
            'template = "mine"\n[providers.openai]\nenabled = false\nsecrets = "local_only"\n'
        ),
    )
    assert not loaded.problems
    holds = loaded.settings
    assert (holds.default_provider, holds.strategy, holds.secrets) == (
        "anthropic",
        "random",
        "block",
    )
    assert (holds.hover.mode, holds.context.project) == ("off", False)
    assert holds.features.disabled_languages == ("lua", "c")
    assert holds.task("explain").provider == "ollama"
    openai = holds.providers["openai"]
    assert (openai.enabled, openai.secrets) == (False, "local_only")


@pytest.mark.parametrize(
    ("task", "own", "local", "general", "policy"),
    [
        (None, None, False, "redact", "redact"),
        (None, None, True, "redact", "allow"),
        (None, "redact", True, "redact", "redact"),
        ("redact", None, True, "redact", "redact"),
        (None, "local_only", True, "redact", "allow"),
        (None, "allow", False, "redact", "allow"),
        ("redact", "allow", False, "allow", "redact"),
        ("allow", "local_only", False, "redact", "local_only"),
        ("allow", None, False, "block", "allow"),
    ],
)
def test_the_stricter_of_task_and_provider_decides_about_secrets(
    place: Place, task: str | None, own: str | None, local: bool, general: str, policy: str
) -> None:
    text = f'[privacy]\nsecrets = "{general}"\n[providers.x]\ntype = "openai"\n'
    text += f"local = {str(local).lower()}\n" + (f'secrets = "{own}"\n' if own else "")
    text += f'[tasks.explain]\nsecrets = "{task}"\n' if task else ""
    loaded = place.load(text)
    assert not loaded.problems
    holds = loaded.settings
    assert holds.secrets_policy("explain", holds.providers["x"]) == policy


def test_what_the_user_switched_off_a_workspace_cannot_switch_on(place: Place) -> None:
    loaded = place.load(
        "[providers.openai]\nenabled = false\n[features]\nenabled = false\n[hover]\nmode = 'off'\n",
        workspace="[providers.openai]\nenabled = true\n[features]\nenabled = true\n"
        "[hover]\nmode = 'on'\n",
    )
    assert len(loaded.problems) == 3
    assert not loaded.settings.providers["openai"].enabled
    assert (loaded.settings.features.enabled, loaded.settings.hover.mode) == (False, "off")


def test_a_task_has_one_name_whichever_way_it_is_written(place: Place) -> None:
    loaded = place.load("[tasks.generate_tests]\nmax_tokens = 9\n[tasks.tests]\nmodel = 'm'\n")
    task = loaded.settings.task("generateTests")
    assert (task.max_tokens, task.model) == (9, "m")
    assert loaded.problems == ()


def test_template_folders_end_with_the_workspaces(place: Place) -> None:
    assert place.load().settings.template_dirs == (
        str(place.root / "templates"),
        str(place.workspace / ".aiex" / "templates"),
    )


def test_log_level_comes_from_the_environment(place: Place) -> None:
    assert place.load(env={"AIEX_LOG_LEVEL": "DEBUG"}).log_level == "debug"
    loaded = place.load(env={"AIEX_LOG_LEVEL": "loud"})
    assert loaded.log_level == "warning"
    assert loaded.problems[0].file == "environment"


def test_editor_settings_that_are_no_table_do_no_harm(place: Place) -> None:
    bad = (None, [], "x", 5, {"providers": None}, {1: 2}, {"hover": {"\ud800": 1}}, {"defaults": 1})
    for editor in bad:
        assert place.load(editor=editor).settings.strategy == "load_balanced"


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "providers",
                    "openai",
                    "tasks",
                    "explain",
                    "api_key",
                    "env",
                    "hover",
                    "mode",
                    "strategy",
                    "rate_limits",
                    "headers",
                    "extra_body",
                    "base_url",
                    "fallback_providers",
                    "enabled",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(junk=st.dictionaries(st.text(max_size=10), _JUNK, max_size=5), layer=st.sampled_from("ec"))
def test_any_table_in_any_layer_gives_settings_and_loses_no_sound_key(
    junk: dict[str, Any], layer: str
) -> None:
    paths = ConfigPaths(Path("/nonexistent/a"), Path("/nonexistent/b"), Path("/nonexistent/c"))
    given_values = {**junk, "stall_timeout": 3.5}
    loaded = load(
        paths,
        env={},
        editor=given_values if layer == "e" else None,
        cli=given_values if layer == "c" else None,
    )
    assert loaded.settings.stall_timeout == 3.5
    assert effective(loaded)
    assert all(len(p.message) <= 300 for p in loaded.problems)


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=200) | st.binary(max_size=200))
def test_any_file_gives_settings(tmp_path_factory: Any, text: str | bytes) -> None:
    root = tmp_path_factory.mktemp("any")
    file = root / "config.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
    loaded = load(config_paths({"AIEX_CONFIG": str(file)}), env={}, workspace=root)
    assert isinstance(loaded.settings, Settings)


@settings(max_examples=60, deadline=None)
@given(value=st.text(max_size=30))
def test_any_environment_gives_settings(value: str) -> None:
    names = ("OLLAMA_HOST", "OLLAMA_URL", "LM_STUDIO_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY")
    paths = ConfigPaths(Path("/nonexistent/a"), Path("/nonexistent/b"), Path("/nonexistent/c"))
    for name in names:
        assert load(paths, env={name: value}).settings.providers["ollama"].base_url
