"""One thing of each kind that the REST API knows, twice: in a household, and at a stranger's."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.utils import timezone

from accounts import api_keys, devices, invitations, tokens
from accounts.actors import Actor, actor_of
from accounts.models import Membership, Organization, PushSubscription, User, Webhook, WebhookDelivery
from charging.actions import desired
from charging.models import (
    EVSE,
    Car,
    ChargingProfile,
    ChargingStation,
    Circuit,
    Command,
    Connector,
    FirmwareFile,
    Holiday,
    IdTag,
    IdTagAlias,
    JobGroup,
    OcppMessage,
    Outlet,
    PriceSource,
    Reservation,
    Schedule,
    SecurityEvent,
    Site,
    StationJob,
    Tariff,
    TariffAssignment,
    TariffVersion,
    Transaction,
    WaitingStation,
)

ROLES = ("owner", "manager", "driver", "viewer")


@dataclass
class Home:
    """An organization, its people by role, and its one thing of each kind, called as the path before it."""

    organization: Organization
    users: dict[str, User]
    things: dict[str, Any] = field(default_factory=dict)


@dataclass
class World:
    home: Home
    away: Home

    @property
    def owner(self) -> User:
        return self.home.users["owner"]

    def ids(self, path: str, *, stranger: bool = False) -> dict[str, Any]:
        """What the placeholders of a documented path stand for, at home or at the stranger's."""
        things = (self.away if stranger else self.home).things
        parts = [part for part in path.split("/") if part]
        pairs = pairwise(parts)
        return {part[1:-1]: things[kind] for kind, part in pairs if re.fullmatch(r"\{\w+\}", part) and kind in things}


def build_world() -> World:
    return World(furnish("home"), furnish("away"))


def furnish(mark: str) -> Home:
    """Everything belongs to the organization's driver, where it belongs to a person."""
    organization = Organization.objects.create(name=mark)
    users = {}
    for role in ROLES:
        users[role] = User.objects.create_user(f"{role}@{mark}.example.com", None, name=role.title())
        Membership.objects.create(organization=organization, user=users[role], role=role)
    home = Home(organization, users, {"organizations": organization.pk})
    owner, driver = actor_of(users["owner"]), users["driver"]
    membership = Membership.objects.get(organization=organization, user=driver)
    people(home, owner, mark)
    site = Site.objects.create(organization=organization, name="Yard")
    station = ChargingStation.objects.create(
        organization=organization,
        identity=f"CP-{mark.upper()}",
        site=site,
        protocol="1.6",
        price_per_kwh=Decimal("0.30"),
    )
    evse = EVSE.objects.create(station=station, number=1)
    connector = Connector.objects.create(station=station, evse=evse, evse_number=1, number=1)
    tag = IdTag.objects.create(organization=organization, id_tag=f"TAG-{mark}", user=driver)
    alias = IdTagAlias.objects.create(organization=organization, id_tag=tag, canonical=f"ALIAS-{mark}")
    car = Car.objects.create(organization=organization, name="Zoe", user=driver)
    home.things |= {
        "members": membership.pk,
        "cost-centers": driver.pk,
        "sites": site.pk,
        "stations": station.identity,
        "id-tags": tag.pk,
        "aliases": alias.pk,
        "cars": car.pk,
    }
    charging(home, station, connector, tag, car)
    office(home, site, station, connector, tag)
    return home


def people(home: Home, owner: Actor, mark: str) -> None:
    organization, driver = home.organization, home.users["driver"]
    key = api_keys.create_api_key(owner, name="Script", organization=organization, role="owner", scope="read")
    invited = invitations.invite_person(
        owner, organization=organization, email=f"guest@{mark}.example.com", role="viewer"
    )
    webhook = Webhook.objects.create(organization=organization, url="https://example.com/", events=["*"])
    delivery = WebhookDelivery.objects.create(webhook=webhook, event_id="evt_1", event="webhook.test", body="{}")
    push = PushSubscription.objects.create(user=driver, endpoint_hash=f"hash-{mark}")
    tokens.start_family(driver, device="A phone")
    (device,) = devices.listed(actor_of(driver))
    waiting = WaitingStation.objects.create(identity=f"WAIT-{mark.upper()}")
    home.things |= {
        "api-keys": key.api_key.pk,
        "key": key.key,
        "invitations": invited.invitation.pk,
        "webhooks": webhook.pk,
        "deliveries": delivery.pk,
        "push-subscriptions": push.pk,
        "devices": device.id,
        "waiting-stations": waiting.identity,
    }


def charging(home: Home, station: ChargingStation, connector: Connector, tag: IdTag, car: Car) -> None:
    organization, driver, now = home.organization, home.users["driver"], timezone.now()
    common: dict[str, Any] = {"organization": organization, "station": station}
    session = Transaction.objects.create(
        **common,
        connector=connector,
        transaction_id="1",
        id_tag=tag,
        user=driver,
        car=car,
        state="ended",
        started=now - timedelta(hours=2),
        ended=now - timedelta(hours=1),
        energy_wh=5000,
        cost=Decimal("1.50"),
    )
    command = Command.objects.create(
        **common, connector=connector, kind="reset", actor=driver, expires_at=now + timedelta(days=1)
    )
    profile = ChargingProfile.objects.create(
        **common,
        connector=connector,
        number=1,
        purpose="default",
        kind="absolute",
        unit="A",
        periods=[{"start_s": 0, "limit": 16, "phases": None}],
    )
    schedule = Schedule.objects.create(**common, connector=connector, user=driver, car=car, id_tag=tag)
    later = {"starts_at": now + timedelta(hours=1), "expires_at": now + timedelta(hours=2)}
    reservation = Reservation.objects.create(
        **common, connector=connector, number=1, id_tag=tag, id_token=tag.id_tag, user=driver, **later
    )
    OcppMessage.objects.create(station=station, sender="station", action="Heartbeat", at=now)
    SecurityEvent.objects.create(**common, type="Test")
    home.things |= {
        "transactions": session.pk,
        "commands": command.pk,
        "charging-profiles": profile.pk,
        "schedules": schedule.pk,
        "reservations": reservation.pk,
    }


def office(home: Home, site: Site, station: ChargingStation, connector: Connector, tag: IdTag) -> None:
    organization, owner = home.organization, actor_of(home.users["owner"])
    tariff = Tariff.objects.create(organization=organization, name="Day")
    version = TariffVersion.objects.create(tariff=tariff, number=1, parts=[{"kind": "energy", "price": "0.30"}])
    assignment = TariffAssignment.objects.create(organization=organization, tariff=tariff, scope="site", site=site)
    holiday = Holiday.objects.create(organization=organization, day=date(2026, 12, 25))
    source = PriceSource.objects.create(organization=organization, zone="DE-LU", url="https://example.invalid/")
    circuit = Circuit.objects.create(
        organization=organization, site=site, name="Main", limit_l1_a=63, limit_l2_a=63, limit_l3_a=63
    )
    outlet = Outlet.objects.create(organization=organization, circuit=circuit, connector=connector)
    wish = desired.set_desired(owner, station=station, key="HeartbeatInterval", value="60")
    file = FirmwareFile.objects.create(organization=organization, name="fw.bin", size=1, sha256="0" * 64, path="none")
    group = JobGroup.objects.create(organization=organization, kind="log")
    job = StationJob.objects.create(organization=organization, group=group, station=station, kind="log")
    home.things |= {
        "tariffs": tariff.pk,
        "versions": version.number,
        "tariff-assignments": assignment.pk,
        "holidays": holiday.pk,
        "price-sources": source.pk,
        "circuits": circuit.pk,
        "outlets": outlet.pk,
        "desired-values": wish.pk,
        "firmware-files": file.pk,
        "job-groups": group.pk,
        "jobs": job.pk,
    }
