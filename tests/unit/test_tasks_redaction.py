"""The prompts of tasks without their secrets: whatever is cut, from wherever a secret comes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.context.types import ContextBundle, ContextItem
from aiex_lsp.errors import AiexError, NoProviderError
from aiex_lsp.llm.redacting import RedactedPrompt
from aiex_lsp.llm.types import Message
from aiex_lsp.redaction.detect import describe, find_secrets
from aiex_lsp.tasks.prompt import TemplatePrompt
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.registry import TemplateRegistry
from aiex_lsp.text.gaps import GAP
from tests.client_rig import Rig, provider
from tests.client_rig import settings as client_settings
from tests.unit.redaction_corpus import make, plant, planted

REGISTRY = TemplateRegistry()
ENGINE = Engine(REGISTRY)


def count(messages) -> int:
    return sum(len(one.content) for one in messages) // 4 + 1


def prompt(template="explain", items=(), facts=None, variables=None, history=()) -> TemplatePrompt:
    facts = {"language": "python", "file_path": "a.py", **(facts or {})}
    bundle = ContextBundle(tuple(items), facts)
    return TemplatePrompt(ENGINE, REGISTRY.get(template), bundle, variables or {}, history)


def text_of(messages) -> str:
    return "\n".join(one.content for one in messages)


def shown(one: TemplatePrompt, budget: int | None = None) -> str:
    return text_of(RedactedPrompt.of(one).fit(budget, count).messages)


FILES = [plant(template, Random(number)) for number, (_, template) in enumerate(planted())]


@settings(max_examples=60, deadline=None)
@given(
    budget=st.integers(200, 3000),
    order=st.permutations(range(len(FILES))),
    language=st.sampled_from(["python", "yaml", "toml", "go"]),
)
def test_no_window_shows_a_part_of_a_secret(budget, order, language):
    parts = [FILES[index] for index in order[:5]]
    names = ("code", "imports", "surrounding", "dependencies", "project_rules")
    items = [
        ContextItem(name, text, priority, 40 if priority else None)
        for priority, (name, (text, _spans)) in enumerate(zip(names, parts, strict=True))
    ]
    try:
        fitted = RedactedPrompt.of(prompt(items=items, facts={"language": language})).fit(
            budget, count
        )
    except AiexError:
        return
    assert count(fitted.messages) <= budget
    sent = text_of(fitted.messages)
    for text, spans in parts:
        for start, end in spans:
            secret = text[start:end]
            assert secret not in sent
            if len(secret) >= 24 and "-----" not in secret:
                assert secret[:16] not in sent
                assert secret[-16:] not in sent


@pytest.mark.parametrize(
    "one",
    [
        prompt(items=[ContextItem("code", 'login(password="hunter2secret")', 0)]),
        prompt(
            "generate_tests",
            items=[ContextItem("code", "def f(): pass", 0)],
            facts={"signature": 'def f(password="hunter2secret")'},
        ),
        prompt(variables={"code": 'login(password="hunter2secret")'}),
        prompt(
            items=[ContextItem("code", "x", 0)],
            history=[Message("user", 'with password="hunter2secret"'), Message("assistant", "ok")],
        ),
        prompt(
            "follow_up",
            items=[
                ContextItem("question", "why hunter2secret?", 0),
                ContextItem("code", 'login(password="hunter2secret")', 0),
                ContextItem("previous_answer", "It is `hunter2secret`.", 1),
            ],
        ),
    ],
    ids=["code", "signature", "variable", "history", "follow-up"],
)
def test_wherever_a_secret_comes_from(one):
    sent = shown(one)
    assert "hunter2secret" not in sent
    assert "AIEX_SECRET_1_" in sent


def test_a_word_of_a_file_of_settings_is_a_secret_by_the_files_language():
    items = [ContextItem("code", "name: shop\npassword: swordfish\n", 0)]
    sent = shown(prompt(items=items, facts={"language": "yaml"}))
    assert "swordfish" not in sent


async def test_what_a_files_language_tells_stays_on_this_machine_too():
    items = [ContextItem("code", "name: shop\npassword: swordfish\n", 0)]
    one = prompt(items=items, facts={"language": "yaml"})
    rig = Rig(detect=lambda text: describe(find_secrets(text)))
    held = client_settings(provider("a"), secrets="local_only")
    with pytest.raises(NoProviderError) as caught:
        await rig.ask(held, prompt=one)
    assert "password" in caught.value.what


def test_a_secret_of_the_template_itself_does_not_leave(tmp_path: Path):
    token = make("ghp_|a|36", Random(1))
    (tmp_path / "own.md.j2").write_text(
        "---\nid: own\ntitle: Own\nvariables:\n  code: {type: string, inject: code}\n"
        "  pin: {type: string}\n---\n"
        "{% block user %}\nUse "
        + token
        + ' and password="{{ pin }}" for {{ code }}\n{% endblock %}\n'
    )
    registry = TemplateRegistry([("user", tmp_path)])
    bundle = ContextBundle((ContextItem("code", "x = 1", 0),), {})
    one = TemplatePrompt(Engine(registry), registry.get("own"), bundle, {"pin": "open-Sesame1"})
    sent = shown(one)
    assert token not in sent
    assert "open-Sesame1" not in sent
    assert "x = 1" in sent


def test_the_code_has_the_first_placeholder_whatever_stands_before_it():
    items = [
        ContextItem("code", 'login(password="hunter2secret")', 0),
        ContextItem("imports", 'OTHER_PASSWORD = "An0ther!One"', 1),
    ]
    sent = shown(prompt(items=items))
    assert 'login(password="AIEX_SECRET_1_' in sent
    assert 'OTHER_PASSWORD = "AIEX_SECRET_2_' in sent


def test_lines_keep_their_numbers_where_a_key_of_many_lines_was():
    key = make("-----BEGIN PRIVATE KEY-----\n|b|64|\n|b|64|\n-----END PRIVATE KEY-----", Random(1))
    code = f'KEY = """{key}"""\nafter = 1\n'
    one = prompt("analyze_general", items=[ContextItem("code", code, 0)], facts={"start_line": 7})
    sent = shown(one)
    assert ' 7 | KEY = """AIEX_SECRET_1_' in sent
    assert "11 | after = 1" in sent
    assert GAP not in sent


def test_without_secrets_the_prompt_is_as_it_was():
    one = prompt(items=[ContextItem("code", "x = 1", 0)])
    redacted = RedactedPrompt.of(one)
    assert not redacted.placeholders
    assert (
        one.fit(None, count).messages
        == one.with_texts(lambda text, _: text).fit(None, count).messages
    )
