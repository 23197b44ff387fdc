"""Which provider gets which text, and that every caller gets the own secrets back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aiex_lsp.config.settings import TaskSettings
from aiex_lsp.errors import FailureKind, NoProviderError
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.calls import Call
from aiex_lsp.llm.types import Dropped, Finish, FittedPrompt, Message, Text, Usage
from aiex_lsp.redaction.detect import describe, find_secrets
from tests.client_rig import DONE, SILENCE, Heard, Prompt, Rig, Scripted, provider, settings

SECRET = "hunter2secret"
CODE = f'db.connect(password="{SECRET}")'
OTHER = CODE.replace(SECRET, "0ther-Passphrase")


def word(text: str = CODE) -> str:
    from aiex_lsp.redaction.placeholders import Part, Placeholders

    return Placeholders.of([Part(text)]).all[0].word


W = word()


def sent(rig: Rig, name: str, call: int = -1) -> str:
    return "\n".join(one.content for one in rig.adapters[name].calls[call].messages)


def detect(text: str) -> tuple[str, ...]:
    return describe(find_secrets(text))


async def ask(rig, held, heard=None, text=CODE, **more):
    return await rig.ask(held, heard, prompt=Prompt(text), **more)


async def test_a_remote_provider_gets_a_placeholder_and_the_user_the_secret():
    rig, heard = Rig(), Heard()
    result = await ask(rig, settings(provider("a", Text(f'It has "{W}".'), DONE)), heard)
    assert SECRET not in sent(rig, "a")
    assert f'db.connect(password="{W}")' in sent(rig, "a")
    assert result.text == f'It has "{SECRET}".' == heard.shown
    assert result.unrestored == ()


async def test_the_model_is_told_what_placeholders_are_but_only_where_there_are_some():
    rig, held = Rig(), settings(provider("a"))
    await ask(rig, held)
    first, *_ = rig.adapters["a"].calls[-1].messages
    assert (first.role, W in first.content) == ("system", True)
    await ask(rig, held, text="x = 1")
    assert rig.adapters["a"].calls[-1].messages == (Message("user", "x = 1"),)


async def test_a_local_provider_gets_the_text_as_it_is():
    rig = Rig()
    held = settings(provider("mine", Text(f"{W} stays"), DONE, is_local=True))
    result = await ask(rig, held)
    assert sent(rig, "mine") == CODE
    assert result.text == f"{W} stays"


@pytest.mark.parametrize(
    ("own", "general"),
    [
        ({"secrets": "redact"}, {}),
        ({}, {"tasks": {"explain": TaskSettings(secrets="redact")}}),
        ({"secrets": "allow"}, {"tasks": {"explain": TaskSettings(secrets="redact")}}),
    ],
)
async def test_unless_it_is_told_otherwise(own, general):
    rig = Rig()
    await ask(rig, settings(provider("mine", is_local=True, **own), **general))
    assert SECRET not in sent(rig, "mine")


@pytest.mark.parametrize(
    ("own", "general"), [({"secrets": "allow"}, {}), ({}, {"secrets": "allow"})]
)
async def test_a_trusted_gateway_gets_the_text_as_it_is(own, general):
    rig = Rig()
    await ask(rig, settings(provider("gateway", **own), **general))
    assert sent(rig, "gateway") == CODE


async def test_a_provider_that_may_not_have_secrets_is_left_out():
    rig = Rig(detect=detect)
    held = settings(
        provider("a", secrets="block"),
        provider("b", secrets="local_only"),
        provider("c"),
        default_provider="a",
        fallback_providers=("b", "c"),
    )
    result = await ask(rig, held)
    assert result.answer.provider == "c"
    assert "which it may not have" in result.answer.choice.left_out["a"]
    assert "which stay on this machine" in result.answer.choice.left_out["b"]
    with pytest.raises(NoProviderError) as caught:
        await ask(rig, settings(provider("a", secrets="block")))
    assert "password, line 1" in caught.value.what
    assert SECRET not in str(caught.value)


async def test_it_is_told_once_how_many_secrets_were_replaced():
    rig, heard = Rig(), Heard()
    held = settings(
        provider("a", FailureKind.OVERLOADED),
        provider("b"),
        default_provider="a",
        fallback_providers=("b",),
    )
    await ask(rig, held, heard, text=f"{CODE}\n{OTHER}")
    told = [text for what, text in heard.events if what == "status" and "replaced" in text]
    assert told == ["asking a (m1), 2 secrets replaced"]


async def test_from_remote_to_local_and_back_each_gets_its_own_text():
    rig, heard = Rig(), Heard()
    held = settings(
        provider("a", Text(f"half {W[:7]}"), FailureKind.TRUNCATED),
        provider("mine", Text(f"never {SECRET} "), FailureKind.TRUNCATED, is_local=True),
        provider("b", Text("whole "), Text(W[:5]), Text(W[5:]), DONE),
        default_provider="a",
        fallback_providers=("mine", "b"),
    )
    result = await ask(rig, held, heard)
    assert result.text == f"whole {SECRET}" == heard.shown
    assert sent(rig, "mine") == CODE
    assert sent(rig, "a") == sent(rig, "b")
    assert SECRET not in sent(rig, "a")


async def test_a_retry_sends_the_same_text():
    rig = Rig()
    held = settings(provider("a", [FailureKind.CONNECT], [Text(W), DONE]))
    held = replace(held, retry=replace(held.retry, backoff=0.0, jitter=0.0))
    assert (await ask(rig, held)).text == SECRET
    assert sent(rig, "a", 0) == sent(rig, "a", 1)


@pytest.mark.parametrize("size", range(1, 25))
async def test_a_placeholder_cut_over_deltas_is_restored(size):
    text = f'x = "{W}"\ny = "{W}"'
    pieces = [Text(text[at : at + size]) for at in range(0, len(text), size)]
    heard = Heard()
    result = await ask(Rig(), settings(provider("a", *pieces, DONE)), heard)
    assert result.text == f'x = "{SECRET}"\ny = "{SECRET}"' == heard.shown


async def test_what_is_no_placeholder_is_not_held_back():
    heard = Heard()
    pieces = (Text("The code "), Text("is fine"), Text(" and aie"), Text("ou"), DONE)
    await ask(Rig(), settings(provider("a", *pieces)), heard)
    deltas = [text for what, text in heard.events if what == "delta"]
    assert deltas == ["The code ", "is fine", " and ", "aieou"]


async def test_an_answer_that_ends_in_the_beginning_of_one_is_told_whole():
    heard = Heard()
    cut = (Text(f"the password {W[:9]}"), Finish("length", Usage(1, 1)))
    result = await ask(Rig(), settings(provider("a", *cut)), heard)
    assert result.text == f"the password {W[:9]}" == heard.shown


async def test_a_kept_answer_is_restored_with_the_callers_own_secret():
    rig, heard = Rig(), Heard()
    held = settings(provider("a", [Text(f"It is {W}"), DONE]))
    assert (await ask(rig, held)).text == f"It is {SECRET}"
    again = await ask(rig, held, heard, text=OTHER)
    assert again.answer.cached
    assert again.text == "It is 0ther-Passphrase" == heard.shown


async def test_two_calls_at_once_share_an_answer_and_no_secret():
    rig = Rig()
    held = settings(provider("a", Text("It "), 0.01, Text(f"is {W}"), DONE))
    one, two = Heard(), Heard()
    results = await asyncio.gather(ask(rig, held, one), ask(rig, held, two, text=OTHER))
    assert [one.text for one in results] == [f"It is {SECRET}", "It is 0ther-Passphrase"]
    assert [one.shown, two.shown] == [one.text for one in results]
    assert len(rig.adapters["a"].calls) == 1


async def test_neither_store_nor_events_nor_logs_have_the_secret(caplog):
    caplog.set_level("DEBUG")
    rig = Rig()
    await ask(rig, settings(provider("a", Text(f"It is {W}"), DONE)))
    seen = repr(rig.events) + repr(vars(rig.store)) + caplog.text
    assert SECRET not in seen
    assert W not in caplog.text


async def test_a_call_never_shows_its_secrets():
    rig, calls = Rig(), []
    real = Call.redacted

    async def noted(self, adapter):
        calls.append(self)
        return await real(self, adapter)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Call, "redacted", noted)
        await ask(rig, settings(provider("a")))
    assert SECRET not in repr(calls[0].without_secrets) + repr(calls[0].known)


async def test_invented_placeholders_are_told():
    result = await ask(Rig(), settings(provider("a", Text(f"{W} AIEX_SECRET_7_abcd"), DONE)))
    assert result.text == f"{SECRET} AIEX_SECRET_7_abcd"
    assert result.unrestored == ("AIEX_SECRET_7_abcd",)


async def test_what_the_model_made_up_before_is_made_up_again():
    class Talk(Prompt):
        def fit(self, budget, count, *, small_model=False) -> FittedPrompt:
            turns = (Message("user", CODE), Message("assistant", "AIEX_SECRET_7_abcd"))
            return FittedPrompt((*turns, Message("user", "again")), 10)

    held = settings(provider("a", Text("AIEX_SECRET_7_abcd"), DONE))
    result = await Rig().ask(held, prompt=Talk())
    assert result.unrestored == ("AIEX_SECRET_7_abcd",)


async def test_a_question_about_an_answer_has_the_same_placeholders():
    rig, held = Rig(), settings(provider("a"))
    first = await ask(rig, held)
    await ask(rig, held, text=f"{OTHER}\n{CODE}", follows=first.answer.id)
    assert f'password="{W}"' in sent(rig, "a")
    assert W in sent(rig, "a").split("\n")[-1]


async def test_secrets_are_looked_for_once_a_call(monkeypatch):
    from aiex_lsp.redaction import places

    looked = []
    real = places.Secrets.__init__

    def counted(self, parts):
        looked.append(len(parts))
        real(self, parts)

    monkeypatch.setattr(places.Secrets, "__init__", counted)
    held = settings(
        provider("a", FailureKind.OVERLOADED),
        provider("b", FailureKind.OVERLOADED),
        provider("c"),
        default_provider="a",
        fallback_providers=("b", "c"),
    )
    await ask(Rig(), held)
    assert len(looked) == 1


async def test_where_looking_fails_nothing_is_sent(monkeypatch):
    from aiex_lsp.redaction import detect

    def broken(_text, _language=None):
        raise RecursionError

    monkeypatch.setattr(detect, "find_secrets", broken)
    rig = Rig()
    held = settings(provider("a"), provider("b"), default_provider="a", fallback_providers=("b",))
    with pytest.raises(RecursionError):
        await ask(rig, held)
    assert not any(adapter.calls for adapter in rig.adapters.values())


class Cut:
    """A prompt that leaves out the beginning of a key where the window is small."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fit(self, budget, count, *, small_model=False) -> FittedPrompt:
        if budget is None:
            return FittedPrompt((Message("user", self.text),), 10)
        text = "\n".join(self.text.split("\n")[4:])
        return FittedPrompt((Message("user", text),), 10, (Dropped("code", 1, True),))


async def test_no_cut_shows_a_part_of_a_key():
    from random import Random

    from tests.unit.redaction_corpus import make

    lines = [make("b|64", Random(n)) for n in range(12)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])
    rig = Rig()
    await rig.ask(settings(provider("a")), prompt=Cut(key))
    assert not [line for line in lines if line in sent(rig, "a")]


async def test_a_preview_tells_what_would_be_replaced_and_where():
    rig, held = Rig(), settings(provider("a"))
    from aiex_lsp.llm.types import CompletionRequest

    request = CompletionRequest("explain", Prompt(f"look:\n{CODE}"))
    fitted, _ = await rig.client.fit(request, held)
    assert fitted.redactions == (f"password, line 2 of the user message -> {W}",)
    await rig.client.complete(request, held)
    assert rig.adapters["a"].calls[-1].messages == fitted.call.messages
    mine, _ = await rig.client.fit(request, settings(provider("mine", is_local=True)))
    assert mine.redactions == ()
    assert mine.call.messages == (Message("user", f"look:\n{CODE}"),)


async def test_cancelling_is_not_held_up_by_what_is_held_back():
    rig, heard = Rig(), Heard()
    one = provider("a", Text(f"x {W[:8]}"), SILENCE)
    task = asyncio.create_task(ask(rig, settings(one), heard))
    await rig.adapters.setdefault("a", Scripted(one, AdapterContext())).silent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard.shown == "x "
