"""The ledger's writers, for numbers of rows that fall on, below and above their chunks."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Organization
from charging.bulk import MOST_ROWS, Insert, Update
from charging.models import ChargingStation, OcppMessage

AT = datetime(2026, 3, 1, tzinfo=UTC)
insert = Insert(
    OcppMessage, ["station", "sender", "message_id", "action", "request", "response", "outcome", "at", "answered_at"]
)
update = Update(OcppMessage, ["request", "answered_at"], where="outcome = 'ok'")


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 3, MOST_ROWS - 1, MOST_ROWS, MOST_ROWS + 1, 2 * MOST_ROWS + 7])
def test_every_row_is_written_once_and_only_those_that_fit_are_changed(count: int) -> None:
    home = Organization.objects.create(name="Home")
    station = ChargingStation.objects.create(organization=home, identity="CP-1")
    outcome = ["ok", "error"]
    insert(
        (station.pk, "station", str(i), "Heartbeat", "{}", "[]", outcome[i % 2], AT + timedelta(seconds=i), AT)
        for i in range(count)
    )
    stored = list(OcppMessage.objects.filter(station=station).order_by("at"))
    assert [row.message_id for row in stored] == [str(i) for i in range(count)]
    later = AT + timedelta(days=1)
    touched = update((f"changed {row.message_id}", later, row.pk) for row in stored)
    assert touched() == (count + 1) // 2
    for i, row in enumerate(OcppMessage.objects.filter(station=station).order_by("at")):
        changed = i % 2 == 0
        assert (row.request, row.answered_at) == ((f"changed {i}", later) if changed else ("{}", AT))
        assert row.at == AT + timedelta(seconds=i)
