"""Sending charging profiles to stations, and clearing them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import Actor, Role
from charging import profile_params
from charging.actions.commands import Draft, queue_command, send_command
from charging.actions.common import only_once
from charging.commands import KINDS
from charging.models import ChargingProfile, ChargingStation, Command, Connector, Transaction
from charging.queries import profiles as queries
from mobility.errors import Conflict, Invalid

TIMES = ("starts_at", "valid_from", "valid_to")


@action("charging_profile.set", role=Role.MANAGER)
def set_profile(
    actor: Actor,
    *,
    station: ChargingStation,
    connector: Connector | None = None,
    values: Mapping[str, Any],
    name: str = "",
) -> ChargingProfile:
    """Send a profile to a station. It is kept with what the station answers.

    Args:
        connector: None for all of the station.
        values: as `profile_params.profile` takes them, without `number`; a profile for the transaction is for the one
            that runs at the connector.

    Returns:
        The profile, its command queued; `profiles.updated` tells when the station has answered.

    Raises:
        Invalid: with every field that is wrong.
        Conflict: `station_offline`, or `nothing_runs` where a profile is for a transaction.
    """
    params = profile_params.profile({**values, "number": queries.next_number(station)})
    if not station.online:
        raise Conflict(
            _("%(station)s is not connected, so it cannot be told now.") % {"station": station}, code="station_offline"
        )
    if params["purpose"] == "station_max" and connector is not None:
        why = _("The maximum is that of the whole station: choose no connector.")
        raise Invalid(why, fields={"connector_id": why})
    running = transaction_at(connector) if params["purpose"] == "transaction" else None
    command = Command(
        organization_id=station.organization_id,
        station=station,
        connector=connector,
        transaction=running,
        kind="set_profile",
        params=params,
        actor=actor.user,
        expires_at=timezone.now() + timedelta(seconds=KINDS["set_profile"].lifetime_s),
    )
    queue_command(actor, station=station, kind="set_profile", params=params, row=Draft(command))
    row = ChargingProfile(
        organization_id=station.organization_id,
        station=station,
        connector=connector,
        transaction=running,
        name=name.strip()[:100].replace("\x00", ""),
        command=command,
        **{key: value for key, value in params.items() if key not in TIMES},
        **{key: queries.moment(params[key]) for key in TIMES},
    )
    with only_once("number", _("Someone else has just sent a profile to this station; send yours again.")):
        row.save(force_insert=True)
    return row


def transaction_at(connector: Connector | None) -> Transaction:
    """Raises Invalid without a connector, Conflict where nothing runs."""
    if connector is None:
        why = _("Say at which connector the transaction runs.")
        raise Invalid(why, fields={"connector_id": why})
    found = connector.transaction
    if found is None or not found.is_open:
        raise Conflict(_("No transaction runs at this connector."), code="nothing_runs")
    return found


def clear_profile(actor: Actor, *, profile: ChargingProfile) -> Command:
    """Ask the station to forget a profile; it is `cleared` once the station says so.

    Raises:
        Forbidden: the actor is no manager.
        Conflict: `station_offline`.
    """
    return send_command(actor, station=profile.station, command="clear_profiles", params={"number": profile.number})
