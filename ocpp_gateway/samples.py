"""Meter values of any version as readings: canonical units, totals over phases, what is no live value set apart."""

import math
import zlib
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from ocpp.v16 import enums as enums16
from ocpp.v21 import enums

from charging.facts import Reading, Sample
from ocpp_gateway import aliases, clock

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
CURRENT = "Current.Import"
VOLTAGE = "Voltage"
SOC = "SoC"
NOT_LIVE = ("Transaction.Begin", "Transaction.End")
#: Every word of the specification for a measurand, phase, location or context: folded -> as it is spelled.
SPELLINGS: dict[str, str] = {
    str(word.value).lower(): str(word.value)
    for words in (
        enums16.Measurand,
        enums.MeasurandEnumType,
        enums.PhaseEnumType,
        enums.LocationEnumType,
        enums.ReadingContextEnumType,
    )
    for word in words
}


@lru_cache(maxsize=512)
def canonical_measurand(raw: str) -> str:
    folded = raw.strip().lower()
    return aliases.MEASURANDS.get(folded) or SPELLINGS.get(folded) or raw.strip()


@lru_cache(maxsize=512)
def canonical_unit(raw: str, measurand: str) -> tuple[str, float]:
    """(unit, factor); what is not written is what the measurand has by default (1.6 §7.45, 2.0.1 UnitOfMeasure)."""
    known = aliases.UNITS.get(raw.strip().lower())
    if known is None:
        return raw.strip()[:20], 1.0
    if known[0]:
        return known
    default = next((unit for prefix, unit in aliases.DEFAULT_UNITS.items() if measurand.startswith(prefix)), "")
    return default, 1.0


def number(raw: Any) -> float | None:
    """A sample's value; None for what is no number ("", "NaN", signed data)."""
    try:
        value = float(raw)
    except (TypeError, ValueError):
        if not isinstance(raw, str) or "," not in raw:
            return None
        try:
            value = float(raw.replace(",", "."))
        except ValueError:
            return None
    return value if math.isfinite(value) else None


@lru_cache(maxsize=2048)
def _kind(measurand: str, unit: str, phase: str, location: str, context: str) -> tuple[str, str, float, str, str, str]:
    """What a sample's descriptive fields mean; a station repeats the same few for ever."""
    canonical = canonical_measurand(measurand)[:60]
    name, factor = canonical_unit(unit, canonical)
    return canonical, name, factor, spelled(phase)[:10], spelled(location)[:20], spelled(context)[:30]


def spelled(raw: str) -> str:
    """A word of the specification in its own spelling, another one as it is."""
    return SPELLINGS.get(raw.strip().lower(), raw.strip())


def sample(raw: dict[str, Any]) -> Sample:
    """One sampledValue, of 1.6 (unit a text) or 2.x (unitOfMeasure with a power-of-ten multiplier)."""
    get = raw.get
    of_measure = get("unitOfMeasure")
    exponent = 0
    if isinstance(of_measure, dict):
        unit_text, exponent = of_measure.get("unit") or "", of_measure.get("multiplier") or 0
    else:
        unit_text = get("unit") or ""
    measurand, unit, factor, phase, location, context = _kind(
        get("measurand") or "", unit_text, get("phase") or "", get("location") or "", get("context") or ""
    )
    value = None if get("format") == "SignedData" else number(get("value"))
    if value is not None:
        if exponent and -30 < exponent < 30:
            factor *= 10.0**exponent
        if factor != 1.0:
            value = round(value * factor, 6)
    return (measurand, value, unit, phase, location, context)


def is_outlet(location: str) -> bool:
    return location in ("", "Outlet")


def total(samples: list[Sample], measurand: str) -> float | None:
    """The sample without a phase, else the sum over L1, L2, L3."""
    phases: dict[str, float] = {}
    for name, value, _, phase, location, context in samples:
        if name != measurand or value is None or not is_outlet(location):
            continue
        if context in NOT_LIVE:
            continue
        if not phase:
            return value
        if phase != "N":
            phases.setdefault(phase.removesuffix("-N"), value)
    single = {phase: value for phase, value in phases.items() if phase in ("L1", "L2", "L3")}
    return sum((single or phases).values()) if phases else None


def of_context(samples: list[Sample], context: str) -> float | None:
    found = [s for s in samples if s[0] == ENERGY and s[1] is not None and s[5] == context and is_outlet(s[4])]
    whole = [s[1] for s in found if not s[3]]
    if whole:
        return whole[0]
    return sum(s[1] or 0.0 for s in found) if found else None


def voltage(samples: list[Sample]) -> float | None:
    """The voltage without a phase, else the mean of the phases against neutral."""
    found = [s for s in samples if s[0] == VOLTAGE and s[1] is not None]
    for s in found:
        if not s[3]:
            return s[1]
    to_neutral = [s[1] for s in found if s[3] in ("L1", "L2", "L3", "L1-N", "L2-N", "L3-N")]
    return sum(v or 0.0 for v in to_neutral) / len(to_neutral) if to_neutral else None


def reading(raw: dict[str, Any], received: datetime, drift_s: float | None) -> Reading:
    """One meterValue: a moment with its samples. The common case, one sample per measurand, is read in one pass."""
    sampled = raw.get("sampledValue")
    found = [sample(item) for item in sampled if isinstance(item, dict)] if isinstance(sampled, list) else []
    stamp = clock.stamp(raw.get("timestamp"), received, drift_s)
    if stamp.flag == "implausible":
        # A clock that stands still gives every reading one time; what was read keeps them apart, and a repeat together.
        stamp = replace(stamp, station=stamp.station.replace(microsecond=zlib.crc32(repr(found).encode()) % 1_000_000))
    result = Reading(stamp, found)
    plain = True
    for name, value, _, phase, location, context in found:
        if phase or (location and location != "Outlet") or context in NOT_LIVE:
            plain = False
        elif name == ENERGY:
            if result.energy_wh is None:
                result.energy_wh = value
        elif name == POWER:
            result.power_w = value
        elif name == CURRENT:
            result.current_a = value
        elif name == VOLTAGE:
            result.voltage_v = value
        if name == SOC:
            result.soc_percent = value
    if not plain:
        result.energy_wh = total(found, ENERGY)
        result.power_w = total(found, POWER)
        result.current_a = _current(found)
        result.voltage_v = voltage(found)
        result.begin_wh = of_context(found, "Transaction.Begin")
        result.end_wh = of_context(found, "Transaction.End")
    return result


def _current(samples: list[Sample]) -> float | None:
    """The current without a phase, else the highest of the phases: what a cable and a fuse carry."""
    found = [s for s in samples if s[0] == CURRENT and s[1] is not None and s[3] != "N"]
    for s in found:
        if not s[3]:
            return s[1]
    return max((s[1] or 0.0 for s in found), default=None)


def readings(raw: Any, received: datetime, drift_s: float | None) -> list[Reading]:
    """All moments of a message; those of the same time are one reading, in the order of time."""
    if isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], dict):
        one = reading(raw[0], received, drift_s)
        return [one] if one.samples else []
    by_time: dict[datetime, Reading] = {}
    for item in raw or ():
        if not isinstance(item, dict):
            continue
        one = reading(item, received, drift_s)
        if not one.samples:
            continue
        known = by_time.get(one.stamp.station)
        if known is None:
            by_time[one.stamp.station] = one
        else:
            join(known, one)
    return list(by_time.values()) if len(by_time) < 2 else [by_time[key] for key in sorted(by_time)]


def join(first: Reading, second: Reading) -> None:
    """Take over what another message says of the same moment."""
    first.samples = [*first.samples, *second.samples]
    for name in ("energy_wh", "power_w", "current_a", "voltage_v", "soc_percent", "begin_wh", "end_wh"):
        if getattr(first, name) is None:
            setattr(first, name, getattr(second, name))
