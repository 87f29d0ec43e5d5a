"""Times that stations write, and how much of them is believed (quirk row 12)."""

from datetime import UTC, datetime, timedelta, timezone

from charging.facts import Stamp

OLDEST = timedelta(days=366)
AHEAD = timedelta(hours=1)
QUARTER_S = 900


def parse(text: str) -> tuple[datetime, bool] | None:
    """(the time, whether it had a zone), or None when it is no time. Any number of fractional digits will do."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text.strip().upper().replace(" ", "T", 1))
        except ValueError:
            return None
    return (at, True) if at.tzinfo is not None else (at.replace(tzinfo=UTC), False)


def zone_from_drift(drift_s: float | None) -> timezone:
    """The zone of a clock that writes none: UTC, unless it is measured to be off by whole quarters of an hour."""
    if drift_s is None:
        return UTC
    quarters = round(drift_s / QUARTER_S)
    if not 0 < abs(quarters) <= 56 or abs(drift_s - quarters * QUARTER_S) > 120:
        return UTC
    return timezone(timedelta(seconds=quarters * QUARTER_S))


def stamp(text: str | None, received: datetime, drift_s: float | None = None) -> Stamp:
    """The station's time in UTC and the believed one: implausible ones (older than a year, more than an hour ahead)
    give way to the receive time."""
    parsed = parse(text) if isinstance(text, str) else None
    if parsed is None:
        return Stamp(received, received, "missing")
    at, zoned = parsed
    try:
        if at.tzinfo is UTC and zoned:
            station = at
        else:
            station = at.astimezone(UTC) if zoned else at.replace(tzinfo=zone_from_drift(drift_s)).astimezone(UTC)
    except (OverflowError, ValueError):
        return Stamp(received, received, "implausible")
    if received - OLDEST <= station <= received + AHEAD:
        return Stamp(station, station)
    return Stamp(station, received, "implausible")


def drift(text: str | None, received: datetime) -> float | None:
    """Seconds by which a clock is ahead of ours, read from a message about now, without its zone being guessed."""
    parsed = parse(text) if isinstance(text, str) else None
    if parsed is None:
        return None
    seconds = (parsed[0] - received).total_seconds()
    return seconds if abs(seconds) < 86_400 else None


def wire(at: datetime) -> str:
    """As it is sent: UTC with a Z, to the millisecond."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:-6] + "Z"
