"""Saying what a setting of a station should be."""

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import Actor, Role
from charging.actions.common import tell_station
from charging.commands import is_secret_setting
from charging.ledger.desired import is_same
from charging.models import ChargingStation, ConfigurationValue, DesiredValue
from mobility.errors import Conflict, Invalid

MOST_PER_STATION = 200


@action("station.desire", role=Role.MANAGER)
def set_desired(actor: Actor, *, station: ChargingStation, key: str, value: str) -> DesiredValue:
    """Mark a value as desired: from then on it is compared with what the station reports.

    Args:
        key: a 1.6 key, or a path of 2.x as `set_configuration` takes it.

    Raises:
        Invalid: the key or the value is unusable, or the setting is a secret or read-only.
        Conflict: the station has too many desired values.
    """
    path = key.strip()
    if not 0 < len(path) <= 255 or not path.isprintable():
        raise Invalid(_("Name a setting."), fields={"key": _("This is the name of a setting, up to 255 characters.")})
    if len(value) > 2500 or "\x00" in value:
        raise Invalid(_("This value is not usable."), fields={"value": _("This is a text of up to 2500 characters.")})
    if station.protocol not in ("", "1.6") and "/" not in path:
        # As in `set_configuration`, a dot may part the component from the variable.
        path = path.replace(".", "/", 1)
    if is_secret_setting(path):
        why = _("This setting is a secret: no station reports it, so that it cannot be compared.")
        raise Invalid(why, fields={"key": why})
    known = ConfigurationValue.objects.filter(station=station, key=path.lower()).first()
    if known is not None and not known.is_settable:
        why = _("The station does not let this setting be changed.")
        raise Invalid(why, fields={"key": why})
    row = DesiredValue.objects.filter(station=station, key=path.lower()).first()
    if row is None:
        if DesiredValue.objects.filter(station=station).count() >= MOST_PER_STATION:
            why = _("This station has %(most)s desired values; that is enough.") % {"most": MOST_PER_STATION}
            raise Conflict(why, code="too_many")
        row = DesiredValue(organization_id=station.organization_id, station=station, key=path.lower(), path=path)
    row.value, row.actor, row.set_at = value.strip(), actor.user, timezone.now()
    if known is not None:
        row.path, row.reported, row.compared_at = known.path, known.value[:2500], known.reported_at
    drifts = row.compared_at is not None and not is_same(row.value, row.reported)
    row.drifted_since = (row.drifted_since or timezone.now()) if drifts else None
    row.save()
    tell_station(station)
    return row


@action("station.no_longer_desire", role=Role.MANAGER)
def clear_desired(actor: Actor, *, desired: DesiredValue) -> None:
    """No longer compare a setting; the station keeps what it has."""
    station = desired.station
    desired.delete()
    tell_station(station)
