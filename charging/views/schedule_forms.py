"""The form of a schedule: what stands in its fields, and how what was typed becomes what the actions take."""

from collections.abc import Sequence
from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.requests import PageRequest
from charging.models import ChargingStation, Schedule
from charging.queries import connectors
from charging.views.common import decimal_text, number
from mobility.errors import Invalid

#: So many rows of windows a form has at least, and how many of them stand empty.
LEAST_ROWS, SPARE_ROWS, MOST_ROWS = 2, 1, 20
#: What is kept in W and Wh -> the field in which kW and kWh are typed.
KILO = {"target_wh": "target_kwh", "battery_wh": "battery_kwh", "power_w": "power_kw"}
WHOLE = ("target_percent", "soc_percent", "buffer_minutes", "min_run_minutes", "random_delay_minutes")
NEVER_NULL = ("buffer_minutes", "min_run_minutes", "random_delay_minutes")


def kilo_text(value: int | None) -> str:
    return "" if value is None else f"{value / 1000:g}"


def values_of(schedule: Schedule) -> dict[str, Any]:
    """The present values, as the form's fields have them."""
    found: dict[str, Any] = {name: getattr(schedule, name) for name in ("name", "mode", "technique", "enabled", *WHOLE)}
    found |= {field: kilo_text(getattr(schedule, name)) for name, field in KILO.items()}
    found["ready_by"] = f"{schedule.ready_by:%H:%M}" if schedule.ready_by else ""
    found["price_limit"] = f"{schedule.price_limit.normalize():f}" if schedule.price_limit is not None else ""
    found["strategy"] = "continuous" if schedule.continuous else "cheapest"
    found["car"] = str(schedule.car_id or "")
    found["id_tag"] = schedule.id_tag.id_tag if schedule.id_tag else ""
    found["outlet"] = f"{schedule.station.identity}|{schedule.connector_id or ''}"
    return found


def rows_of(windows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Windows as the editor shows them: one row for all days with the same times, and spare ones."""
    grouped: dict[tuple[str, str, int | None], list[int]] = {}
    for window in windows:
        grouped.setdefault((window["begin"], window["end"], window.get("limit_w")), []).append(window["weekday"])
    rows = [
        {"days": days, "begin": begin, "end": end, "limit_kw": kilo_text(limit_w)}
        for (begin, end, limit_w), days in grouped.items()
    ]
    spare: dict[str, Any] = {"days": [], "begin": "", "end": "", "limit_kw": ""}
    rows += [dict(spare) for _ in range(max(LEAST_ROWS - len(rows), SPARE_ROWS))]
    return numbered(rows)


def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each row with its number and its days as choices."""
    for index, row in enumerate(rows):
        row["number"] = index
        row["shown"] = index + 1
        row["choices"] = [(day, label, day in row["days"]) for day, label in WEEKDAYS_ABBR.items()]
    return rows


def typed_rows(request: PageRequest) -> list[dict[str, Any]]:
    """The rows of the editor as they were sent."""
    rows = []
    for index in range(MOST_ROWS):
        names = {name: f"window-{index}-{name}" for name in ("begin", "end", "limit_kw")}
        days = [int(day) for day in request.POST.getlist(f"window-{index}-days") if day in "0123456" and len(day) == 1]
        row: dict[str, Any] = {name: request.POST.get(key, "").strip()[:20] for name, key in names.items()}
        if any(key in request.POST for key in names.values()):
            rows.append({**row, "days": days})
    return numbered(rows)


def windows_of(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The windows of the rows; one without times and days is none. Raises Invalid."""
    found = []
    for row in rows:
        if not row["days"] and not row["begin"] and not row["end"]:
            continue
        if not row["days"]:
            raise Invalid(
                _("Some fields are not usable."),
                fields={"windows": _("Choose at least one day for %(begin)s–%(end)s.") % row},
            )
        if not row["begin"] or not row["end"]:
            raise Invalid(_("Some fields are not usable."), fields={"windows": _("A window needs a begin and an end.")})
        limit_w = kilo_number(row["limit_kw"], "windows")
        found += [
            {"weekday": day, "begin": row["begin"][:5], "end": row["end"][:5], "limit_w": limit_w}
            for day in row["days"]
        ]
    return found


def kilo_number(text: str, field: str) -> int | None:
    plain = decimal_text(text)
    try:
        return round(float(plain) * 1000) if plain else None
    except (ValueError, OverflowError):
        raise Invalid(_("Some fields are not usable."), fields={field: _("This is not a number.")}) from None


def typed(request: PageRequest) -> dict[str, Any]:
    """The form's fields as the actions take them. Raises Invalid."""
    post = request.POST
    values: dict[str, Any] = {
        "name": post.get("name", "").strip(),
        "mode": post.get("mode", Schedule.Mode.SCHEDULE),
        "technique": post.get("technique", Schedule.Technique.AUTO),
        "enabled": post.get("enabled", "1") == "1",
        "continuous": post.get("strategy") == "continuous",
        "ready_by": post.get("ready_by", "").strip()[:5],
        "price_limit": decimal_text(post.get("price_limit", "").strip()),
        "car": number(post.get("car", ""), "car"),
        "id_tag": post.get("id_tag", "") or None,
        "windows": windows_of(typed_rows(request)),
    }
    for name, field in KILO.items():
        values[name] = kilo_number(post.get(field, "").strip(), field)
    for name in WHOLE:
        value = number(post.get(name, "").strip(), name)
        values[name] = 0 if value is None and name in NEVER_NULL else value
    return values


def outlets(actor: Actor) -> list[tuple[str, str]]:
    """Every connector that a schedule can be for, and stations that reported none yet."""
    rows = connectors.visible(actor).order_by("station__name", "station__identity", "evse_number", "number")[:500]
    found = []
    for row in rows:
        number_shown = row.evse_number if row.station.protocol == "1.6" or row.number == 1 else row.number
        found.append((f"{row.station.identity}|{row.pk}", f"{row.station}, {_('connector')} {number_shown}"))
    return found


def connector_at(actor: Actor, station: ChargingStation, text: str) -> Any:
    """The connector that a choice of `outlets` names; None where it names none."""
    pk = text.rpartition("|")[2]
    return connectors.visible(actor).filter(station=station, pk=pk).first() if pk.isdecimal() else None
