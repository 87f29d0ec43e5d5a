"""Facts about a station itself: boot, status, configuration, firmware, security."""

import zlib
from datetime import datetime, timedelta

from django.conf import settings

from accounts.actions import MASK
from charging.commands import is_secret_setting
from charging.facts import (
    Authorization,
    Authorized,
    BootAnswer,
    Booted,
    Configured,
    DataTransferred,
    EventsNotified,
    FirmwareProgressed,
    Heartbeat,
    LogProgressed,
    ReportedValue,
    SecurityEventRaised,
    StatusChanged,
)
from charging.jobs import progress
from charging.ledger import desired, reservations, tags
from charging.ledger.batch import Batch
from charging.ledger.state import StationState
from charging.models import ChargingStation, ConfigurationValue, SecurityEvent, Transaction
from charging.queries import security_events as security_event_queries

#: Events of the security white paper's list that a person should see at once.
CRITICAL_SECURITY_EVENTS = {
    "FirmwareUpdated", "SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared",
    "MemoryExhaustion", "TamperDetectionActivated", "FailedToAuthenticateAtCentralSystem",
    "FailedToAuthenticateAtCsms", "InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate",
    "InvalidCentralSystemCertificate", "InvalidCsmsCertificate", "InvalidTLSVersion", "InvalidTLSCipherSuite",
}  # fmt: skip
REJECTED_INTERVAL_S = 60
#: A measured clock drift is written when it differs this much from the one that is kept.
DRIFT_NEWS_S = 5.0
STATUS_FIELDS = ("status", "error_code", "info", "vendor_error_code", "status_at", "status_received_at")


def booted(batch: Batch, state: StationState, fact: Booted) -> BootAnswer:
    """1.6 §4.2, 2.0.1 B01: keep what the station says of itself; answer its registration and the interval."""
    station = state.station
    values: dict[str, object] = {
        "vendor": fact.vendor[:100],
        "model": fact.model[:100],
        "serial_number": fact.serial_number[:100],
        "firmware_version": fact.firmware_version[:100],
        "iccid": fact.iccid[:40],
        "imsi": fact.imsi[:40],
        "meter_type": fact.meter_type[:100],
        "meter_serial_number": fact.meter_serial_number[:100],
        "boot_reason": fact.reason[:40],
    }
    recent = station.booted_at and batch.now - station.booted_at < timedelta(seconds=30)
    if recent and all(getattr(station, name) == value for name, value in values.items()):
        batch.violate(station.pk, "boot_loop", f"booted again after {(batch.now - station.booted_at).seconds} s")  # type: ignore[operator]
    values["booted_at"] = batch.now
    # Asked anew: an admin may have accepted or rejected it since it connected.
    fresh = ChargingStation.objects.values("registration", "heartbeat_interval_s").get(pk=station.pk)
    station.registration, station.heartbeat_interval_s = fresh["registration"], fresh["heartbeat_interval_s"]
    _set(station, values)
    batch.station_changed(station)
    for event in progress.booted(station.pk, station.firmware_version, batch.now):
        batch.tell(event)
    if station.registration == ChargingStation.Registration.ACCEPTED:
        desired.ask(batch, station)
    interval = station.heartbeat_interval_s or spread(settings.OCPP_HEARTBEAT_INTERVAL_S, station.identity)
    if station.registration != ChargingStation.Registration.ACCEPTED:
        interval = max(interval, REJECTED_INTERVAL_S)
    return BootAnswer(station.registration, interval)


def spread(interval_s: int, identity: str) -> int:
    """The common interval, 10 % more or less, always the same for one station: many of them never beat as one."""
    share = zlib.crc32(identity.encode()) / 2**32
    return round(interval_s * (0.9 + 0.2 * share))


def _set(station: ChargingStation, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(station, name, value)
    ChargingStation.objects.filter(pk=station.pk).update(**values)


def heartbeat(batch: Batch, state: StationState, fact: Heartbeat) -> datetime:
    return batch.now


def is_old_news(newest: datetime | None, at: datetime, now: datetime) -> bool:
    """Whether a status is older than the one that is shown. A shown time that lies in the future proves nothing."""
    return newest is not None and at < newest <= now


def status_changed(batch: Batch, state: StationState, fact: StatusChanged) -> None:
    """1.6 §4.9, 2.0.1 G01. Connector 0 is the station itself; connectors appear at first sight."""
    station = state.station
    if fact.drift_s is not None and abs((station.clock_drift_s or 0.0) - fact.drift_s) > DRIFT_NEWS_S:
        _set(station, {"clock_drift_s": round(fact.drift_s, 1)})
    if fact.evse == 0:
        if not is_old_news(station.status_at, fact.stamp.at, batch.now):
            _set(station, {"status": fact.status[:20], "error_code": fact.error_code[:50], "status_at": fact.stamp.at})
            batch.station_changed(station)
        return
    connector = state.connector(fact.evse, fact.connector)
    assert connector is not None
    if is_old_news(connector.status_at, fact.stamp.at, batch.now):
        return
    # Since when it is so: a repeated status is no new one, unless a transaction has begun meanwhile.
    running = state.running_at(connector)
    if (
        connector.status != fact.status[:20]
        or connector.status_received_at is None
        or (running is not None and running.row.created_at > connector.status_received_at)
    ):
        connector.status_received_at = batch.now
    connector.status = fact.status[:20]
    connector.error_code = fact.error_code[:50]
    connector.info = fact.info[:255]
    connector.vendor_error_code = fact.vendor_error_code[:100]
    connector.status_at = fact.stamp.at
    if connector.status in {"Available", "Unavailable", "Faulted"} and connector.transaction_id is None:
        connector.power_w = connector.current_a = 0.0
        connector.soc_percent = None
    connector.save(update_fields=[*STATUS_FIELDS, "power_w", "current_a", "soc_percent"])
    batch.connector_changed(connector)
    if connector.status == "Reserved":
        reservations.seen_reserved(batch, state, connector)
    _running_follows(batch, state, connector.status, running)


def _running_follows(batch: Batch, state: StationState, status: str, running: object) -> None:
    """1.6 tells by the connector's status whether a transaction charges; 2.x says it in its events."""
    if running is None or state.station.protocol not in {"1.6", ""}:
        return
    row = running.row  # type: ignore[attr-defined]
    wanted = {
        "Charging": Transaction.State.CHARGING,
        "SuspendedEV": Transaction.State.SUSPENDED,
        "SuspendedEVSE": Transaction.State.SUSPENDED,
    }.get(status)
    if wanted and row.state != wanted:
        row.state = wanted
        row.charging_state = status
        batch.news[row.pk] = row
        batch.transaction_changed(row)


def authorized(batch: Batch, state: StationState, fact: Authorized) -> Authorization:
    return tags.decide(batch, state.station, fact.token)


def configuration_key(value: ReportedValue) -> str:
    """The canonical path of a key or variable: what it is found by, whatever the case."""
    if not value.component:
        return value.variable.strip().lower()[:255]
    path = value.component
    if value.component_instance:
        path += f"[{value.component_instance}]"
    if value.evse is not None:
        path += f"@{value.evse}" + (f".{value.connector}" if value.connector is not None else "")
    path += f"/{value.variable}"
    if value.variable_instance:
        path += f"[{value.variable_instance}]"
    if value.attribute and value.attribute != "Actual":
        path += f"#{value.attribute}"
    return path.lower()[:255]


def configured(batch: Batch, state: StationState, fact: Configured) -> None:
    """Keep the reported values: one query to know them, one insert and one update for what is new or other."""
    station = state.station
    keys = {configuration_key(value): value for value in fact.values}
    known = {row.key: row for row in ConfigurationValue.objects.filter(station=station, key__in=list(keys)[:900])}
    if len(keys) > 900:
        known = {row.key: row for row in ConfigurationValue.objects.filter(station=station)}
    fresh: list[ConfigurationValue] = []
    changed: list[ConfigurationValue] = []
    for key, value in keys.items():
        row = known.get(key) or ConfigurationValue(station=station, key=key)
        row.component, row.component_instance = value.component[:50], value.component_instance[:50]
        row.evse_number, row.connector_number = value.evse, value.connector
        row.variable, row.variable_instance = value.variable[:255], value.variable_instance[:50]
        row.attribute = value.attribute[:10]
        row.value = value.value if value.value is not None else ""
        if row.value and is_secret_setting(value.variable):
            row.value = MASK
        row.readonly = value.readonly
        row.mutability, row.data_type = value.mutability[:20], value.data_type[:20]
        row.unit = value.unit[:20]
        row.reported_at = batch.now
        (changed if row.pk else fresh).append(row)
    ConfigurationValue.objects.bulk_create(fresh, batch_size=500)
    ConfigurationValue.objects.bulk_update(
        changed, ["value", "readonly", "mutability", "data_type", "unit", "variable", "reported_at"], batch_size=50
    )
    desired.compare(batch, station, {row.key: row.value for row in (*fresh, *changed)})


def firmware_progressed(batch: Batch, state: StationState, fact: FirmwareProgressed) -> None:
    _set(state.station, {"firmware_status": fact.status[:50]})
    batch.station_changed(state.station)
    for event in progress.firmware_said(state.station.pk, fact.status, fact.request_id, batch.now):
        batch.tell(event)


def log_progressed(batch: Batch, state: StationState, fact: LogProgressed) -> None:
    _set(state.station, {"log_status": fact.status[:50]})
    batch.station_changed(state.station)
    for event in progress.log_said(state.station.pk, fact.status, fact.request_id, batch.now):
        batch.tell(event)


def security_event_raised(batch: Batch, state: StationState, fact: SecurityEventRaised) -> None:
    raise_security_event(
        batch,
        state.station,
        fact.type,
        at=fact.stamp.at,
        info=fact.info,
        reported_by_station=True,
        critical=fact.type in CRITICAL_SECURITY_EVENTS,
    )


def raise_security_event(
    batch: Batch,
    station: ChargingStation,
    type: str,
    *,
    at: datetime,
    info: str = "",
    reported_by_station: bool = False,
    critical: bool = True,
) -> None:
    row = SecurityEvent.objects.create(
        organization_id=station.organization_id,
        station=station,
        type=type[:50],
        at=at,
        info=info[:500],
        reported_by_station=reported_by_station,
        critical=critical,
        source_ip=station.source_ip,
    )
    batch.tell(security_event_queries.event(row))


def events_notified(batch: Batch, state: StationState, fact: EventsNotified) -> None:
    """2.0.1 N07: the newest value of each reported variable; what is a problem marks the connector or the station."""
    configured(
        batch,
        state,
        Configured(
            [
                ReportedValue(
                    variable=event.variable,
                    value=event.value,
                    component=event.component or "Unknown",
                    evse=event.evse,
                    connector=event.connector,
                )
                for event in fact.events
            ]
        ),
    )
    for event in fact.events:
        if event.variable.lower() == "problem" and event.component.lower() == "chargingstation":
            problem = event.value.lower() == "true" and not event.cleared
            _set(state.station, {"status": "Faulted" if problem else "Available", "status_at": event.stamp.at})
            batch.station_changed(state.station)


def data_transferred(batch: Batch, state: StationState, fact: DataTransferred) -> bool:
    """Vendor data is kept in the message log; no vendor is known here, which the answer says (1.6 §4.3)."""
    return False
