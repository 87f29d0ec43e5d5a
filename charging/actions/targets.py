"""What a command is about: which connector, which transaction, which tag and car, from what little was said."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor, Role
from charging.commands import Kind
from charging.models import Car, ChargingStation, Connector, IdTag, Reservation, Transaction
from charging.models.id_tags import canonical_id_tag
from charging.queries import cars, id_tags, preferences, reservations, transactions
from mobility.errors import Conflict, Forbidden, Invalid, NotFound

PLUGGED = {Connector.Status.PREPARING, Connector.Status.OCCUPIED}


def numbered(params: Mapping[str, Any], name: str) -> int | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise Invalid(_("This is a whole number, from 1."), fields={name: _("This is a whole number, from 1.")})
    return value or None


def connector_of(station: ChargingStation, params: Mapping[str, Any], kind: Kind) -> Connector | None:
    """The connector that `evse_id` and `connector_id` mean.

    On a 1.6 station connector n is EVSE n with its connector 1, so that `connector_id` alone says it. On a 2.x station
    `connector_id` alone means EVSE 1, or the only EVSE that has such a connector. Neither given: None where the kind
    can be about the station as a whole; else the only connector, or the only one where a car waits. A start at a
    station that reported no connectors yet leaves the choice to the station.

    Raises:
        Invalid: there is no such connector, or it takes a choice.
    """
    evse_id, connector_id = numbered(params, "evse_id"), numbered(params, "connector_id")
    outlets = list(Connector.objects.filter(station=station).order_by("evse_number", "number"))
    if evse_id is None and connector_id is None:
        needed = kind.target == "connector" or (kind.name == "start" and outlets)
        return likely(station, outlets) if needed else None
    if evse_id is not None:
        found = [
            outlet for outlet in outlets if outlet.evse_number == evse_id and connector_id in (None, outlet.number)
        ]
    elif station.protocol == "1.6":
        found = [outlet for outlet in outlets if outlet.evse_number == connector_id]
    else:
        same = [outlet for outlet in outlets if outlet.number == connector_id]
        found = [outlet for outlet in same if outlet.evse_number == 1] or (same if len(same) == 1 else [])
    if found:
        return found[0]
    field = "connector_id" if connector_id is not None else "evse_id"
    why = _("%(station)s has no such connector; it has %(names)s.") % {"station": station, "names": listed(outlets)}
    raise Invalid(why, fields={field: why})


def likely(station: ChargingStation, outlets: list[Connector]) -> Connector:
    """The only connector, else the only one with a car that does not charge yet."""
    if len(outlets) == 1:
        return outlets[0]
    waiting = [outlet for outlet in outlets if outlet.status in PLUGGED and outlet.transaction_id is None]
    if len(waiting) == 1:
        return waiting[0]
    why = _("Say which connector of %(station)s; it has %(names)s.") % {"station": station, "names": listed(outlets)}
    raise Invalid(why, fields={"connector_id": why})


def listed(outlets: list[Connector]) -> str:
    if not outlets:
        return _("reported none yet")
    return ", ".join(
        _("EVSE %(evse)s connector %(number)s") % {"evse": outlet.evse_number, "number": outlet.number}
        for outlet in outlets
    )


def shown(at: datetime | None) -> str:
    return "" if at is None else str(formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT"))


def refuse_busy(station: ChargingStation, connector: Connector) -> None:
    """Raise Conflict when the connector's EVSE charges already: an EVSE serves one car at a time."""
    running = Transaction.objects.filter(
        station=station, evse_number=connector.evse_number, state__in=Transaction.OPEN
    ).first()
    if running is not None:
        number = connector.evse_number if station.protocol == "1.6" else connector.number
        why = _("Connector %(number)s of %(station)s is charging already; stop it first.")
        if running.started:
            why = _("Connector %(number)s of %(station)s is charging already since %(since)s; stop it first.")
        words = {"number": number, "station": station, "since": shown(running.started)}
        raise Conflict(why % words, code="connector_busy")


def tag_of(actor: Actor, station: ChargingStation, params: Mapping[str, Any]) -> IdTag:
    """The tag that is named (its text, or its id), else the actor's default one, as long as it may charge here.

    Raises:
        Invalid: none is named and there is no default, it is not the actor's, blocked or expired.
    """
    rows = id_tags.visible(actor).filter(organization_id=station.organization_id)
    named = params.get("id_tag")
    if named is not None:
        tag = rows.filter(canonical=canonical_id_tag(str(named))).first()
        why = _("There is no such tag, or it is not yours.")
    else:
        default = preferences.get(actor).default_id_tag
        tag = rows.filter(pk=default.pk).first() if default else None
        why = _("Name an id tag, or choose your default one in your profile.")
    if tag is not None and tag.blocked:
        why = _("The tag %(tag)s is blocked.") % {"tag": tag}
    elif tag is not None and tag.expires is not None and tag.expires <= timezone.now():
        why = _("The tag %(tag)s expired on %(expires)s.") % {"tag": tag, "expires": shown(tag.expires)}
    elif tag is not None:
        return tag
    raise Invalid(why, fields={"id_tag": why})


def tag_to_start(
    actor: Actor, station: ChargingStation, connector: Connector | None, params: Mapping[str, Any]
) -> IdTag:
    """As `tag_of`; where none is named, that for which the actor has reserved the connector goes before the default
    one. Raises Invalid."""
    if params.get("id_tag") is None:
        held = reservations.own_at(actor, station, connector)
        if held is not None and held.id_tag is not None:
            return tag_of(actor, station, {"id_tag": held.id_tag.id_tag})
    return tag_of(actor, station, params)


def reservation_of(actor: Actor, station: ChargingStation, number: int) -> Reservation:
    """The open reservation of that number, if the actor may cancel it.

    Raises:
        NotFound: there is none that the actor sees.
        Forbidden: it is someone else's.
    """
    row = reservations.visible(actor).filter(station=station, number=number, status__in=Reservation.OPEN).first()
    if row is None:
        raise NotFound(_("There is no such reservation here, or it is not yours."))
    own = actor.user is not None and row.user_id == actor.user.pk
    if not own and not actor.can(Role.MANAGER, station.organization_id):
        raise Forbidden(_("A driver cancels own reservations only."))
    return row


def car_of(actor: Actor, station: ChargingStation, params: Mapping[str, Any]) -> Car | None:
    """The car that is named, else the actor's default one. Raises Invalid."""
    named = params.get("car")
    rows = cars.visible(actor).filter(organization_id=station.organization_id)
    if named is None or named == "":
        default = preferences.get(actor).default_car
        return rows.filter(pk=default.pk).first() if default else None
    number = numbered(params, "car")
    found = rows.filter(pk=number).first() if number else None
    if found is None:
        why = _("There is no such car, or it is not yours.")
        raise Invalid(why, fields={"car": why})
    return found


def transaction_of(actor: Actor, station: ChargingStation, params: Mapping[str, Any]) -> Transaction:
    """The open transaction that is named (its id, or what the station calls it), else the station's only one.

    Raises:
        NotFound: the named one is not the actor's, or of another station.
        Invalid: several are open.
        Conflict: none is open, or the named one has ended.
    """
    named = params.get("transaction")
    if named is not None and named != "":
        return named_transaction(actor, station, str(named))
    running = list(transactions.open_ones(actor, station))
    if len(running) == 1:
        return running[0]
    if not running:
        raise Conflict(
            _("Nothing charges at %(station)s that you could stop.") % {"station": station}, code="nothing_to_stop"
        )
    which = ", ".join(f"{row.pk} (EVSE {row.evse_number})" for row in running)
    why = _("Several transactions are open at %(station)s; say which: %(which)s.") % {
        "station": station,
        "which": which,
    }
    raise Invalid(why, fields={"transaction": why})


def named_transaction(actor: Actor, station: ChargingStation, named: str) -> Transaction:
    rows = transactions.visible(actor).filter(station=station)
    found = rows.filter(pk=int(named)).first() if named.isascii() and named.isdecimal() and len(named) < 19 else None
    found = found or rows.filter(transaction_id=named[:64].replace("\x00", "")).first()
    if found is None:
        raise NotFound(_("There is no such transaction here, or it is not yours."))
    may_stop = actor.can(Role.MANAGER, station.organization_id)
    if not may_stop and found.user_id != (actor.user.pk if actor.user else None):
        raise Forbidden(_("A driver stops own transactions only."))
    if not found.is_open:
        raise Conflict(_("Transaction %(pk)s has ended already.") % {"pk": found.pk}, code="nothing_to_stop")
    return found


def refuse_foreign(actor: Actor, station: ChargingStation, connector: Connector) -> None:
    """Raise Forbidden when a driver would unlock a connector at which someone else charges."""
    if actor.can(Role.MANAGER, station.organization_id):
        return
    running = Transaction.objects.filter(
        station=station, evse_number=connector.evse_number, state__in=Transaction.OPEN
    ).exclude(user=actor.user)
    if running.exists():
        raise Forbidden(_("Someone else charges at this connector."))
