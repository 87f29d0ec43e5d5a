"""The parameters of commands about charging profiles: what may be said, checked before anything is sent."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from charging.composite import ABSOLUTE, CYCLES, KINDS, PURPOSES, RECURRING, RELATIVE, STATION_MAX
from mobility.errors import Invalid

Params = dict[str, Any]
UNITS = ("A", "W")
MOST_PERIODS = 100
MOST_LEVEL = 100
LONGEST_S = 31_536_000
#: Ids on the wire above this are the server's own: limits, and what the load balancing sends.
OWN_NUMBERS = 1_000_000
#: From here on those of stored plans, one for each schedule.
KEPT_NUMBERS = 500_000


class Checks:
    """Collects what is wrong, so that all fields are named at once."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params, self.wrong = params, dict[str, str]()

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.params.get(name) or default
        if value not in allowed:
            self.wrong[name] = _("Choose one of %(choices)s.") % {"choices": ", ".join(allowed)}
        return str(value)

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int | None:
        value = self.params.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong[name] = _("This is a whole number from %(least)s to %(most)s.") % {"least": least, "most": most}
            return default
        return value

    def moment(self, name: str) -> datetime | None:
        value = self.params.get(name)
        if value is None or value == "":
            return None
        try:
            found = value if isinstance(value, datetime) else parse_datetime(str(value))
        except ValueError:
            found = None
        if found is None:
            self.wrong[name] = _("This is a time in ISO 8601.")
            return None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

    def finish(self) -> None:
        """Raises Invalid."""
        if self.wrong:
            raise Invalid(_("Some fields are not usable."), fields=self.wrong)


def periods(checks: Checks) -> list[Params]:
    """`[{"start_s": 0, "limit": 16, "phases": 3}]`: the first at 0, then ascending."""
    raw, found = checks.params.get("periods"), list[Params]()
    if not isinstance(raw, list) or not 0 < len(raw) <= MOST_PERIODS:
        checks.wrong["periods"] = _("This is a list of 1 to %(most)s periods.") % {"most": MOST_PERIODS}
        return []
    for place, item in enumerate(raw):
        item = item if isinstance(item, dict) else {}
        start, limit, phases = item.get("start_s"), item.get("limit"), item.get("phases")
        if isinstance(start, bool) or not isinstance(start, int) or not 0 <= start <= LONGEST_S:
            checks.wrong["periods"] = _("Period %(place)s begins at a whole number of seconds.") % {"place": place + 1}
        elif (start == 0) != (place == 0) or (found and start <= found[-1]["start_s"]):
            checks.wrong["periods"] = _("The first period begins at 0, and each later than the one before it.")
        elif not is_limit(limit):
            checks.wrong["periods"] = _("Period %(place)s has a limit of 0 or more.") % {"place": place + 1}
        elif phases is not None and (isinstance(phases, bool) or phases not in (1, 2, 3)):
            checks.wrong["periods"] = _("Period %(place)s is on 1, 2 or 3 phases.") % {"place": place + 1}
        else:
            found.append({"start_s": start, "limit": round(float(limit), 1), "phases": phases})  # type: ignore[arg-type]
    return found


def is_limit(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= 10_000_000
    )


def profile(params: Mapping[str, Any]) -> Params:
    """A charging profile as a command carries it; times as ISO 8601 texts.

    Raises:
        Invalid: with every field that is wrong.
    """
    checks = Checks(params)
    found: Params = {
        "number": checks.whole("number", 1, 2**31 - 1, 1),
        "purpose": checks.choice("purpose", PURPOSES, "default"),
        "kind": checks.choice("kind", KINDS, ABSOLUTE),
        "stack_level": checks.whole("stack_level", 0, MOST_LEVEL, 0),
        "unit": checks.choice("unit", UNITS, "A"),
        "duration_s": checks.whole("duration_s", 1, LONGEST_S),
        "periods": periods(checks),
    }
    times = {name: checks.moment(name) for name in ("starts_at", "valid_from", "valid_to")}
    found["recurrency"] = checks.choice("recurrency", tuple(CYCLES), "daily") if found["kind"] == RECURRING else ""
    if found["kind"] == RELATIVE:
        times["starts_at"] = None
        if found["purpose"] == STATION_MAX:
            checks.wrong.setdefault("kind", _("The maximum of a station is bound to no transaction's start."))
    elif times["starts_at"] is None and "starts_at" not in checks.wrong:
        checks.wrong["starts_at"] = _("Say when the schedule begins.")
    if times["valid_from"] and times["valid_to"] and times["valid_to"] <= times["valid_from"]:
        checks.wrong["valid_to"] = _("This is later than the beginning of the validity.")
    checks.finish()
    return found | {name: iso(at) for name, at in times.items()}


def iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def criteria(params: Mapping[str, Any]) -> Params:
    """Which profiles: `{"number"}`, or any of `purpose` and `stack_level`; nothing means all."""
    checks = Checks(params)
    found: Params = {"number": checks.whole("number", 1, 2**31 - 1)}
    found["purpose"] = checks.choice("purpose", ("", *PURPOSES), "")
    found["stack_level"] = checks.whole("stack_level", 0, MOST_LEVEL)
    checks.finish()
    return found


def composite(params: Mapping[str, Any]) -> Params:
    """`{"duration_s": 86400, "unit": "A"}`."""
    checks = Checks(params)
    found: Params = {"duration_s": checks.whole("duration_s", 60, 7 * 86_400, 86_400)}
    found["unit"] = checks.choice("unit", UNITS, "A")
    checks.finish()
    return found
