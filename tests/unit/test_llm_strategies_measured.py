"""What the board knows after calls, and what it believes of peers."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.llm.measured import PEERS_CALLS, Activity, Board, Measured

S, M = "openai-0123456789ab", "gpt"


class Clocked:
    def __init__(self, seed: int = 1) -> None:
        self.now = 1000.0
        self.board = Board(lambda: self.now, Random(seed))

    def call(self, first_token: float | None = 1.0, *, model: str = M, **how: object) -> None:
        self.board.started(S, model)
        how = {"ok": True, "seconds": None if first_token is None else first_token + 5.0, **how}
        self.board.finished(S, model, first_token=first_token, **how)

    def elsewhere(self, calls: int) -> None:
        for _ in range(calls):
            self.board.started("other", M)
            self.board.finished("other", M, ok=None)

    def view(self, model: str | None = M) -> Measured:
        return self.board.view(S, model)


def test_nothing_is_known_of_a_provider_nobody_asked():
    assert Clocked().view() == Measured()
    assert Clocked().board.activity(S) == Activity()


def test_a_slower_answer_counts_at_once_and_faster_ones_pull_it_down_in_time():
    one = Clocked()
    one.call(1.0)
    one.call(8.0)
    assert one.view().first_token == 8.0
    seen = []
    for _ in range(5):
        one.now += 30
        one.call(1.0)
        seen.append(one.view().first_token)
    assert seen == sorted(seen, reverse=True)
    assert 1.0 < seen[-1] < 2.0


def test_throughput_is_that_of_the_answer_without_the_wait_for_it():
    one = Clocked()
    one.call(2.0, seconds=12.0, output_tokens=300)
    assert one.view().tokens_per_second == pytest.approx(30.0)
    one.call(2.0, seconds=2.1, output_tokens=3)  # too short to tell anything
    assert one.view().tokens_per_second == pytest.approx(30.0)


def test_an_answer_that_came_all_at_once_has_no_throughput():
    one = Clocked()
    one.call(2.0, seconds=2.0, output_tokens=300)
    assert one.view().tokens_per_second is None


def test_failures_lower_the_success_rate_and_successes_raise_it():
    one = Clocked()
    one.call()
    assert one.view().success == 1.0
    for _ in range(4):
        one.call(None, ok=False, seconds=0.1)
    low = one.view().success
    assert low < 0.2
    one.call()
    assert low < one.view().success < 1.0


def test_a_quick_refusal_does_not_make_a_provider_look_fast_but_a_timeout_makes_it_slow():
    quick, silent = Clocked(), Clocked()
    quick.call(None, ok=False, seconds=0.01)
    assert quick.view().first_token is None
    silent.call(1.0)
    silent.call(None, ok=False, seconds=15.0)
    assert silent.view().first_token == 15.0


def test_a_cancelled_call_counts_for_nothing_but_is_no_longer_running():
    one = Clocked()
    one.board.started(S, M)
    assert one.view().in_flight == 1
    one.board.finished(S, M, ok=None, seconds=40.0)
    assert (one.view().in_flight, one.view().calls, one.view().success) == (0, 0, 1.0)


def test_all_models_of_a_provider_together():
    one = Clocked()
    one.call(1.0, model="small")
    one.call(3.0, model="large")
    one.board.started(S, "large")
    assert one.view("small").first_token == 1.0
    assert one.view(None).first_token == 3.0
    assert one.view(None).in_flight == 1
    assert one.board.activity(S) == Activity(1, 3, 1000.0)


def test_a_measurement_is_trusted_more_with_each_call():
    one = Clocked()
    seen = []
    for _ in range(12):
        one.call()
        seen.append(one.view().trust)
    assert seen == sorted(seen)
    assert seen[0] < 0.05
    assert seen[-1] > 0.7


def test_trust_fades_by_time_only_as_far_as_calls_are_made_elsewhere():
    one = Clocked()
    for _ in range(20):
        one.call()
    fresh = one.view().trust
    one.now += 300
    assert one.view().trust > 0.9 * fresh  # nobody was asked meanwhile: nothing is to be forgiven
    one.elsewhere(100)
    assert one.view().trust < 0.05 * fresh
    one.call()
    assert one.view().trust > 0.9 * fresh


def test_a_burst_of_calls_elsewhere_forgives_nothing_at_once():
    one = Clocked()
    for _ in range(20):
        one.call()
    fresh = one.view().trust
    one.elsewhere(500)
    assert one.view().trust == pytest.approx(fresh)


def test_after_a_night_it_begins_anew():
    one = Clocked()
    for _ in range(20):
        one.call()
    one.now += 10 * 3600
    assert one.view().trust < 0.05


def test_forgiving_a_provider_forgets_its_failures():
    one = Clocked()
    for _ in range(5):
        one.call(None, ok=False, seconds=1.0)
    one.board.forgive(S)
    assert (one.view().success, one.view().trust) == (1.0, 0.0)


def test_a_chosen_provider_counts_as_busy_until_its_call_begins_or_does_not():
    one = Clocked()
    one.board.chosen(S)
    assert one.view(None).in_flight == 1
    one.board.started(S, M)
    assert one.view(None).in_flight == 1
    one.board.finished(S, M, ok=None)
    assert one.view(None).in_flight == 0
    one.board.chosen(S)
    one.now += 6
    assert one.view(None).in_flight == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        name: st.just(S) | JSON
        for name in (
            *("scope", "model", "first_token", "per_token", "success"),
            *("calls", "in_flight", "sampled", "age"),
        )
    },
)


class TestPeers:
    def pair(self) -> tuple[Clocked, Clocked]:
        return Clocked(1), Clocked(2)

    def tell(self, teller: Clocked, hearer: Clocked) -> None:
        hearer.board.take_peers({"peer": json.loads(json.dumps(teller.board.export()))})

    def test_their_work_in_flight_is_added_until_they_are_gone(self):
        one, peer = self.pair()
        peer.board.started(S, M)
        self.tell(peer, one)
        assert one.view(None).in_flight == 1
        one.now += 31  # no heartbeat for so long: the shared state is lost
        assert one.view(None).in_flight == 0
        one.now -= 31
        one.board.take_peers({})
        assert one.view(None).in_flight == 0

    def test_bad_news_are_heard_before_the_own_first_call(self):
        one, peer = self.pair()
        for _ in range(10):
            peer.call(20.0)
        self.tell(peer, one)
        view = one.view()
        assert view.first_token == 20.0
        assert view.calls == PEERS_CALLS
        assert view.trust > 0

    def test_the_newest_measurement_counts(self):
        one, peer = self.pair()
        peer.call(9.0)
        self.tell(peer, one)
        one.now += 1
        one.call(1.0)
        assert one.view().first_token == 1.0
        peer.now += 2
        peer.call(7.0)
        one.now += 1
        self.tell(peer, one)
        assert 7.0 < one.view().first_token < 9.0  # its average, still near its peak

    def test_news_told_again_grow_old_all_the_same(self):
        one, peer = self.pair()
        for _ in range(10):
            peer.call(20.0)
        self.tell(peer, one)
        fresh = one.view().trust
        for _ in range(20):
            one.now += 10
            peer.now += 10
            one.elsewhere(5)
            self.tell(peer, one)
        assert one.view().trust < 0.1 * fresh

    def test_old_measurements_are_not_told(self):
        one, peer = self.pair()
        peer.call(20.0)
        peer.now += 301
        self.tell(peer, one)
        assert one.view() == Measured()

    @given(payload=JSON | st.fixed_dictionaries({"measured": st.lists(ENTRY | JSON, max_size=4)}))
    def test_whatever_a_peer_tells_harms_nobody(self, payload):
        one = Clocked()
        one.call(1.0)
        one.board.take_peers({"peer": payload})
        for model in (M, None, S):
            view = one.view(model)
            assert 0 <= view.success <= 1
            assert 0 <= view.trust <= 1
            assert view.in_flight >= 0
            assert view.first_token is None or 0 <= view.first_token < float("inf")
            assert view.tokens_per_second is None or view.tokens_per_second > 0
        json.dumps(one.board.export(), allow_nan=False)


def test_it_stays_bounded_however_many_models_are_asked():
    one = Clocked()
    for number in range(2000):
        one.call(1.0, model=f"m{number}")
    assert len(one.board.export()["measured"]) <= 48
    assert one.view("m1999").calls == 1
    assert one.board.activity(S).request_count > 0


def test_a_clock_set_back_does_not_keep_old_measurements_fresh():
    one = Clocked()
    for _ in range(12):
        one.call(9.0)
    one.board.chosen(S)
    one.elsewhere(100)
    one.now -= 3600
    assert one.view().age == 0.0
    assert one.view(None).in_flight == 0
    one.now += 300
    assert one.view().age == 300.0
    assert one.view().trust < 0.01
