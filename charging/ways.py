"""The ways to limit a connector, as a ladder: what one station refuses, another way may say (field quirk row 18).

A new find from the field is a new line here, not new code.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from charging.composite import ABSOLUTE, DEFAULT, RELATIVE, STATION_MAX, TRANSACTION
from charging.profile_params import OWN_NUMBERS, UNITS, Params, iso

#: A schedule begins this long before now, so that a clock that is behind takes it as begun.
EARLIER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of profile that carries a limit. One that `leases` ends by itself, above a fail-safe that stays; one
    without takes the fail-safe's place and holds until it is changed. One that is `weekly` repeats."""

    purpose: str
    unit: str
    stack_level: int = 0
    leases: bool = True
    weekly: bool = False


#: From the best to the last; a station that refuses one is sent the next.
LADDER = (
    Way(TRANSACTION, "A"),
    Way(TRANSACTION, "W"),
    Way(DEFAULT, "A", 1),
    Way(DEFAULT, "W", 1),
    Way(DEFAULT, "A", 0, leases=False),
    Way(DEFAULT, "W", 0, leases=False),
    Way(STATION_MAX, "A", 0, leases=False),
    Way(STATION_MAX, "W", 0, leases=False),
)
#: The ways to store a fail-safe.
FAILSAFES = (Way(DEFAULT, "A", 0, leases=False), Way(DEFAULT, "W", 0, leases=False))

#: The ways to store a schedule's plan for the session that runs, and for every session at an outlet.
SESSION_PLANS = (Way(TRANSACTION, "A", 1), Way(TRANSACTION, "W", 1), Way(TRANSACTION, "A"), Way(TRANSACTION, "W"))
OUTLET_PLANS = (
    Way(DEFAULT, "A", 1, leases=False, weekly=True),
    Way(DEFAULT, "W", 1, leases=False, weekly=True),
    Way(DEFAULT, "A", 0, leases=False, weekly=True),
    Way(DEFAULT, "A", 0, leases=False),
    Way(DEFAULT, "W", 0, leases=False),
)


#: More than this per phase is no outlet of alternating current (IEC 62196): its amperes mean another voltage.
MOST_AC_A = 63


def watts_first(ladder: Iterable[Way]) -> list[Way]:
    """The same ladder for direct current, where A would be those of the battery, and W are W."""
    rungs = list(dict.fromkeys((way.purpose, way.stack_level, way.leases) for way in ladder))
    return sorted(
        ladder, key=lambda way: (rungs.index((way.purpose, way.stack_level, way.leases)), -UNITS.index(way.unit))
    )


@dataclass(frozen=True, slots=True)
class Model:
    """What is known from the field of a make of station, whatever it says of itself. Names are compared folded, by how
    they begin; an empty `model` is every model. `seen` is where it was reported.

    Attributes:
        most_level: higher stack levels are refused.
        units: those that it takes.
        without: purposes that it refuses, or takes and does not keep.
        weekly: it takes profiles that repeat.
    """

    vendor: str
    model: str = ""
    most_level: int | None = None
    units: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    weekly: bool = True
    seen: str = ""


#: A new find from the field is a new line here.
MODELS = (
    Model("abb", "t", most_level=0, seen="github.com/evcc-io/evcc/issues/15493"),
    Model("evbox", without=(STATION_MAX,), seen="github.com/lbbrhzn/ocpp/issues/221"),
    Model("ev-box", without=(STATION_MAX,), seen="github.com/lbbrhzn/ocpp/issues/221"),
    Model("wall box chargers", units=("A",), seen="github.com/lbbrhzn/ocpp/issues/1245"),
    Model("wallbox", units=("A",), seen="github.com/lbbrhzn/ocpp/issues/1245"),
)


def model_of(vendor: str, model: str) -> Model | None:
    """The most particular row for a make, the longest name first; None where nothing is known."""
    vendor, model = vendor.strip().casefold(), model.strip().casefold()
    rows = [row for row in MODELS if vendor.startswith(row.vendor) and model.startswith(row.model)]
    return max(rows, key=lambda row: (len(row.vendor), len(row.model)), default=None)


#: Setting, folded, without its component's instance -> what it says of a station.
UNIT_SETTINGS = ("chargingscheduleallowedchargingrateunit", "smartchargingctrlr/rateunit")
LEVEL_SETTINGS = ("chargeprofilemaxstacklevel", "smartchargingctrlr/profilestacklevel")
#: Word in such a setting, folded -> unit.
UNIT_WORDS = {"current": "A", "a": "A", "power": "W", "w": "W"}
VARIABLES = ("ChargingScheduleAllowedChargingRateUnit", "ChargeProfileMaxStackLevel", "RateUnit", "ProfileStackLevel")
#: How many periods a schedule may have.
PERIOD_VARIABLES = ("ChargingScheduleMaxPeriods", "PeriodsPerSchedule")


def usable(
    ways: Iterable[Way], settings: Mapping[str, str], connectors: int, vendor: str = "", model: str = ""
) -> list[Way]:
    """The ways that a station does not exclude by what it says of itself, and that its make is not known to refuse.

    Args:
        settings: key, folded -> value, as the station reported it.
        connectors: how many it has; a limit of the whole station fits one with a single one only.
    """
    said = by_settings(ways, settings, connectors)
    row = model_of(vendor, model)
    if row is None:
        return said
    known = [
        way
        for way in said
        if (row.most_level is None or way.stack_level <= row.most_level)
        and (not row.units or way.unit in row.units)
        and way.purpose not in row.without
        and (row.weekly or not way.weekly)
    ]
    return known or said


def by_settings(ways: Iterable[Way], settings: Mapping[str, str], connectors: int) -> list[Way]:
    units = {unit for key, value in settings.items() if key.startswith(UNIT_SETTINGS) for unit in units_in(value)}
    levels = [int(value) for key, value in settings.items() if key.startswith(LEVEL_SETTINGS) and value.isdecimal()]
    return [
        way
        for way in ways
        if (not units or way.unit in units)
        and (not levels or way.stack_level <= max(levels))
        and (way.purpose != STATION_MAX or connectors == 1)
    ]


def units_in(value: str) -> set[str]:
    words = value.replace(";", ",").split(",")
    return {UNIT_WORDS[word] for word in (word.strip().casefold() for word in words) if word in UNIT_WORDS}


def limit_profile(
    way: Way, number: int, amps: float, *, now: datetime, lease: timedelta, drift_s: float, watts_per_amp: float
) -> Params:
    """The profile that carries a limit, as the parameters of `set_profile`; `amps` stands beside, for the answer.

    Args:
        drift_s: how far the station's clock is ahead; its schedules run by it.
    """
    starts = now - EARLIER + timedelta(seconds=drift_s)
    limit = amps if way.unit == "A" else amps * watts_per_amp
    relative = not way.leases and way.purpose != STATION_MAX
    return {
        "number": number,
        "purpose": way.purpose,
        "kind": RELATIVE if relative else ABSOLUTE,
        "recurrency": "",
        "stack_level": way.stack_level,
        "unit": way.unit,
        "starts_at": None if relative else iso(starts.replace(microsecond=0)),
        "duration_s": int((lease + EARLIER).total_seconds()) if way.leases else None,
        "valid_from": None,
        "valid_to": None,
        "periods": [{"start_s": 0, "limit": round(limit, 1), "phases": None}],
        "amps": amps,
        "leases": way.leases,
    }


def number_of(outlet_id: int, *, failsafe: bool) -> int:
    """The profile's id on the wire: an even one for limits, the next for the fail-safe."""
    return OWN_NUMBERS + (2 * outlet_id + failsafe) % (2**31 - 1 - OWN_NUMBERS)
