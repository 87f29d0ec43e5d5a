"""OCPP 1.6J: what the server asks of the station."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from mobility.simulator import maintenance, profiles
from mobility.simulator.clock import parse_time, timestamp
from mobility.simulator.connector import Authorized, Connector, Reservation
from mobility.simulator.link import Reject, Reply
from mobility.simulator.outbox import Payload
from mobility.simulator.v16_keys import READERS, keys_of
from mobility.simulator.wire import TagInfo, Wire

if TYPE_CHECKING:
    from mobility.simulator.station import Station

NOT_WHILE_PENDING = ("RemoteStartTransaction", "RemoteStopTransaction")


def _status(status: str, then: Callable[[], Awaitable[None]] | None = None) -> Reply:
    return Reply({"status": status}, then)


class Commands16(Wire):
    """Each `on_<Action>` takes the payload and returns the answer; actions without one are NotSupported."""

    def __init__(self, station: "Station") -> None:
        super().__init__(station)
        self.keys = keys_of(station)

    def handle(self, action: str, payload: Payload) -> Reply | Reject:
        if self.station.registration != "Accepted" and action in NOT_WHILE_PENDING:
            return _status("Rejected")
        handler: Callable[[Payload], Reply | Reject] | None = getattr(self, f"on_{action}", None)
        return handler(payload) if handler else Reject("NotSupported", f"{action} is not supported by this station")

    @staticmethod
    def tag_info(info: dict[str, Any]) -> TagInfo:
        expires = info.get("expiryDate")
        return TagInfo(info["status"], info.get("parentIdTag"), parse_time(expires) if expires else None)

    def _targets(self, connector_id: int | None) -> list[Connector]:
        """The connector, or all of them for 0 and None; empty when there is no such connector."""
        if not connector_id:
            return list(self.station.connectors.values())
        found = self.station.connectors.get(connector_id)
        return [found] if found else []

    # -- transactions

    def on_RemoteStartTransaction(self, payload: Payload) -> Reply:
        station, tag = self.station, payload["idTag"]
        free = [
            c
            for c in self._targets(payload.get("connectorId"))
            if c.transaction is None
            and c.awaiting is None
            and not c.starting
            and c.status in ("Available", "Preparing", "Finishing", "Reserved")
            and station.may_use(c, tag, self._parent(tag))
        ]
        if not free:
            return _status("Rejected")
        connector = max(free, key=lambda c: c.plugged)
        profile = payload.get("chargingProfile")
        if profile is not None and not self._store(connector.connector_id, profile, starting=True):
            return _status("Rejected")
        return _status("Accepted", partial(self._remote_start, connector, tag))

    def _parent(self, tag: str) -> str | None:
        known = self.station.cache.get(tag) or self.station.local_list.get(tag)
        return known.parent_id if known else None

    async def _remote_start(self, connector: Connector, tag: str) -> None:
        station = self.station
        if station.options.authorize_remote_start and (await station.authorize(tag)).status != "Accepted":
            return
        if connector.transaction is None and connector.awaiting is None:
            station.allow(connector, Authorized(tag, remote_start_id=0), "RemoteStart")

    def on_RemoteStopTransaction(self, payload: Payload) -> Reply:
        connector = self.station.find_transaction(payload["transactionId"])
        if connector is None:
            return _status("Rejected")
        return _status("Accepted", partial(self._end, connector, "Remote"))

    async def _end(self, connector: Connector, reason: str) -> None:
        if connector.transaction is not None:
            self.station.end(connector, reason)

    def on_UnlockConnector(self, payload: Payload) -> Reply:
        connector = self.station.connectors.get(payload["connectorId"])
        if connector is None:
            return _status("NotSupported")
        return _status("Unlocked", partial(self._end, connector, "UnlockCommand"))

    # -- station

    def on_Reset(self, payload: Payload) -> Reply:
        reason = "HardReset" if payload["type"] == "Hard" else "SoftReset"
        return _status("Accepted", partial(self.station.reboot, reason, "RemoteReset"))

    def on_ChangeAvailability(self, payload: Payload) -> Reply:
        targets = self._targets(payload["connectorId"])
        if not targets:
            return _status("Rejected")
        operative = payload["type"] == "Operative"
        answers = [self.station.set_operative(c, operative) for c in targets]
        if payload["connectorId"] == 0:
            self.station.operative = operative
            return _status(
                "Scheduled" if "Scheduled" in answers else "Accepted", partial(self.station.tell_status, [0])
            )
        return _status("Scheduled" if "Scheduled" in answers else "Accepted")

    def on_ClearCache(self, payload: Payload) -> Reply:
        if not self.station.options.cache_enabled:
            return _status("Rejected")
        self.station.cache.clear()
        return _status("Accepted")

    def on_DataTransfer(self, payload: Payload) -> Reply:
        known = payload["vendorId"] == self.station.settings.vendor
        return _status("UnknownMessageId" if known else "UnknownVendorId")

    def on_TriggerMessage(self, payload: Payload) -> Reply:
        return self._trigger(payload["requestedMessage"], payload.get("connectorId"))

    def on_ExtendedTriggerMessage(self, payload: Payload) -> Reply:
        return self._trigger(payload["requestedMessage"], payload.get("connectorId"))

    def _trigger(self, message: str, connector_id: int | None) -> Reply:
        station = self.station
        targets = self._targets(connector_id)
        if not targets:
            return _status("Rejected")
        chosen = [0] if connector_id == 0 else [c.connector_id for c in targets]
        if connector_id is None:
            chosen = [0, *chosen]

        async def boot() -> None:
            station.boot_again()

        work: dict[str, Callable[[], Awaitable[None]]] = {
            "BootNotification": boot,
            "Heartbeat": station.heartbeat,
            "MeterValues": partial(self._trigger_meter_values, targets),
            "StatusNotification": partial(station.tell_status, chosen),
            "DiagnosticsStatusNotification": partial(maintenance.tell_16, station, "DiagnosticsStatusNotification"),
            "LogStatusNotification": partial(maintenance.tell_16, station, "LogStatusNotification"),
            "FirmwareStatusNotification": partial(maintenance.tell_16, station, "FirmwareStatusNotification"),
        }
        return _status("Accepted", work[message]) if message in work else _status("NotImplemented")

    async def _trigger_meter_values(self, targets: list[Connector]) -> None:
        for connector in targets:
            if connector.transaction is not None:
                self.station.sample(connector, connector.transaction, "Trigger")
            else:
                await self.meter_values(connector, connector.read(self.station.clock.seconds()), "Trigger")

    # -- configuration

    def on_GetConfiguration(self, payload: Payload) -> Reply:
        wanted = payload.get("key") or [key.name for key in self.keys.values()]
        found, unknown = [], []
        for name in wanted:
            key = self.keys.get(name.lower())
            if key is None:
                unknown.append(name)
                continue
            entry: dict[str, Any] = {"key": key.name, "readonly": key.readonly}
            if not key.writeonly:
                entry["value"] = self._value(key.name, key.value)
            found.append(entry)
        answer: Payload = {"configurationKey": found}
        if unknown:
            answer["unknownKey"] = unknown
        return Reply(answer)

    def _value(self, name: str, value: str) -> str:
        return f"{self.station.options.heartbeat_s:.0f}" if name == "HeartbeatInterval" else value

    def on_ChangeConfiguration(self, payload: Payload) -> Reply:
        key = self.keys.get(payload["key"].lower())
        if key is None:
            return _status("NotSupported")
        try:
            value = READERS[key.kind](payload["value"])
        except ValueError:
            return _status("Rejected")
        if key.readonly:
            return _status("Rejected")
        key.value = payload["value"]
        if key.option is not None:
            setattr(self.station.options, key.option, value)
            self.station.limits_changed()
            self.station.heartbeat_changed()
        if key.name == "AuthorizationKey":
            return _status("Accepted", partial(self.station.change_password, secret_of(payload["value"])))
        return _status("RebootRequired" if key.reboot else "Accepted")

    # -- charging profiles

    def _store(self, connector_id: int, raw: dict[str, Any], *, starting: bool = False) -> bool:
        try:
            profile = profiles.parse(raw)
        except (ValueError, KeyError):
            return False
        connector = self.station.connectors.get(connector_id)
        if connector_id and connector is None:
            return False
        if profile.stack_level > 10 or (profile.purpose == profiles.STATION_MAX and connector_id):
            return False
        if profile.purpose == profiles.TX and not starting:
            transaction = connector.transaction if connector else None
            if transaction is None or profile.transaction_id not in (None, str(transaction.transaction_id)):
                return False
        self.station.profiles.set(connector_id, profile)
        self.station.limits_changed()
        return True

    def on_SetChargingProfile(self, payload: Payload) -> Reply:
        stored = self._store(payload["connectorId"], payload["csChargingProfiles"])
        return _status("Accepted" if stored else "Rejected")

    def on_ClearChargingProfile(self, payload: Payload) -> Reply:
        wanted = payload.get("id")
        found = self.station.profiles.find(
            connector_id=None if wanted is not None else payload.get("connectorId"),
            profile_ids=None if wanted is None else [wanted],
            purpose=None if wanted is not None else payload.get("chargingProfilePurpose"),
            stack_level=None if wanted is not None else payload.get("stackLevel"),
        )
        self.station.profiles.remove(found)
        self.station.limits_changed()
        return _status("Accepted" if found else "Unknown")

    def on_GetCompositeSchedule(self, payload: Payload) -> Reply:
        station, connector_id = self.station, payload["connectorId"]
        if connector_id and connector_id not in station.connectors:
            return _status("Rejected")
        begin, unit = station.clock.utc(), payload.get("chargingRateUnit", "W")
        periods = station.composite(connector_id, begin, payload["duration"], unit)
        schedule = {
            "duration": payload["duration"],
            "startSchedule": timestamp(begin),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in periods],
        }
        answer = {"status": "Accepted", "connectorId": connector_id, "scheduleStart": timestamp(begin)}
        return Reply({**answer, "chargingSchedule": schedule})

    # -- local list and reservations

    def on_GetLocalListVersion(self, payload: Payload) -> Reply:
        return Reply(
            {"listVersion": self.station.local_list_version if self.station.options.local_list_enabled else -1}
        )

    def on_SendLocalList(self, payload: Payload) -> Reply:
        station = self.station
        if not station.options.local_list_enabled:
            return _status("NotSupported")
        entries = payload.get("localAuthorizationList", [])
        full = payload["updateType"] == "Full"
        if not full and payload["listVersion"] <= station.local_list_version:
            return _status("VersionMismatch")
        if len(entries) > 100 or (full and any("idTagInfo" not in e for e in entries)):
            return _status("Failed")
        updated = {} if full else dict(station.local_list)
        for entry in entries:
            if "idTagInfo" in entry:
                updated[entry["idTag"]] = self.tag_info(entry["idTagInfo"])
            else:
                updated.pop(entry["idTag"], None)
        station.local_list, station.local_list_version = updated, payload["listVersion"]
        return _status("Accepted")

    def on_ReserveNow(self, payload: Payload) -> Reply:
        connector = self.station.connectors.get(payload["connectorId"])
        if connector is None:
            return _status("Rejected")
        expires = parse_time(payload["expiryDate"])
        held = Reservation(payload["reservationId"], payload["idTag"], payload.get("parentIdTag"), expires)
        return _status(self.station.reserve(connector, held))

    def on_CancelReservation(self, payload: Payload) -> Reply:
        return _status("Accepted" if self.station.cancel_reservation(payload["reservationId"]) else "Rejected")

    # -- maintenance

    def on_GetDiagnostics(self, payload: Payload) -> Reply:
        moment = self.station.clock.utc()
        name = f"{self.station.settings.identity}-{moment:%Y%m%dT%H%M%S}.log"
        then = partial(maintenance.diagnostics_16, self.station, payload["location"], name[-100:])
        return Reply({"fileName": name[-100:]}, then)

    def on_GetLog(self, payload: Payload) -> Reply:
        name = f"{self.station.settings.identity}-{payload['logType']}.log"
        then = partial(maintenance.upload_log, self.station, payload, name[-100:])
        return Reply({"status": "Accepted", "filename": name[-100:]}, then)

    def on_UpdateFirmware(self, payload: Payload) -> Reply:
        begin = parse_time(payload["retrieveDate"])
        tries = (payload.get("retries", 0), payload.get("retryInterval", 1))
        work = partial(maintenance.update_firmware, self.station, payload["location"], begin, None, *tries)
        return Reply({}, work)


def secret_of(value: str) -> str | bytes:
    """AuthorizationKey is hexadecimal and used as bytes; other text is used as it is (security white paper §3.2)."""
    try:
        return bytes.fromhex(value) if len(value) in (32, 34, 36, 38, 40) else value
    except ValueError:
        return value
