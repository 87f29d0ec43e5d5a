"""Which phases a car draws from is learnt from its meter, and counts for its session alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from charging import balancer
from charging.models import EVSE, ChargingStation, Circuit, Connector, MeterReading, Outlet, Site, SiteLoad, Transaction

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def outlet() -> Outlet:
    home = Organization.objects.create(name="Home")
    site = Site.objects.create(organization=home, name="Garage")
    SiteLoad.objects.create(site=site, organization=home, enabled=True)
    station = ChargingStation.objects.create(organization=home, site=site, identity="CP", online=True, protocol="1.6")
    evse = EVSE.objects.create(station=station, number=1)
    connector = Connector.objects.create(station=station, evse=evse, evse_number=1, number=1, status="Charging")
    tx = Transaction.objects.create(
        organization=home, station=station, connector=connector, transaction_id="7", evse_number=1, state="charging"
    )
    Connector.objects.update(transaction=tx)
    limits = dict.fromkeys(("limit_l1_a", "limit_l2_a", "limit_l3_a"), 63)
    circuit = Circuit.objects.create(organization=home, site=site, name="Main", **limits)
    return Outlet.objects.create(organization=home, circuit=circuit, connector=connector, rotation="STR")


def read(amps: tuple[float, ...], at: datetime, power_w: float) -> None:
    (tx,) = Transaction.objects.all()
    samples: list[Any] = [
        ["Current.Import", value, "A", f"L{line}", "", "Sample.Periodic"] for line, value in enumerate(amps, start=1)
    ]
    MeterReading.objects.create(
        station=tx.station,
        transaction=tx,
        evse_number=1,
        connector_number=1,
        station_time=at,
        measured_at=at,
        received_at=at,
        samples=samples,
    )
    Connector.objects.update(measured_at=at, power_w=power_w)


def seen(now: datetime) -> balancer.State:
    load = SiteLoad.objects.get()
    balancer.balance(load, now)
    (row,) = balancer.outlets_of(load.pk)
    return balancer.state_of(row, load, balancer.Ladders([row]), now)


def test_it_works(outlet: Outlet) -> None:
    assert (seen(NOW).phases, seen(NOW).spare_phases) == ((0, 1, 2), ())
    read((15.8, 0.1, 0.0), NOW, 3_634)
    found = seen(NOW)
    # Its first line is behind the circuit's second phase.
    assert (found.phases, found.spare_phases) == ((1,), (0, 2))
    assert found.measured_a == pytest.approx(15.8), "and not a third of it"
    # A pause says nothing; a reading with more phases says that they are used.
    read((0, 0, 0), NOW + timedelta(minutes=1), 0)
    assert seen(NOW).phases == (1,)
    read((10, 10, 10), NOW + timedelta(minutes=2), 6_900)
    assert seen(NOW).phases == (0, 1, 2)
    read((15.8, 0, 0), NOW + timedelta(minutes=3), 3_634)
    assert seen(NOW).phases == (0, 1, 2), "it may do so again"


def test_it_counts_for_one_session_and_where_the_limit_ends_with_it(outlet: Outlet) -> None:
    read((15.8, 0.1, 0.0), NOW, 3_634)
    assert seen(NOW).phases == (1,)
    # A station that takes default profiles only: the limit would hold for the next car, too.
    Outlet.objects.update(step=2)
    assert seen(NOW).phases == (0, 1, 2)
    Outlet.objects.update(step=0, drawn_for=999)
    assert seen(NOW).phases == (0, 1, 2)


def test_a_meter_that_tells_one_phase_only_says_nothing_of_the_others(outlet: Outlet) -> None:
    read((15.8,), NOW, 3_634)
    assert seen(NOW).phases == (0, 1, 2)
