from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.context.compressor import Measure, compress, cut_lines
from aiex_lsp.context.types import ContextBundle, ContextItem
from aiex_lsp.errors import AiexError


def chars(values: Mapping[str, str]) -> int:
    return 50 + sum(len(value) + len(name) for name, value in values.items()) // 4


def words(values: Mapping[str, str]) -> int:
    return 20 + sum(3 + len(value.split()) for value in values.values())


def lumpy(values: Mapping[str, str]) -> int:
    """Counts some texts cheaper than their parts, as real tokenizers do."""
    return 10 + sum(len(value) // 3 + (7 if len(value) % 2 else 0) for value in values.values())


MEASURES: list[Measure] = [chars, words, lumpy]


class Counted:
    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.calls = 0

    def __call__(self, values: Mapping[str, str]) -> int:
        self.calls += 1
        return self.measure(values)


def lines(count: int, width: int = 40) -> str:
    return "\n".join(f"line {index} ".ljust(width, "x") for index in range(count))


def bundle(**sizes: tuple[int, int, int | None]) -> ContextBundle:
    return ContextBundle(
        tuple(
            ContextItem(name, lines(count), priority, least)
            for name, (count, priority, least) in sizes.items()
        )
    )


PROJECT = bundle(
    code=(60, 0, None),
    question=(1, 0, None),
    diagnostics=(5, 1, 200),
    imports=(30, 2, 100),
    rules=(200, 3, 400),
    surrounding=(400, 4, 200),
    dependencies=(100, 5, 200),
    structure=(80, 8, 200),
    session=(10, 9, None),
)


def test_everything_stays_where_it_fits() -> None:
    measure = Counted(chars)
    fitted = compress(PROJECT, 200_000, measure)
    assert fitted.values == {item.name: item.value for item in PROJECT.items}
    assert fitted.dropped == ()
    assert fitted.tokens == chars(fitted.values)
    assert measure.calls == 1


def test_without_a_budget_everything_stays() -> None:
    assert compress(PROJECT, None, chars).dropped == ()


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("budget", [1_000, 2_000, 4_000, 8_000])
def test_a_small_window_keeps_the_code_and_loses_the_least_important_first(
    measure: Measure, budget: int
) -> None:
    counted = Counted(measure)
    fitted = compress(PROJECT, budget, counted)
    assert fitted.tokens == measure(fitted.values) <= budget
    assert fitted.values["code"] == lines(60)
    assert counted.calls <= 14
    priorities = {item.name: item.priority for item in PROJECT.items}
    whole = [
        priorities[name] for name in fitted.values if name not in {d.name for d in fitted.dropped}
    ]
    gone = [priorities[one.name] for one in fitted.dropped]
    assert max(whole) <= min(gone, default=99)
    assert {one.name for one in fitted.dropped if not one.truncated}.isdisjoint(fitted.values)
    assert {one.name for one in fitted.dropped if one.truncated} <= set(fitted.values)


def test_what_is_cut_says_how_much_is_missing() -> None:
    fitted = compress(PROJECT, 2_000, chars)
    (cut,) = [one for one in fitted.dropped if one.truncated]
    assert cut.name == "rules"
    assert fitted.values["rules"].splitlines()[-1].startswith("… ")
    kept = fitted.values["rules"].splitlines()[:-1]
    assert kept == lines(200).splitlines()[: len(kept)]
    assert f"… {200 - len(kept)} lines left out …" in fitted.values["rules"]
    assert fitted.tokens > 1_850
    assert all(one.tokens > 0 for one in fitted.dropped)


def test_code_too_large_for_the_window_names_both_sizes() -> None:
    with pytest.raises(AiexError) as caught:
        compress(bundle(code=(600, 0, None), imports=(5, 2, 10)), 2_000, chars)
    message = str(caught.value)
    assert "2,000" in message
    assert f"{chars({'code': lines(600)}):,}" in message
    assert "larger window" in message
    assert len(message) <= 200


def test_an_item_that_may_not_be_cut_goes_whole() -> None:
    fitted = compress(bundle(code=(10, 0, None), session=(400, 9, None)), 1_000, chars)
    assert list(fitted.values) == ["code"]
    assert [(one.name, one.truncated) for one in fitted.dropped] == [("session", False)]


def test_cut_lines_of_one_long_line() -> None:
    cut = cut_lines("x" * 1_000, 200)
    assert cut == "x" * 170 + " … 830 characters left out …"
    assert cut_lines("x" * 100, 10) is None


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=400), limit=st.integers(0, 500))
def test_cut_lines_never_exceeds_its_limit(text: str, limit: int) -> None:
    cut = cut_lines(text, limit)
    assert cut is None or len(cut) <= limit


items = st.builds(
    ContextItem,
    name=st.text("abcdefgh", min_size=1, max_size=3),
    value=st.text("ab \n", max_size=600),
    priority=st.integers(0, 9),
    min_chars=st.one_of(st.none(), st.integers(0, 300)),
)


@settings(max_examples=150, deadline=None)
@given(
    found=st.lists(items, max_size=10, unique_by=lambda item: item.name),
    budget=st.integers(0, 800),
    measure=st.sampled_from(MEASURES),
)
def test_the_result_never_exceeds_the_budget(
    found: list[ContextItem], budget: int, measure: Measure
) -> None:
    firm = {item.name: item.value for item in found if item.priority == 0}
    try:
        fitted = compress(ContextBundle(tuple(found)), budget, measure)
    except AiexError:
        assert measure(firm) > budget
        return
    assert measure(fitted.values) == fitted.tokens <= budget
    assert firm.items() <= fitted.values.items()
    dropped = {one.name for one in fitted.dropped if not one.truncated}
    assert dropped | set(fitted.values) == {item.name for item in found}
