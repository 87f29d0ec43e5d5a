"""The map of sites: only with a setting, only from that host, every place on it; without it the plain plan."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Organization, User
from charging.models import ChargingStation, Site

pytestmark = pytest.mark.django_db

TILES = "https://tiles.example.org:8443/{z}/{x}/{y}.png"


@pytest.fixture
def home(client: Client) -> Organization:
    user = User.objects.create_user("owner@example.com", "open sesame 44")
    organization = Organization.objects.create(name="Hillside")
    Membership.objects.create(organization=organization, user=user, role=Membership.Role.OWNER)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    yard = Site.objects.create(organization=organization, name="Yard", latitude=48.1, longitude=11.5)
    Site.objects.create(organization=organization, name="Harbour", latitude=53.5, longitude=9.9)
    for number, place in enumerate([{"latitude": 48.2, "longitude": 11.6}, {}, {}]):
        ChargingStation.objects.create(
            organization=organization, site=yard, identity=f"CP-{number}", online=number == 0, **place
        )
    other = Organization.objects.create(name="Elsewhere")
    ChargingStation.objects.create(organization=other, identity="THEIRS", latitude=1.0, longitude=2.0)
    return organization


def test_without_the_setting_the_plan_stays(client: Client, home: Organization) -> None:
    page = client.get("/sites/")
    assert 'class="plan"' in page.content.decode()
    assert "map.js" not in page.content.decode()
    assert "data-tiles" not in page.content.decode()
    assert "img-src 'self' data:;" in page.headers["Content-Security-Policy"]


def test_with_the_setting_there_is_a_map(client: Client, home: Organization, settings) -> None:
    settings.MAP_TILES_URL, settings.MAP_ATTRIBUTION = TILES, "© Example <contributors>"
    page = client.get("/sites/")
    text = page.content.decode()
    assert f'data-tiles="{TILES}"' in text
    assert "© Example &lt;contributors&gt;" in text
    pins = re.findall(r'href="([^"]+)" data-lat="([^"]+)" data-lon="([^"]+)" title="([^"]+)"', text)
    assert pins == [
        ("/stations/CP-0/", "48.200000", "11.600000", "CP-0: Online"),
        (f"/sites/{Site.objects.get(name='Harbour').pk}/", "53.500000", "9.900000", "Harbour: 0 stations"),
        (f"/sites/{Site.objects.get(name='Yard').pk}/", "48.100000", "11.500000", "Yard: 2 stations"),
    ]
    # Exactly that host, and on that page alone.
    assert "img-src 'self' data: https://tiles.example.org:8443;" in page.headers["Content-Security-Policy"]
    for path in ("/", "/stations/", f"/sites/{Site.objects.get(name='Yard').pk}/"):
        assert "tiles.example.org" not in client.get(path).headers["Content-Security-Policy"]


def test_more_stations_cost_no_more_queries(client: Client, home: Organization, settings) -> None:
    settings.MAP_TILES_URL = TILES
    client.get("/sites/")
    with CaptureQueriesContext(connection) as few:
        client.get("/sites/")
    for number in range(20):
        ChargingStation.objects.create(organization=home, identity=f"MORE-{number}", latitude=number, longitude=number)
    with CaptureQueriesContext(connection) as many:
        assert client.get("/sites/").content.count(b"data-lat") == 23
    assert len(many) == len(few)
