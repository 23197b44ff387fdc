"""A refused key becomes one problem of the configuration where another provider answered."""

from aiex_lsp.events.types import RequestFailed, RequestStarted, ResponseReceived
from aiex_lsp.llm.refused_keys import RefusedKeys

COMMON = {"timestamp": 0.0, "task": "explain", "provider_type": "openai", "attempt": 1}


def failed(provider, call="1", error="credentials"):
    return RequestFailed(
        **COMMON,
        call_id=call,
        provider=provider,
        model="m",
        error=error,
        message=f"{provider} refused the API key (401). Check OPENAI_API_KEY.",
        duration=0.1,
    )


def started(provider, call="1"):
    return RequestStarted(
        **COMMON,
        call_id=call,
        provider=provider,
        model="m",
        prompt_length=1,
        input_tokens=1,
        max_tokens=1,
    )


def answered(provider):
    return ResponseReceived(
        **COMMON,
        call_id="1",
        provider=provider,
        model="m",
        duration=0.1,
        response_length=1,
        input_tokens=1,
        output_tokens=1,
    )


def keys():
    return RefusedKeys(lambda provider: ("/home/me/config.toml", 7, 1))


def test_it_names_file_line_and_key_once_however_often_it_is_refused():
    refused = keys()
    for call in "123":
        refused(failed("openai", call))
        refused(started("anthropic", call))
    (problem,) = refused.problems
    assert problem.message == "openai refused the API key (401). Check OPENAI_API_KEY."
    assert (problem.file, problem.line, problem.key) == (
        "/home/me/config.toml",
        7,
        "providers.openai.api_key",
    )


def test_a_call_that_failed_by_it_has_told_already():
    refused = keys()
    refused(failed("openai"))
    refused(started("anthropic", "another call"))
    assert refused.problems == ()


def test_other_failures_are_no_problem_of_the_configuration():
    refused = keys()
    refused(failed("openai", error="overloaded"))
    refused(started("anthropic"))
    assert refused.problems == ()


def test_an_answer_or_another_configuration_ends_it():
    refused = keys()
    for end in (lambda: refused(answered("openai")), refused.forget):
        refused(failed("openai"))
        refused(started("anthropic"))
        assert len(refused.problems) == 1
        end()
        assert refused.problems == ()
