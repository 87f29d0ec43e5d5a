"""What the flags of a session mean, and what a person does about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from charging.ledger.settle import HOLDING


@dataclass(frozen=True, slots=True)
class Flag:
    """`holds`: the bill waits until it is gone, or until a person has corrected or confirmed the bill."""

    key: str
    name: Any
    meaning: Any
    advice: Any
    holds: bool = False


_NOTHING = _("Nothing to do.")
_CHECK = _("Compare with the car or the meter, then correct or confirm the bill below.")

TEXTS: dict[str, tuple[Any, Any, Any]] = {
    "seq_gap": (
        _("A message is missing"),
        _("The station numbers its messages, and some numbers never came. Meter values may be among them."),
        _("The station sends what it kept when it is back. If nothing comes, correct or confirm the bill below."),
    ),
    "no_start": (
        _("The start is missing"),
        _("The session is known from later messages only, so that its first meter value may be too late."),
        _CHECK,
    ),
    "implausible_energy": (
        _("More energy than is possible"),
        _("The meter says more than the connector can deliver in this time."),
        _("Check the rated power in the station's settings and its meter, then correct or confirm the bill below."),
    ),
    "negative_duration": (
        _("It ends before it begins"),
        _("The station's clock was set between the start and the end."),
        _("Check the station's clock, then correct the end below."),
    ),
    "stop_below_start": (
        _("The meter ran backwards"),
        _("The last meter value is below the first: a swapped meter, or one that was reset."),
        _CHECK,
    ),
    "no_meter_values": (
        _("No meter values"),
        _("Neither the start nor the end nor anything between says what the meter showed."),
        _("Check that the station measures and reports energy, then enter the energy below."),
    ),
    "superseded": (
        _("Another session began"),
        _("The next session began at this connector before this one was ended."),
        _("If its end comes late, it is taken in by itself. Otherwise correct or confirm the bill below."),
    ),
    "stop_lost": (
        _("The end is missing"),
        _("The connector is free, and the end of the session never came. It ends with its last meter value."),
        _("If its end comes late, it is taken in by itself. Otherwise correct or confirm the bill below."),
    ),
    "baseline_replaced": (
        _("The first meter value was replaced"),
        _("The start gave a placeholder as meter value; the first real one took its place."),
        _NOTHING,
    ),
    "meter_restarted": (
        _("The meter began anew"),
        _("Its register went back to zero during the session; both parts were added up."),
        _NOTHING,
    ),
    "dip_dropped": (
        _("A meter value was dropped"),
        _("One value fell below those around it, and did not count."),
        _NOTHING,
    ),
    "stop_below_last_value": (
        _("The last value is lower than one before"),
        _("The final meter value is below a value that came before it; the higher one counts."),
        _("Nothing to do, unless it happens often: then the station's meter should be looked at."),
    ),
    "reservation_mismatch": (
        _("The reservation was someone else's"),
        _("The station says that a reservation was used, and the id tag is not the one it was made for."),
        _("Check that the station compares tags with its reservations. The bill is not touched by it."),
    ),
    "clock_implausible": (
        _("The station's clock was wrong"),
        _("A message named a time that cannot be; the time of its arrival was taken instead."),
        _("Check that the station gets the time: it is told with every boot and heartbeat."),
    ),
}
_TOKEN = (
    _("The id tag was not accepted"),
    _("The station charged although the tag is blocked, expired, unknown, or already charging elsewhere."),
    _("Check the tag, and whether the station may charge offline or without permission."),
)


def flags_of(keys: Iterable[str]) -> list[Flag]:
    """The flags in words, those that hold the bill first; one that is not known stands by its own name."""
    found = []
    for key in keys:
        name, meaning, advice = _TOKEN if key.startswith("token_") else TEXTS.get(key, (key, "", ""))
        found.append(Flag(key, name, meaning, advice, key in HOLDING))
    return sorted(found, key=lambda flag: (not flag.holds, flag.key))
