"""Speed and timestamps."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.simulator.clock import Clock, parse_time, timestamp

NOW_S = 1_800_000_000.0


class Real:
    """Real time, moved by hand."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def clock(self, speed: float, backlog_s: float | None = None) -> Clock:
        return Clock(speed, backlog_s, now=lambda: NOW_S + self.elapsed_s, monotonic=lambda: self.elapsed_s)


def test_speed_one_is_real_time() -> None:
    real = Real()
    clock = real.clock(1)
    real.elapsed_s = 100
    assert clock.seconds() == 100
    assert clock.utc().timestamp() == NOW_S + 100
    assert clock.real_delay(7) == 7


@given(st.floats(1, 1000), st.floats(0, 1e6), st.lists(st.floats(0, 1e5), max_size=10))
def test_never_backwards_never_in_the_future(speed: float, backlog_s: float, steps: list[float]) -> None:
    real = Real()
    clock, before = real.clock(speed, backlog_s), 0.0
    for step in steps:
        real.elapsed_s += step
        assert clock.seconds() >= before
        assert clock.utc().timestamp() <= NOW_S + real.elapsed_s + 1e-3
        before = clock.seconds()


@given(st.floats(1.01, 1000), st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0, 1e5))
def test_a_delay_ends_when_it_says(speed: float, backlog_s: float, elapsed_s: float, wait_s: float) -> None:
    real = Real()
    clock = real.clock(speed, backlog_s)
    real.elapsed_s = elapsed_s
    target_s = clock.seconds() + wait_s
    real.elapsed_s += clock.real_delay(wait_s)
    assert clock.seconds() == pytest.approx(target_s, abs=1e-3)


def test_fast_until_it_has_caught_up() -> None:
    real = Real()
    clock = real.clock(61, 3600)
    real.elapsed_s = 60
    assert clock.utc().timestamp() == pytest.approx(NOW_S + 60)
    real.elapsed_s = 70
    assert clock.seconds() == 3670


def test_it_takes_the_servers_time_only_at_speed_one() -> None:
    ahead = datetime.fromtimestamp(NOW_S, UTC) + timedelta(hours=3)
    own, replaying = Real().clock(1), Real().clock(10)
    own.synchronise(ahead)
    replaying.synchronise(ahead)
    assert own.utc() == ahead
    assert replaying.utc() < ahead


def test_text() -> None:
    assert timestamp(datetime(2026, 5, 1, 12, 0, 0, 1500, UTC)) == "2026-05-01T12:00:00.001Z"
    assert parse_time("2026-05-01T12:00:00") == parse_time("2026-05-01T14:00:00+02:00")
    with pytest.raises(ValueError):
        Clock(0)
