"""Charging profiles: storage rules and the limit they give at a moment (OCPP 1.6 §3.13, 2.0.1 K01).

Neutral to the version: connector 0 is the whole station, and limits are answered in W per connector.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mobility.simulator.clock import parse_time

STATION_MAX = "StationMax"
TX_DEFAULT = "TxDefault"
TX = "Tx"
EXTERNAL = "External"
PURPOSES = {
    "ChargePointMaxProfile": STATION_MAX,
    "ChargingStationMaxProfile": STATION_MAX,
    "TxDefaultProfile": TX_DEFAULT,
    "TxProfile": TX,
    "ChargingStationExternalConstraints": EXTERNAL,
}


@dataclass(frozen=True)
class Profile:
    """One charging profile; `raw` is the object as it came."""

    profile_id: int
    stack_level: int
    purpose: str
    kind: str
    recurrency: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    transaction_id: str | None
    start: datetime | None
    duration_s: float
    unit: str
    periods: tuple[tuple[float, float, int | None], ...]
    raw: dict[str, Any] = field(compare=False)

    def schedule_start(self, moment: datetime, transaction_start: datetime | None) -> datetime | None:
        """When the schedule that covers `moment` began; None when there is none."""
        if self.kind == "Relative":
            return transaction_start
        if self.start is None:
            return transaction_start if self.kind == "Absolute" else None
        if self.kind == "Recurring":
            cycle = timedelta(days=7 if self.recurrency == "Weekly" else 1)
            return self.start + (moment - self.start) // cycle * cycle
        return self.start

    def at(self, moment: datetime, transaction_start: datetime | None) -> tuple[float, int | None, datetime] | None:
        """(limit in `unit`, phases, until when) at a moment; None when the profile says nothing then."""
        if (self.valid_from and moment < self.valid_from) or (self.valid_to and moment >= self.valid_to):
            return None
        start = self.schedule_start(moment, transaction_start)
        if start is None:
            return None
        offset = (moment - start).total_seconds()
        if offset < 0 or offset >= self.duration_s:
            return None
        limit, phases, end = None, None, self.duration_s
        for begins, value, number_phases in self.periods:
            if begins <= offset:
                limit, phases = value, number_phases
            else:
                end = min(end, begins)
                break
        if limit is None:
            return None
        until = start + timedelta(seconds=end) if math.isfinite(end) else moment + timedelta(days=1)
        if self.valid_to:
            until = min(until, self.valid_to)
        return limit, phases, until


def parse(raw: dict[str, Any]) -> Profile:
    """Read a ChargingProfile of any version. Raises ValueError when it cannot be followed."""
    schedule = raw["chargingSchedule"]
    if isinstance(schedule, list):
        if len(schedule) > 1:
            raise ValueError("one chargingSchedule is supported")
        schedule = schedule[0]
    purpose = PURPOSES.get(raw["chargingProfilePurpose"])
    if purpose is None or raw["chargingProfileKind"] == "Dynamic":
        raise ValueError(f"{raw['chargingProfilePurpose']} {raw['chargingProfileKind']} is not supported")
    periods = tuple((p["startPeriod"], p["limit"], p.get("numberPhases")) for p in schedule["chargingSchedulePeriod"])
    if not periods or periods[0][0] != 0 or list(periods) != sorted(periods, key=lambda p: p[0]):
        raise ValueError("the periods start at 0 and ascend")
    return Profile(
        profile_id=raw["id"] if "id" in raw else raw["chargingProfileId"],
        stack_level=raw["stackLevel"],
        purpose=purpose,
        kind=raw["chargingProfileKind"],
        recurrency=raw.get("recurrencyKind"),
        valid_from=_moment(raw, "validFrom"),
        valid_to=_moment(raw, "validTo"),
        transaction_id=None if raw.get("transactionId") is None else str(raw["transactionId"]),
        start=_moment(schedule, "startSchedule"),
        duration_s=schedule.get("duration", math.inf),
        unit=schedule["chargingRateUnit"],
        periods=periods,
        raw=raw,
    )


def _moment(raw: dict[str, Any], key: str) -> datetime | None:
    return parse_time(raw[key]) if raw.get(key) else None


Leading = tuple[float, str, int | None, datetime]


@dataclass(frozen=True)
class Limit:
    """What profiles leave: W in all, A per phase, number of phases, and until when; infinite without a profile."""

    limit_w: float
    limit_a: float
    phases: int | None
    until: datetime

    def watts(self, volts: float, phases: int) -> float:
        return min(self.limit_w, self.limit_a * volts * min(phases, self.phases or phases))

    @classmethod
    def lowest(cls, found: "list[Leading | None]", moment: datetime) -> "Limit":
        limit_w, limit_a, phases, until = math.inf, math.inf, None, moment + timedelta(days=1)
        for leading in found:
            if leading is None:
                continue
            value, unit, number_phases, end = leading
            if unit == "W":
                limit_w = min(limit_w, value)
            else:
                limit_a = min(limit_a, value)
            phases = number_phases if phases is None else min(phases, number_phases or phases)
            until = min(until, end)
        return cls(limit_w, limit_a, phases, until)


class ProfileStore:
    """The profiles a station holds, by connector (0: the station)."""

    def __init__(self) -> None:
        self._profiles: list[tuple[int, Profile]] = []

    def __len__(self) -> int:
        return len(self._profiles)

    def set(self, connector_id: int, profile: Profile) -> None:
        """Add a profile; the same id, or the same place (connector, purpose, level, transaction), is replaced."""
        place = (connector_id, profile.purpose, profile.stack_level, profile.transaction_id)
        self._profiles = [
            (c, p)
            for c, p in self._profiles
            if p.profile_id != profile.profile_id and (c, p.purpose, p.stack_level, p.transaction_id) != place
        ]
        self._profiles.append((connector_id, profile))

    def find(
        self,
        *,
        connector_id: int | None = None,
        profile_ids: list[int] | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> list[tuple[int, Profile]]:
        """The profiles that fit every criterion given; `purpose` is a wire name."""
        return [
            (c, p)
            for c, p in self._profiles
            if (connector_id is None or c == connector_id)
            and (not profile_ids or p.profile_id in profile_ids)
            and (purpose is None or p.raw["chargingProfilePurpose"] == purpose)
            and (stack_level is None or p.stack_level == stack_level)
        ]

    def remove(self, found: list[tuple[int, Profile]]) -> None:
        self._profiles = [entry for entry in self._profiles if entry not in found]

    def end_transaction(self, connector_id: int) -> None:
        """TxProfiles die with their transaction."""
        self._profiles = [(c, p) for c, p in self._profiles if not (c == connector_id and p.purpose == TX)]

    def _leading(
        self, connectors: tuple[int, ...], purpose: str, moment: datetime, started: datetime | None, tx: str | None
    ) -> Leading | None:
        best: tuple[int, int, Leading] | None = None
        for connector_id, profile in self._profiles:
            if connector_id not in connectors or profile.purpose != purpose:
                continue
            if purpose == TX and profile.transaction_id is not None and profile.transaction_id != tx:
                continue
            at = profile.at(moment, started)
            rank = (profile.stack_level, connector_id)
            if at is not None and (best is None or rank > best[:2]):
                best = (*rank, (at[0], profile.unit, at[1], at[2]))
        return best[2] if best else None

    def limit(self, connector_id: int, moment: datetime, *, started: datetime | None, tx: str | None) -> "Limit":
        """The limit of a connector: the lowest of the leading profiles of its purposes.

        A TxProfile overrules TxDefaultProfiles. The limit of the whole station is `station_limit`.
        """
        leading = self._leading((0, connector_id), TX, moment, started, tx) if started else None
        found = [
            leading or self._leading((0, connector_id), TX_DEFAULT, moment, started, tx),
            self._leading((connector_id,), EXTERNAL, moment, started, tx),
        ]
        return Limit.lowest(found, moment)

    def station_limit(self, moment: datetime) -> "Limit":
        """The limit of the whole station: its maximum and the constraints from outside."""
        return Limit.lowest([self._leading((0,), p, moment, None, None) for p in (STATION_MAX, EXTERNAL)], moment)

    def composite(
        self,
        connector_id: int,
        begin: datetime,
        duration_s: int,
        *,
        started: datetime | None,
        tx: str | None,
        volts: float,
        phases: int,
        rated_w: float,
    ) -> list[tuple[int, float]]:
        """The composite schedule as (start in s, limit_w) from `begin`, never above the rating.

        Changes between two leading profiles are found on whole minutes and at the ends of periods.
        """
        periods: list[tuple[int, float]] = []
        offset = 0.0
        while offset < duration_s and len(periods) < 1000:
            moment = begin + timedelta(seconds=offset)
            own = self.limit(connector_id, moment, started=started, tx=tx)
            whole = self.station_limit(moment)
            until = min(own.until, whole.until)
            limit_w = min(rated_w, own.watts(volts, phases), whole.watts(volts, phases))
            if not periods or periods[-1][1] != limit_w:
                periods.append((round(offset), limit_w))
            offset = max(offset + 1, min(offset + 60, (until - begin).total_seconds()))
        return periods
