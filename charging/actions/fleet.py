"""The same for many stations at once: each is asked or changed by itself, and each has a result of its own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.actors import Actor
from charging.actions.commands import send_command
from charging.actions.desired import set_desired
from charging.actions.stations import update_station
from charging.models import ChargingStation, Command
from mobility.errors import Invalid, NotFound, Problem

#: More at once is refused: each is a command or an audited change of its own.
MOST_AT_ONCE = 500

#: deed -> (command, its parameters)
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "soft_reset": ("reset", {"type": "soft"}),
    "operative": ("change_availability", {"operative": True}),
    "inoperative": ("change_availability", {"operative": False}),
    "refresh": ("get_configuration", {"keys": []}),
}
#: deed -> the field of the station that it sets
SETTINGS = {"price": "price_per_kwh", "site": "site"}
#: the deed that marks a setting's value as desired
DESIRED = "desired"


@dataclass(slots=True)
class Result:
    """What came of it at one station: a command on its way, a change that is done, or a problem."""

    station: ChargingStation
    command: Command | None = None
    problem: str = ""


def change_fleet(actor: Actor, *, stations: Iterable[ChargingStation], deed: str, value: Any = None) -> list[Result]:
    """Do one deed at each of the stations.

    Args:
        deed: one of COMMANDS or SETTINGS, or DESIRED.
        value: the price per kWh, or the site; None takes it away. For DESIRED `{"key": …, "value": …}`.

    Returns:
        A result per station, in their order; what is refused at one keeps nothing from the others.

    Raises:
        Invalid: there is no such deed, no station, or there are too many.
        NotFound: one of them is not the actor's; then nothing is done at any.
    """
    chosen = list(stations)
    if deed not in COMMANDS and deed not in SETTINGS and deed != DESIRED:
        raise Invalid(_("Choose what to do."), fields={"deed": _("Choose what to do.")})
    if not 0 < len(chosen) <= MOST_AT_ONCE:
        raise Invalid(
            _("Choose between 1 and %(most)s stations.") % {"most": MOST_AT_ONCE},
            fields={"stations": _("Choose some stations.")},
        )
    if any(not actor.can("viewer", station.organization_id) for station in chosen):
        raise NotFound(_("One of the stations is not yours; nothing was done."))
    return [at_one(station, deed_at(actor, deed, value)) for station in chosen]


def deed_at(actor: Actor, deed: str, value: Any) -> Callable[[ChargingStation], Command | None]:
    if deed in COMMANDS:
        command, params = COMMANDS[deed]
        return lambda station: send_command(actor, station=station, command=command, params=params)

    def change(station: ChargingStation) -> None:
        if deed == DESIRED:
            set_desired(actor, station=station, **value)
            return
        update_station(actor, station=station, changes={SETTINGS[deed]: value})

    return change


def at_one(station: ChargingStation, do: Callable[[ChargingStation], Command | None]) -> Result:
    try:
        return Result(station, do(station))
    except Problem as problem:
        return Result(station, problem=" ".join([problem.message, *problem.fields.values()])[:300])
