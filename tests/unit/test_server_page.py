"""The protocol page, the registered methods, the modules and the contract say the same."""

from __future__ import annotations

import re
from pathlib import Path

from aiex_lsp import server as page
from aiex_lsp.server import notifications, requests
from aiex_lsp.server.convert import template_json
from aiex_lsp.server.create import create_server
from aiex_lsp.server.work import run_as_command
from aiex_lsp.templates.types import Template, Variable
from tests.scripted import World

ROOT = Path(page.__file__).parent
TEXT = page.__doc__ or ""
CONTRACT = {
    "aiex/explain",
    "aiex/analyze",
    "aiex/generateTests",
    "aiex/fix",
    "aiex/document",
    "aiex/refactor",
    "aiex/run",
    "aiex/renderPrompt",
    "aiex/followUp",
    "aiex/cancel",
    "aiex/clearFindings",
    "aiex/templates",
    "aiex/providers",
    "aiex/checkHealth",
    "aiex/models",
    "aiex/selectProvider",
    "aiex/resetCircuit",
    "aiex/clusterHealth",
    "aiex/usage",
    "aiex/diagnoseConfig",
}
"""The contract's table of requests, as it is given."""

NOTIFICATIONS = {"aiex/showMarkdown", "aiex/providerHealth"}
"""The contract's notifications of the server."""

BEYOND = {"aiex/pause"}
"""What the contract is silent about."""


def server(tmp_path):
    return create_server(World(tmp_path).services)


def test_the_page_lists_what_a_templates_variable_has():
    variable = Variable("mood", enum=("calm", "wild"), inject="code")
    told = template_json(Template(id="x", name="X", variables=(variable,)))["variables"][0]
    (listed,) = re.findall(r"template's variables are \{([^}]*)\}", TEXT)
    assert [name.rstrip("?") for name in listed.split(", ")] == list(told)


def listed() -> dict[str, bool]:
    rows = re.findall(r"^(aiex/\w+)(\*?) ", TEXT, re.MULTILINE)
    return {name: bool(star) for name, star in rows}


def test_the_page_lists_what_is_registered(tmp_path):
    made = server(tmp_path)
    assert set(listed()) == set(made.methods)
    starred = {name for name, star in listed().items() if star}
    asking = {
        name
        for name, method in made.methods.items()
        if run_as_command.__name__ in method.command.__code__.co_names
    }
    assert starred == asking


def test_every_name_is_the_contracts(tmp_path):
    assert set(server(tmp_path).methods) <= CONTRACT | BEYOND


def test_the_page_lists_the_notifications_the_server_sends():
    assert set(re.findall(r"^- `(aiex/\w+)` \{", TEXT, re.MULTILINE)) == NOTIFICATIONS
    code = "".join(path.read_text("utf-8") for path in ROOT.glob("*.py") if path.stem != "__init__")
    assert set(re.findall(r'"(aiex/\w+)"', code)) >= NOTIFICATIONS


def test_the_page_lists_the_methods_of_lsp(tmp_path):
    made = server(tmp_path)
    registered = {
        name
        for name in {*made.protocol.fm.features, *made.protocol.fm.builtin_features}
        if not name.startswith("aiex/")
    }
    paragraph = TEXT.split("From LSP:")[1].split("\n\n")[0]
    assert registered | {"$/cancelRequest"} == set(re.findall(r"[\w$]+(?:/\w+)*", paragraph))


def test_params_on_the_page_are_those_of_the_code(tmp_path):
    shared = {
        *("textDocument", "range", "position", "provider", "model", "strategy", "diagnostics"),
        "version",
        *("workDoneToken", "partialResultToken", "wait"),
    }
    for name, method in server(tmp_path).methods.items():
        row = next(line for line in TEXT.splitlines() if re.match(rf"{name}\*? ", line))
        words = set(re.findall(r"\w+", row[22:53]))
        own = {
            re.sub(r"_(\w)", lambda m: m[1].upper(), field.name)
            for field in method.params.__attrs_attrs__
        }
        if method.name != "aiex/renderPrompt":
            assert own - shared == words - shared, name


def test_one_module_a_method_each_with_register():
    for package in (requests, notifications):
        files = {p.stem for p in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
        assert {m.__name__.rsplit(".", 1)[1] for m in package.MODULES} == files
        for module in package.MODULES:
            assert callable(module.register)
            assert isinstance(module.METHOD, str)


def test_modules_are_read_at_one_sitting():
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 300, path
