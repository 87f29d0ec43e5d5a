"""Changing charging stations: create, update, adopt, delete, and their passwords."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization
from charging import credentials
from charging.actions.common import assign, only_once, same_organization, tell_station
from charging.live import Event, publish, tell_gateways
from charging.models import ChargingStation, Site, Transaction, WaitingStation
from charging.queries import waiting_stations
from mobility.errors import Conflict, Forbidden, Invalid

#: What may be set by whoever manages the station; everything else is reported by the station itself.
SETTABLE = (
    "name",
    "site",
    "price_per_kwh",
    "security_profile",
    "protocol_pin",
    "registration",
    "rated_power_w",
    "cost_center",
    "heartbeat_interval_s",
    "call_timeout_s",
    "idle_timeout_s",
    "latitude",
    "longitude",
    "plan_x_percent",
    "plan_y_percent",
)
#: field -> (least, most, what is said of what is beyond)
PLACES = {
    "latitude": (-90, 90, gettext_lazy("A latitude is between -90 and 90 degrees.")),
    "longitude": (-180, 180, gettext_lazy("A longitude is between -180 and 180 degrees.")),
    "plan_x_percent": (0, 100, gettext_lazy("This is between 0 and 100 percent.")),
    "plan_y_percent": (0, 100, gettext_lazy("This is between 0 and 100 percent.")),
}
PROFILES = range(4)


@dataclass(frozen=True, slots=True)
class Created:
    """A station, and its password the one time it can be shown (None when it has none of our making)."""

    station: ChargingStation
    password: str | None

    def __str__(self) -> str:
        return self.station.identity


def problem_with_identity(identity: object) -> str:
    """Why a text cannot be a station's identity; empty when it can.

    OCPP 2.0.1 Part 4 §3.1.1: the last part of the path, without ':' (which separates it from the password).
    """
    if not isinstance(identity, str) or not identity:
        return _("This field is required.")
    if len(identity) > 48:
        return _("An identity has at most 48 characters.")
    if any(ch in ":/" for ch in identity):
        return _("An identity contains neither ':' nor '/'.")
    if not identity.isprintable() or identity != identity.strip() or identity in {".", ".."}:
        return _("An identity consists of visible characters.")
    return ""


def checked_identity(identity: object) -> str:
    why = problem_with_identity(identity)
    if why:
        raise Invalid(why, fields={"identity": why})
    return str(identity)


def checked_password(password: object) -> str:
    why = credentials.problem_with(password) if isinstance(password, str) else _("This must be a text.")
    if why:
        raise Invalid(why, fields={"password": why})
    return str(password)


def check_place(station: ChargingStation) -> None:
    """Raise Invalid for a place that is not on the globe, or not on the plan."""
    wrong = {}
    for name, (least, most, why) in PLACES.items():
        value = getattr(station, name)
        if value is not None and not least <= value <= most:
            wrong[name] = why
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)


def check_profile(station: ChargingStation) -> None:
    if station.security_profile not in PROFILES:
        why = _("The security profile is 0 (no password), 1, 2 (TLS) or 3 (TLS with client certificate).")
        raise Invalid(why, fields={"security_profile": why})


@action("station.create", role=Role.MANAGER, creates=True)
def create_station(
    actor: Actor,
    *,
    identity: str,
    organization: Organization | None = None,
    name: str = "",
    password: str | None = None,
    security_profile: int = 1,
    price_per_kwh: Any = None,
    site: Site | None = None,
    **more: Any,
) -> Created:
    """Add a station. Without a password one is made, unless profile 0 or 3 needs none.

    Raises:
        Invalid: a field is unusable.
        Conflict: the identity exists already, here or in another organization.
    """
    assert organization is not None
    why = problem_with_identity(identity)
    station = ChargingStation(organization=organization, identity=str(identity)[:48])
    values = {
        **more,
        "name": name,
        "security_profile": security_profile,
        "price_per_kwh": price_per_kwh,
        "site": site,
    }
    try:
        assign(station, values, SETTABLE)
    except Invalid as problem:
        raise Invalid(problem.message, fields=problem.fields | ({"identity": why} if why else {})) from None
    checked_identity(identity)
    check_profile(station)
    check_place(station)
    same_organization(site, organization.pk, "site")
    if password in (None, ""):
        password = credentials.new_password() if station.security_profile in (1, 2) else None
    if password is not None:
        station.password_hash = credentials.hash_password(checked_password(password))
    with only_once("identity", _("A station with the identity %(identity)s exists already.") % {"identity": identity}):
        station.save()
    WaitingStation.objects.filter(identity=station.identity).delete()
    tell_station(station)
    return Created(station, password)


@action("station.update", role=Role.MANAGER)
def update_station(actor: Actor, *, station: ChargingStation, changes: dict[str, Any]) -> ChargingStation:
    """Change what may be set (`SETTABLE`, `password`, `learn_password`).

    Raises:
        Invalid: a field is unusable. The identity never changes: it is what the station calls itself.
    """
    if changes.get("identity", station.identity) != station.identity:
        raise Invalid(_("A station keeps its identity."), fields={"identity": _("A station keeps its identity.")})
    changed = assign(station, changes, (*SETTABLE, "learn_password"))
    check_profile(station)
    check_place(station)
    same_organization(station.site, station.organization_id, "site")
    if changes.get("password"):
        station.password_hash = credentials.hash_password(checked_password(changes["password"]))
        station.pending_password_hash = ""
        station.learn_password = False
        changed += ["password_hash", "pending_password_hash", "learn_password"]
    if changed:
        station.save(update_fields=changed)
        tell_station(station)
        shut_out = station.registration == station.Registration.REJECTED or "security_profile" in changed
        tell_gateways("station.refused" if shut_out else "station.changed", station.pk)
    return station


@action("station.new_password", role=Role.MANAGER)
def renew_password(actor: Actor, *, station: ChargingStation) -> Created:
    """Make a new password for a station, to be entered there; the old one no longer opens the door."""
    password = credentials.new_password()
    station.password_hash = credentials.hash_password(password)
    station.pending_password_hash, station.learn_password = "", False
    station.save(update_fields=["password_hash", "pending_password_hash", "learn_password"])
    return Created(station, password)


@action("station.delete", role=Role.MANAGER)
def delete_station(actor: Actor, *, station: ChargingStation) -> None:
    """Remove a station that never charged.

    Raises:
        Conflict: it has transactions, which are kept.
    """
    if Transaction.objects.filter(station=station).exists():
        raise Conflict(
            _(
                "%(station)s has charged: its transactions are kept, and so is the station. "
                "Set its registration to rejected to keep it out."
            )
            % {"station": station},
            code="station_has_transactions",
        )
    pk, identity, organization_id = station.pk, station.identity, station.organization_id
    station.delete()
    tell_gateways("station.refused", pk)
    publish(Event("station.updated", organization_id, None, identity, {"identity": identity, "deleted": True}))


@action("station.adopt", role=Role.MANAGER, creates=True)
def adopt_station(
    actor: Actor, *, identity: str, organization: Organization | None = None, learn: bool = False
) -> Created:
    """Make a waiting station one of the organization's.

    Args:
        learn: the next password that the station presents becomes its own; otherwise one is made, to be entered there.

    Raises:
        Forbidden: only platform admins see and adopt waiting stations.
        NotFound: no such station waits.
    """
    if not actor.is_platform_admin:
        raise Forbidden(_("Only a platform admin adopts waiting stations."))
    waiting = waiting_stations.get(actor, identity)
    assert organization is not None
    station = ChargingStation(
        organization=organization, identity=checked_identity(waiting.identity), learn_password=bool(learn)
    )
    password = None if learn else credentials.new_password()
    if password:
        station.password_hash = credentials.hash_password(password)
    with only_once(
        "identity", _("A station with the identity %(identity)s exists already.") % {"identity": waiting.identity}
    ):
        station.save()
    waiting.delete()
    tell_station(station)
    return Created(station, password)


@action("waiting_station.forget", role=None)
def forget_waiting_station(actor: Actor, *, waiting: WaitingStation) -> None:
    """Take an identity off the list; it comes back when it knocks again."""
    if not actor.is_platform_admin:
        raise Forbidden(_("Only a platform admin sees waiting stations."))
    waiting.delete()
