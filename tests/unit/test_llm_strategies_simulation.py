"""Strategies against drifting providers in simulated time; `-s` prints the table of figures."""

import math

import pytest

from aiex_lsp.llm.types import Price
from tests.benchmarks.selection_simulation import (
    Behaviour,
    Provider,
    Scenario,
    after,
    largest_share,
    p95,
    run,
    share,
)
from tests.benchmarks.selection_table import CHANGE, recovered_after, scenario_where, table

SEEDS = (1, 2, 3, 4, 5)
RATES = (0.05, 0.5, 2.0)
"""Calls a second: an editor that is used now and then, all the time, and by a machine."""

WELL = Behaviour()
SLOW = Behaviour(CHANGE, first_token=10.0, tokens_per_second=6.0)


def three(*unequal: Provider) -> tuple[Provider, ...]:
    names = [one.name for one in unequal]
    return (*unequal, *(Provider(name) for name in ("a", "b", "c") if name not in names))


def test_the_table_is_printed():
    lines = table(seeds=SEEDS[:2])
    print("\n" + "\n".join(lines))
    assert any("load_balanced" in line for line in lines)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", RATES)
def test_a_provider_that_turns_ten_times_slower_is_left_within_20_calls(rate, seed):
    scenario = scenario_where(SLOW, rate)
    late = after(run(scenario, "load_balanced", seed), CHANGE)
    in_turn = after(run(scenario, "round_robin", seed), CHANGE)
    assert len(late) > 300
    assert share(late[20:], "a") <= 0.05
    assert p95(late) <= 0.6 * p95(in_turn)
    # It is still tried now and then: it may be well again.
    assert share(late[20:], "a") > 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", [0.05, 5.0])
def test_a_provider_that_fails_is_left_whether_it_fails_fast_or_slowly(seconds, seed):
    failing = Behaviour(CHANGE, failure=1.0, failure_seconds=seconds)
    late = after(run(scenario_where(failing, 0.5), "load_balanced", seed), CHANGE)
    assert share(late[20:], "a") <= 0.05
    assert all(one.asked[-1] != "a" for one in late if math.isfinite(one.seconds))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_provider_that_fails_half_of_its_calls_gets_few(seed):
    failing = Behaviour(CHANGE, failure=0.5)
    late = after(run(scenario_where(failing, 0.5), "load_balanced", seed), CHANGE)
    assert share(late[20:], "a") <= 1 / 6  # half of a fair share


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", RATES)
def test_a_provider_that_recovered_is_used_within_three_minutes_or_100_calls(rate, seed):
    calls, seconds = recovered_after(rate, seed)
    assert calls <= 100 or seconds <= 180, (calls, seconds)


UNEQUAL = (
    Provider("a"),
    Provider("b", (Behaviour(0, 1.5, 40),)),
    Provider("c", (Behaviour(0, 2.0, 30),)),
)
PRICED = (
    Provider("a", local=True),
    Provider("b", price=Price(0.003, 0.015)),
    Provider("c", price=Price(0.01, 0.03)),
)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", [0.05, 0.25, 1.0])
@pytest.mark.parametrize(
    "providers", [three(), UNEQUAL, PRICED], ids=["equal", "unequal", "priced"]
)
def test_four_servers_that_start_together_do_not_run_to_one_provider(providers, rate, seed):
    scenario = Scenario(providers, servers=4, rate=rate, duration=3000, most_calls=40)
    first = run(scenario, "load_balanced", seed)
    assert len(first) == 40
    assert largest_share(first) <= 0.5
    assert len({one.first for one in first}) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_provider_that_is_ten_times_slower_from_the_start_gets_a_few_calls_only(seed):
    providers = three(Provider("a", (Behaviour(0, 10.0, 6.0),)))
    scenario = Scenario(providers, servers=4, rate=0.05, duration=3000, most_calls=40)
    assert share(run(scenario, "load_balanced", seed), "a") <= 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_servers_that_share_what_they_measured_do_not_move_in_herds(seed):
    providers = three(Provider("a", (WELL, SLOW)))
    scenario = Scenario(providers, servers=4, rate=0.25, duration=900)
    late = after(run(scenario, "load_balanced", seed), CHANGE)[20:]
    windows = [late[start : start + 40] for start in range(0, len(late) - 40, 10)]
    assert len(windows) > 40
    assert max(largest_share(window) for window in windows) <= 0.75


@pytest.mark.parametrize("seed", SEEDS)
def test_what_one_server_learned_spares_the_others(seed):
    scenario = Scenario(three(Provider("a", (WELL, SLOW))), servers=4, rate=0.1, duration=1200)
    late = after(run(scenario, "load_balanced", seed), CHANGE)
    assert share(late[20:], "a") <= 0.05
