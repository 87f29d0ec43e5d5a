"""The hub makes an ordered stream, without a gap and without a repeat, of what the channel layer delivers."""

import asyncio
from typing import Any

import pytest

from charging import hub as module
from charging.hub import Hub

Message = dict[str, Any]


def message(cursor: int, organization: int = 1, *, stored: bool = True) -> Message:
    return {"cursor": cursor, "organization": organization, "stored": stored, "event": "connector.updated"}


class Told:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    def take(self, messages: list[Message]) -> None:
        self.messages += messages

    @property
    def cursors(self) -> list[int]:
        return [one["cursor"] for one in self.messages]


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """The rows of the feed, which the test fills; reading them is counted by `reads`."""
    rows: list[Message] = []

    def between(organizations: list[int], after: int, upto: int, most: int) -> list[Message]:
        found = [row for row in rows if after < row["cursor"] <= upto and row["organization"] in organizations]
        return found[:most]

    async def read(function: Any, *args: Any) -> Any:
        return function(*args)

    monkeypatch.setattr(module.feed, "between", between)
    monkeypatch.setattr(module, "read", read)
    return rows


def heard(rows: list[Message], *batches: list[Message], listens: tuple[int, ...] = (1,), last: int = 0) -> list[int]:
    """The cursors that a listener of the organizations is told, in order."""
    told, one = Told(), Hub()
    one.last = last
    one.listeners = {organization: {told} for organization in listens}

    async def play() -> None:
        for batch in batches:
            await one._take(batch)

    asyncio.run(play())
    return told.cursors


def test_it_works(feed: list[Message]) -> None:
    assert heard(feed, [message(1), message(2)], [message(3)]) == [1, 2, 3]


def test_what_comes_early_waits_for_what_it_overtook(feed: list[Message]) -> None:
    feed += [message(1), message(2)]
    assert heard(feed, [message(2)], [message(1)]) == [1, 2]


def test_what_is_lost_is_read(feed: list[Message]) -> None:
    feed += [message(1), message(2), message(3)]
    assert heard(feed, [message(1)], [message(3)]) == [1, 2, 3]


def test_a_repeat_is_told_once(feed: list[Message]) -> None:
    assert heard(feed, [message(1)], [message(1), message(2)]) == [1, 2]


def test_other_organizations_leave_gaps_and_are_not_told(feed: list[Message]) -> None:
    feed += [message(1), message(2, 9), message(3)]
    assert heard(feed, [message(1)], [message(3)]) == [1, 3]


def test_two_organizations_are_one_stream(feed: list[Message]) -> None:
    feed += [message(1, 1), message(2, 2), message(3, 1)]
    assert heard(feed, [message(3, 1), message(1, 1)], [message(2, 2)], listens=(1, 2)) == [1, 2, 3]


def test_values_of_the_moment_follow_what_is_stored(feed: list[Message]) -> None:
    assert heard(feed, [message(5, stored=False), message(6)], [message(2, stored=False)], last=5) == [6, 5, 2]


def test_many_missed_rows_are_read_in_pages(feed: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    feed += [message(cursor) for cursor in range(1, 11)]
    assert heard(feed, [message(10)]) == list(range(1, 11))
