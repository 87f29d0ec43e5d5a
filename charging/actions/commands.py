"""Sending commands to stations: check, resolve what they are about, write the row, wake the gateway.

The row is the command. The gateway that holds the station delivers it and writes what came of it.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction as database_transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import MASK, action, authorize
from accounts.actors import Actor
from accounts.sealing import seal, unseal
from charging import aftermath, credentials, live, wire
from charging.actions import targets
from charging.commands import Kind, Params, bad, is_secret_setting, kind_of, may_wait
from charging.jobs import links
from charging.ledger.figures import count_ended
from charging.models import ChargingStation, Command
from charging.queries import commands
from mobility.errors import Conflict, Forbidden, Invalid

SEALED_FOR = "command"
#: Payload keys whose value is a secret wherever they stand in a raw CALL.
SECRET_KEYS = frozenset({"password", "basicauthpassword", "authorizationkey", "vpnpassword", "apnpassword", "simpin"})

#: Where the value of a setting stands: 1.6, SetVariables and its kin, NotifyEvent.
VALUE_KEYS = frozenset({"value", "attributeValue", "actualValue"})


def send_command(actor: Actor, *, station: ChargingStation, command: str, params: Mapping[str, Any]) -> Command:
    """Send a neutral command, or a raw CALL (`command="call"`), to a station.

    Args:
        command: a name of `charging.commands.KINDS`.
        params: its parameters beside what it is about: `evse_id`, `connector_id`, `transaction`, `id_tag`, `car`.

    Returns:
        The queued command; its later states are told as `command.updated`.

    Raises:
        Invalid: an unknown command, or a field is unusable.
        Forbidden: the actor's role is not enough.
        NotFound: the actor is a stranger to the station, or the transaction named is not the actor's.
        Conflict: `station_offline`, `connector_busy`, `nothing_to_stop`, `unknown_protocol`, `not_supported`.
    """
    kind = kind_of(command)
    authorize(actor, kind.role, station.organization_id, str(kind.label))
    if kind.name in ("reserve", "update_firmware", "get_log"):
        return send_kept(actor, station, kind.name, params)
    cleaned = kind.check(params)
    check_version(station, kind, cleaned)
    if not station.online and not may_wait(kind, cleaned):
        raise Conflict(
            _("%(station)s is not connected, so it cannot be told now.") % {"station": station}, code="station_offline"
        )
    row = Command(organization_id=station.organization_id, station=station, kind=kind.name, actor=actor.user)
    resolve(actor, kind, row, params, cleaned)
    shown = hide_secrets(row, cleaned)
    if kind.name == "call":
        row.action = str(shown.pop("action"))
    row.params = shown
    row.expires_at = timezone.now() + timedelta(seconds=lifetime_s(kind, cleaned))
    return queue_command(actor, station=station, kind=kind.name, params=shown, row=Draft(row))


def send_kept(actor: Actor, station: ChargingStation, name: str, params: Mapping[str, Any]) -> Command:
    """A command of which a reservation or a job is kept: their actions queue it."""
    # These actions queue their commands here.
    from charging.actions import jobs, reservations

    if name == "reserve":
        return reservations.by_command(actor, station, params)
    return jobs.by_command(actor, station, "firmware" if name == "update_firmware" else "log", params)


class Draft:
    """A command that is not saved yet, as the audit names it."""

    def __init__(self, command: Command) -> None:
        self.command = command

    def __str__(self) -> str:
        return self.command.kind


@action("command.send", role=None)
def queue_command(actor: Actor, *, station: ChargingStation, kind: str, params: Params, row: Draft) -> Command:
    row.command.save(force_insert=True)
    if row.command.sealed:
        expect_new_password(row.command)
    tell_command(row.command)
    live.wake_gateways(station.pk)
    return row.command


def lifetime_s(kind: Kind, params: Params) -> int:
    return 86_400 if may_wait(kind, params) else kind.lifetime_s


def check_version(station: ChargingStation, kind: Kind, cleaned: Params) -> None:
    protocol = station.protocol or station.protocol_pin
    if kind.protocols and protocol and protocol not in kind.protocols:
        raise Conflict(
            _("%(station)s speaks OCPP %(protocol)s, which has no such command.")
            % {"station": station, "protocol": protocol},
            code="not_supported",
        )
    if kind.name == "call":
        if not protocol:
            raise Conflict(
                _("%(station)s has never connected, so it is not known which OCPP it speaks.") % {"station": station},
                code="unknown_protocol",
            )
        wire.check_call(protocol, str(cleaned["action"]), cleaned["payload"])


def resolve(actor: Actor, kind: Kind, row: Command, params: Mapping[str, Any], cleaned: Params) -> None:
    """Fill in what the command is about, and refuse what cannot work."""
    station = row.station
    if kind.target in ("connector", "connector?"):
        row.connector = targets.connector_of(station, params, kind)
    if kind.name == "start":
        if row.connector is not None:
            targets.refuse_busy(station, row.connector)
        row.id_tag = targets.tag_to_start(actor, station, row.connector, cleaned)
        row.car = targets.car_of(actor, station, params)
        cleaned["id_tag"] = row.id_tag.id_tag
        cleaned["remote_start_id"] = secrets.randbelow(2**31 - 1) + 1
    elif kind.name == "unlock" and row.connector is not None:
        targets.refuse_foreign(actor, station, row.connector)
    elif kind.target == "transaction":
        row.transaction = targets.transaction_of(actor, station, params)
    elif kind.name == "cancel_reservation":
        row.connector = targets.reservation_of(actor, station, cleaned["number"]).connector


def hide_secrets(row: Command, cleaned: Params) -> Params:
    """What may be shown of the parameters; the whole is sealed in the row where the two differ."""
    shown = dict(cleaned)
    if row.kind == "set_configuration" and is_secret_setting(str(cleaned["key"])):
        why = credentials.problem_with(str(cleaned["value"]))
        if why:
            raise bad("value", why)
        shown["value"] = MASK
    elif row.kind == "call":
        shown["payload"] = without_secrets(cleaned["payload"])
    if shown != cleaned:
        row.sealed = seal(SEALED_FOR, json.dumps({key: cleaned[key] for key in cleaned if key != "action"}))
    return shown


def without_secrets(value: Any, named: str = "") -> Any:
    """A copy of a raw payload in which passwords, keys and the secrets of addresses are masked; `named` is the setting
    that it is a part of."""
    if isinstance(value, list):
        return [without_secrets(item, named) for item in value]
    if isinstance(value, str):
        return links.shown(value)
    if not isinstance(value, dict):
        return value
    named = str(value.get("key") or named_variable(value) or named)
    copy = {}
    for key, item in value.items():
        hidden = key.casefold() in SECRET_KEYS or (key in VALUE_KEYS and is_secret_setting(named))
        copy[key] = MASK if hidden and isinstance(item, str) else without_secrets(item, named)
    return copy


def named_variable(value: dict[str, Any]) -> str:
    variable = value.get("variable")
    return str(variable.get("name", "")) if isinstance(variable, dict) else ""


def real_params(command: Command) -> Params:
    """What is to be sent: `params`, or what was sealed because it holds a secret.

    Raises:
        Invalid: it can no longer be opened, since SECRET_KEY has changed.
    """
    if not command.sealed:
        return dict(command.params)
    opened = unseal(SEALED_FOR, command.sealed)
    if opened is None:
        raise Invalid(
            _("The secret of this command can no longer be read; send it again."), code="sealed_with_other_key"
        )
    return dict(json.loads(opened))


def new_password_of(command: Command) -> str | None:
    """The Basic password that the command gives its station, None for every other command."""
    if not command.sealed:
        return None
    return password_in(real_params(command))


def password_in(value: Any) -> str | None:
    if isinstance(value, list):
        return next((found for item in value if (found := password_in(item))), None)
    if not isinstance(value, dict):
        return None
    if is_secret_setting(str(value.get("key") or named_variable(value))):
        found = value.get("value", value.get("attributeValue"))
        return found if isinstance(found, str) else None
    return password_in(list(value.values()))


def expect_new_password(command: Command) -> None:
    """From now on both passwords open the door, until one of them is used or the station has answered."""
    password = new_password_of(command)
    if password:
        ChargingStation.objects.filter(pk=command.station_id).update(
            pending_password_hash=credentials.hash_password(password)
        )


def settle_new_password(command: Command) -> None:
    """After the station's answer: the new password replaces the old one, or is forgotten when it was refused.

    A time-out settles nothing: as long as nobody knows which one the station has, both work. So they do until the new
    one is used where the station takes it over with its next reboot only.
    """
    if not command.sealed or command.status in (*Command.WAITING, Command.Status.TIMED_OUT):
        return
    if command.status == Command.Status.ACCEPTED and "RebootRequired" in json.dumps(command.response or {}):
        return
    if new_password_of(command):
        stations = ChargingStation.objects.filter(pk=command.station_id).exclude(pending_password_hash="")
        if command.status == Command.Status.ACCEPTED:
            stations.update(password_hash=F("pending_password_hash"), pending_password_hash="", learn_password=False)
        else:
            stations.update(pending_password_hash="")
    Command.objects.filter(pk=command.pk).update(sealed="")


@action("command.cancel", role=None)
def cancel_command(actor: Actor, *, command: Command) -> Command:
    """Take back a command that was not sent yet: one's own, or as a manager any.

    Raises:
        Forbidden: it is someone else's and the role is not enough.
        Conflict: it was sent already.
    """
    if command.actor_id is None or command.actor_id != (actor.user.pk if actor.user else None):
        authorize(actor, "manager", command.organization_id, "command.cancel")
    elif not actor.can("driver", command.organization_id):
        raise Forbidden(_("Your role here no longer sends commands."))
    now = timezone.now()
    changed = Command.objects.filter(pk=command.pk, status=Command.Status.QUEUED).update(
        status=Command.Status.CANCELLED, answered_at=now, error="Cancelled before it was sent."
    )
    command = commands.get(actor, command.pk)
    if not changed:
        raise Conflict(
            _("This command is in the state “%(status)s” already.") % {"status": command.get_status_display()},
            code="not_queued",
        )
    settle_new_password(command)
    tell_command(command)
    live.publish(*aftermath.command_ended(command, now))
    database_transaction.on_commit(lambda: count_ended(command.kind, str(command.status)))
    return command


def tell_command(command: Command) -> None:
    """Publish `command.updated` with the commit."""
    live.publish(
        live.Event(
            "command.updated",
            command.organization_id,
            command.station_id,
            command.station.identity,
            commands.as_json(command),
            user_id=command.actor_id,
        )
    )
