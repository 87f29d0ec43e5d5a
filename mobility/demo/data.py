"""The demo's rows: made once, through the same actions and models as everything else."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts import people
from accounts.actors import SYSTEM, Role, actor_of
from accounts.models import Membership, Organization, User
from charging.actions import cars, id_tags, load, preferences, sites, stations
from charging.actions.load import LIMITS
from charging.models import EVSE, Car, ChargingStation, Circuit, Connector, IdTag, Site
from mobility.demo.past import load_past_sessions

ORGANIZATION = "Demo organization"
PASSWORD = "demo-charging-42"  # noqa: S105 - printed at every start, and only ever for the demo's people
PRICE = Decimal("0.39")


@dataclass(frozen=True, slots=True)
class Login:
    """Someone to sign in as."""

    email: str
    password: str
    what: str


@dataclass(frozen=True, slots=True)
class DemoStation:
    """A station of the demo and how its simulated twin behaves."""

    identity: str
    name: str
    protocol: str
    password: str
    rated_power_w: int
    battery_wh: int
    board: str
    connectors: int = 2


STATIONS = (
    DemoStation("DEMO-16", "Demo Garage", "1.6", "demo-password-of-16", 11_000, 58_000, "Garage"),
    DemoStation("DEMO-201", "Demo Courtyard", "2.0.1", "demo-password-of-201", 22_000, 77_000, "Garage"),
    DemoStation("DEMO-21", "Demo Fast Charger", "2.1", "demo-password-of-21", 150_000, 90_000, "Main fuse"),
)
#: Board, the one above it, its fuse per phase, and what others draw there, in A.
BOARDS = (("Main fuse", "", 160, 12), ("Garage", "Main fuse", 25, 1))
OWNER = Login("owner@demo.example", PASSWORD, "owner and platform admin")
DRIVER = Login("driver@demo.example", PASSWORD, "driver")
#: (tag, name, whose)
TAGS = (("DEMO04A1B2C3", "Demo card of the owner", OWNER), ("DEMO04D4E5F6", "Demo card of the driver", DRIVER))
CARS = (("Demo ID.3", OWNER, 58_000, 11_000), ("Demo Ioniq 5", DRIVER, 77_000, 11_000))


def load_demo() -> list[Login]:
    """Make what is missing of the demo; -> who can sign in.

    The owner becomes the platform admin only where there is none yet.
    """
    with transaction.atomic():
        organization, made = Organization.objects.get_or_create(name=ORGANIZATION)
        owner = person(organization, OWNER, "Olivia Demo", Role.OWNER, admin=not people.has_admin())
        driver = person(organization, DRIVER, "Dario Demo", Role.DRIVER)
        whose = {OWNER: owner, DRIVER: driver}
        load_things(organization, whose)
        rows = load_stations(organization)
        load_circuits(organization)
        if made:
            load_past_sessions(organization, rows)
    return [OWNER, DRIVER]


def person(organization: Organization, login: Login, name: str, role: str, *, admin: bool = False) -> User:
    user = User.objects.filter(email=login.email).first()
    if user is None:
        create = User.objects.create_superuser if admin else User.objects.create_user
        user = create(login.email, login.password, name=name)
    Membership.objects.get_or_create(organization=organization, user=user, defaults={"role": role})
    return user


def load_things(organization: Organization, whose: dict[Login, User]) -> None:
    """Site, tags, cars, and the defaults of each person."""
    if not Site.objects.filter(organization=organization).exists():
        sites.create_site(
            SYSTEM,
            organization=organization,
            name="Demo site",
            address="Solarweg 7, 10115 Berlin",
            time_zone="Europe/Berlin",
        )
    for text, name, login in TAGS:
        if not IdTag.objects.filter(organization=organization, id_tag=text).exists():
            tag = id_tags.create_id_tag(SYSTEM, organization=organization, id_tag=text, name=name, user=whose[login])
            preferences.set_preferences(actor_of(whose[login]), default_id_tag=tag)
    for name, login, battery_wh, power_w in CARS:
        if not Car.objects.filter(organization=organization, name=name).exists():
            values = {"battery_wh": battery_wh, "max_power_w": power_w, "phases": 3}
            car = cars.create_car(SYSTEM, organization=organization, name=name, user=whose[login], **values)
            preferences.set_preferences(actor_of(whose[login]), default_car=car)


def load_stations(organization: Organization) -> list[ChargingStation]:
    site = Site.objects.filter(organization=organization).first()
    for demo in STATIONS:
        if ChargingStation.objects.filter(identity=demo.identity).exists():
            continue
        station = stations.create_station(
            SYSTEM,
            identity=demo.identity,
            organization=organization,
            name=demo.name,
            password=demo.password,
            price_per_kwh=PRICE,
            site=site,
            rated_power_w=demo.rated_power_w,
        ).station
        for number in range(1, demo.connectors + 1):
            evse = EVSE.objects.create(station=station, number=number)
            Connector.objects.create(station=station, evse=evse, evse_number=number, number=1)
    identities = [demo.identity for demo in STATIONS]
    return list(ChargingStation.objects.filter(identity__in=identities, organization=organization))


def load_circuits(organization: Organization) -> None:
    """The site's fuses, once: the garage's own board is small enough that its cars share it, and the fast charger takes
    what the house leaves."""
    site = Site.objects.filter(organization=organization).first()
    if site is None or Circuit.objects.filter(site=site).exists():
        return
    boards: dict[str, Circuit] = {}
    for name, parent, amps, reserve_a in BOARDS:
        values: dict[str, Any] = {**dict.fromkeys(LIMITS, amps), "name": name, "reserve_a": reserve_a}
        boards[name] = load.create_circuit(SYSTEM, site=site, values={**values, "parent": boards.get(parent)})
    rotations = ("RST", "STR", "TRS")
    for demo in STATIONS:
        connectors = Connector.objects.filter(station__identity=demo.identity, station__site=site)
        for number, connector in enumerate(connectors.order_by("evse_number")):
            values = {"phases": 3, "rotation": rotations[number % 3], "rated_a": round(demo.rated_power_w / 690)}
            load.place_outlet(SYSTEM, circuit=boards[demo.board], connector=connector, values=values)
    load.update_load(SYSTEM, site=site, changes={"enabled": True})
