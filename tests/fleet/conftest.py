"""One fleet for each module, of whatever services it starts for itself."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.fleet import Fleet

TAG = "FLEET-TAG"

#: Many stations at once: what REST does one by one.
STATIONS = """
from accounts.models import Organization
from charging.credentials import hash_password
from charging.models import ChargingStation
organization = Organization.objects.order_by("pk").first()
known = hash_password({password!r})
ChargingStation.objects.bulk_create(
    ChargingStation(
        organization=organization, identity=identity, name=identity, password_hash=known, security_profile=1,
        price_per_kwh="0.30",
    )
    for identity in {identities!r}
)
"""

MakeStations = Callable[[list[str]], None]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet({"OUTBOUND_ALLOWED_NETWORKS": "127.0.0.1"}) as running:
        running.rest().create_tag(TAG)
        yield running


@pytest.fixture(scope="module")
def make_stations(fleet: Fleet) -> MakeStations:
    from tests.support.station import PASSWORD

    def make(identities: list[str]) -> None:
        fleet.portal.shell(STATIONS.format(password=PASSWORD, identities=identities))

    return make
