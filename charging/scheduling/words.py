"""Why a schedule does what it does, in sentences: the reason on a card, the lines of a log, the owner's message."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charging.models import ChargingStation, Schedule
from charging.scheduling.scene import zone_of

Json = Mapping[str, Any]

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

#: code of a step -> its line in the log
STEPS: dict[str, Any] = {
    "planned": gettext_lazy("Planned."),
    "waits_offline": gettext_lazy("Waits: the station is not connected."),
    "waits_car": gettext_lazy("Waits for a car to be plugged in."),
    "waits_broken": gettext_lazy("Waits: the connector is out of order or out of service."),
    "someone_else": gettext_lazy("Waits: someone else charges here."),
    "by_hand": gettext_lazy("A session that was started by hand runs already; it is left alone."),
    "runs_already": gettext_lazy("A session runs already; it is taken over."),
    "handed_over": gettext_lazy("The next run takes the session over."),
    "sent_start": gettext_lazy("Start sent."),
    "sent_stop": gettext_lazy("Stop sent."),
    "sent_set_limit": gettext_lazy("Limit sent."),
    "sent_set_profile": gettext_lazy("Limit for this session sent."),
    "sent_clear_profiles": gettext_lazy("Sent that the limit of this session ends."),
    "left_to_balancing": gettext_lazy("The load balancing of the site sees to it."),
    "station_by_itself": gettext_lazy("The station does so by the plan that it stores."),
    "no_way_to_limit": gettext_lazy("The station takes no limit for a session."),
    "sent_change_availability": gettext_lazy("Change of availability sent."),
    "refused_here": gettext_lazy("Not sent: %(why)s"),
    "answered_accepted": gettext_lazy("The station accepted."),
    "answered_rejected": gettext_lazy("The station refused. %(why)s"),
    "answered_timed_out": gettext_lazy("The station did not answer in time."),
    "answered_failed": gettext_lazy("It could not be delivered. %(why)s"),
    "answered_expired": gettext_lazy("The station was not there in time."),
    "answered_cancelled": gettext_lazy("The command was cancelled."),
    "charges": gettext_lazy("Power flows."),
    "retries": gettext_lazy("Nothing has begun; once more."),
    "wakes": gettext_lazy("No power yet: the outlet goes off and on again to wake the car."),
    "holds": gettext_lazy("Held back by a limit of 0 A."),
    "releases": gettext_lazy("The limit is lifted."),
    "rests": gettext_lazy("Its time is over: held back by a limit of 0 A until the car is gone."),
    "released": gettext_lazy("The limit is taken away."),
    "pauses": gettext_lazy("Pauses until %(until)s."),
    "done": gettext_lazy("Done."),
    "car_left": gettext_lazy("The car was unplugged."),
    "car_ended": gettext_lazy("The car ended the session: it has what it wants."),
    "cut_off": gettext_lazy("The session was cut off (%(why)s); it goes on as soon as it can."),
    "stopped_by_hand": gettext_lazy("Stopped by hand; nothing more until the next window."),
    "cancelled": gettext_lazy("Cancelled: the schedule was changed."),
    "missed_no_car": gettext_lazy("No car was plugged in."),
    "missed_offline": gettext_lazy("The station was not connected in all this time."),
    "missed_broken": gettext_lazy("The connector was out of order or out of service in all this time."),
    "missed_late": gettext_lazy("Its time was over before it could begin."),
    "cannot_start": gettext_lazy("It cannot be started: %(why)s"),
    "cannot_stop": gettext_lazy("It cannot be stopped: %(why)s"),
    "does_not_stop": gettext_lazy("The station does not stop the session; stop it at the car or at the station."),
    "car_sleeps": gettext_lazy("The car takes no power, though it was woken: it is full, asleep, or set to wait."),
    "station_refuses": gettext_lazy("The station refuses to start."),
    "station_silent": gettext_lazy("The station does not answer."),
    "never_started": gettext_lazy("The station accepted, and no session began. Is the cable plugged in on both sides?"),
    "deauthorized": gettext_lazy("The station ended the session: the tag is not accepted."),
    "takes_no_limits": gettext_lazy("The station takes no limits, so the car charges at once instead of waiting."),
    "not_ready": gettext_lazy("The car is not ready: %(missing)s kWh are missing."),
    "short_too_late": gettext_lazy("The time until %(until)s is too short: %(missing)s kWh will be missing."),
    "short_all_of_it": gettext_lazy("Below the price limit there is too little time: %(missing)s kWh will be missing."),
    "short_over_limit": gettext_lazy("No price until %(until)s is below the limit: %(missing)s kWh will be missing."),
}


def clock(text: str | None, now: datetime | None = None) -> str:
    """A moment in the reader's time zone: the time alone for the next hours, else with the day."""
    at = parse_datetime(text) if text else None
    if at is None:
        return ""
    local, now = timezone.localtime(at), now or timezone.now()
    near = timedelta(hours=-12) < at - now < timedelta(hours=20)
    return f"{local:%H:%M}" if near else f"{date_format(local, 'D')} {local:%H:%M}"


def kwh(energy_wh: float) -> str:
    return str(number_format(round(energy_wh / 1000, 1), 1))


def money(amount: str) -> str:
    return f"{number_format(amount, 2)} {SYMBOLS.get(settings.CURRENCY, settings.CURRENCY)}"


def line(code: str, params: Json) -> str:
    """A step as a line."""
    text = STEPS.get(code)
    if text is None:
        return code
    values = {
        "why": params.get("why", ""),
        "until": clock(params.get("until") or params.get("deadline")),
        "missing": kwh(params.get("missing_wh") or 0),
    }
    return str(text % values).strip()


def for_owner(schedule: Schedule, station: ChargingStation, code: str, params: Json) -> str:
    """What a message says: the station, and what happened, in the owner's language and the site's time."""
    with translation.override(schedule.user.language or settings.LANGUAGE_CODE), timezone.override(zone_of(station)):
        return f"{station}: {line(code, params)}"


def duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(minutes)s minutes") % {"minutes": rest}
    return (
        _("%(hours)s h") % {"hours": hours}
        if not rest
        else _("%(hours)s h %(rest)s min") % {"hours": hours, "rest": rest}
    )


def reason(shown: Json, now: datetime | None = None) -> str:
    """Why it charges when it charges: one sentence for a plan as `plans.py` keeps it."""
    code = shown.get("reason", "")
    now = now or timezone.now()
    values = {
        "begin": clock(shown.get("begin"), now),
        "end": clock(shown.get("end"), now),
        "until": clock(shown.get("until"), now),
        "deadline": clock(shown.get("deadline"), now),
        "cost": money(shown.get("cost") or "0"),
        "lasts": duration(shown.get("minutes") or 0),
        "missing": kwh(shown.get("missing_wh") or 0),
        "energy": kwh(shown.get("energy_wh") or 0),
    }
    begin = parse_datetime(shown.get("begin") or "") if shown.get("begin") else None
    waits = begin is not None and begin > now
    if code == "waits_window" and not waits:
        code = "in_window"
    sentence = sentence_of(code, waits=waits)
    text = sentence % values
    if shown.get("prices_known") is False and code not in ("no_prices", "nothing"):
        text += " " + _("Some of the prices are not known yet.")
    if shown.get("limited"):
        text += " " + _("The site leaves less power than the car could take.")
    if shown.get("waits_for_car"):
        text += " " + _("Planned for good when a car is plugged in.")
    return text


def sentence_of(code: str, *, waits: bool) -> str:
    if code in ("cheapest", "stretch", "flat", "no_prices"):
        return smart_sentence(code, waits=waits)
    return {
        "": _("Nothing is decided yet."),
        "off": _("Switched off."),
        "at_once": _("Charges as soon as a car is plugged in."),
        "this_once": _("Charges at once this time; the schedule counts again after the cable is unplugged."),
        "paused_person": _("Paused until %(until)s."),
        "paused_stopped": _("Stopped by hand; waits until %(until)s."),
        "paused_failed": _("It did not work this time; the log says why. Waits until %(until)s."),
        "paused_full": _("The car has what it wants; waits until %(until)s."),
        "no_window": _("No window is set."),
        "in_window": _("Charges until %(end)s: the window is open."),
        "waits_window": _("Waits until %(begin)s, when the window opens; charges until %(end)s."),
        "nothing": _("The car has what was asked for."),
        "too_late": _("Charges at once: the time until %(deadline)s is too short, %(missing)s kWh will be missing."),
        "all_of_it": _(
            "Charges whenever it is below the price limit; %(missing)s kWh will be missing by %(deadline)s."
        ),
        "over_limit": _("Does not charge: no price until %(deadline)s is below the limit."),
    }.get(code, code)


def smart_sentence(code: str, *, waits: bool) -> str:
    if code == "no_prices":
        return _("Charges at once: no price until %(deadline)s is known.")
    if code == "flat":
        return _("Charges at once for %(lasts)s: the price is the same until %(deadline)s, about %(cost)s.")
    if code == "stretch":
        if waits:
            return _("Waits until %(begin)s: the cheapest %(lasts)s in a row before %(deadline)s, about %(cost)s.")
        return _("Charges now: the cheapest %(lasts)s in a row before %(deadline)s, about %(cost)s.")
    if waits:
        return _("Waits until %(begin)s: the cheapest %(lasts)s before %(deadline)s, about %(cost)s.")
    return _("Charges now, in the cheapest %(lasts)s before %(deadline)s, about %(cost)s.")
