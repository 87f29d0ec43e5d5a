"""OCPP 2.0.1 and 2.1: what the server asks of the station, without the device model."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from mobility.simulator import maintenance, profiles
from mobility.simulator.clock import parse_time, timestamp
from mobility.simulator.connector import Authorized, Connector, Reservation
from mobility.simulator.link import Reject, Reply
from mobility.simulator.outbox import Payload
from mobility.simulator.v2_device_commands import DeviceCommands2
from mobility.simulator.wire import TagInfo

if TYPE_CHECKING:
    from mobility.simulator.connector import Transaction

NOT_WHILE_PENDING = ("RequestStartTransaction", "RequestStopTransaction")


def _status(status: str, then: Callable[[], Awaitable[None]] | None = None, reason: str | None = None) -> Reply:
    answer: Payload = {"status": status}
    if reason:
        answer["statusInfo"] = {"reasonCode": reason}
    return Reply(answer, then)


class Commands2(DeviceCommands2):
    """Each `on_<Action>` takes the payload and returns the answer; actions without one are NotSupported."""

    def handle(self, action: str, payload: Payload) -> Reply | Reject:
        if self.station.registration != "Accepted" and action in NOT_WHILE_PENDING:
            return _status("Rejected", reason="NotRegistered")
        handler: Callable[[Payload], Reply | Reject] | None = getattr(self, f"on_{action}", None)
        return handler(payload) if handler else Reject("NotSupported", f"{action} is not supported by this station")

    @staticmethod
    def id_token(id_tag: str) -> Payload:
        return {"idToken": id_tag[:36], "type": "ISO14443"}

    @staticmethod
    def tag_info(info: dict[str, Any]) -> TagInfo:
        group, expires = info.get("groupIdToken"), info.get("cacheExpiryDateTime")
        return TagInfo(info["status"], group["idToken"] if group else None, parse_time(expires) if expires else None)

    def _targets(self, evse: Payload | None) -> list[Connector]:
        """The connector of an EVSE object, or all of them; empty when there is no such EVSE or connector."""
        if not evse or not evse["id"]:
            return list(self.station.connectors.values())
        found = self.station.connectors.get(evse["id"])
        return [found] if found and evse.get("connectorId", 1) == 1 else []

    # -- transactions

    def on_RequestStartTransaction(self, payload: Payload) -> Reply:
        station, tag = self.station, payload["idToken"]["idToken"]
        group = payload.get("groupIdToken", {}).get("idToken")
        evse_id = payload.get("evseId")
        free = [
            c
            for c in self._targets({"id": evse_id} if evse_id else None)
            if c.transaction is None
            and c.awaiting is None
            and not c.starting
            and c.status in ("Available", "Preparing", "Finishing", "Reserved")
            and station.may_use(c, tag, group)
        ]
        if not free:
            return _status("Rejected", reason="NoFreeEVSE")
        connector = max(free, key=lambda c: c.plugged)
        raw = payload.get("chargingProfile")
        if raw is not None and not self._store(connector.connector_id, raw, starting=True):
            return _status("Rejected", reason="InvalidProfile")
        return _status("Accepted", partial(self._remote_start, connector, tag, payload["remoteStartId"]))

    async def _remote_start(self, connector: Connector, tag: str, remote_start_id: int) -> None:
        station = self.station
        if station.options.authorize_remote_start and (await station.authorize(tag)).status != "Accepted":
            return
        if connector.transaction is None and connector.awaiting is None:
            station.allow(connector, Authorized(tag, remote_start_id), "RemoteStart")

    def on_RequestStopTransaction(self, payload: Payload) -> Reply:
        connector = self.station.find_transaction(payload["transactionId"])
        if connector is None:
            return _status("Rejected", reason="TxNotFound")
        return _status("Accepted", partial(self._end, connector, "Remote"))

    async def _end(self, connector: Connector, reason: str) -> None:
        if connector.transaction is not None:
            self.station.end(connector, reason)

    def on_GetTransactionStatus(self, payload: Payload) -> Reply:
        wanted = payload.get("transactionId")
        queued = [m.payload["transactionInfo"]["transactionId"] for m in self.station.outbox]
        if wanted is None:
            return Reply({"messagesInQueue": bool(queued)})
        ongoing = self.station.find_transaction(wanted) is not None
        return Reply({"ongoingIndicator": ongoing, "messagesInQueue": wanted in queued})

    def on_CostUpdated(self, payload: Payload) -> Reply:
        self.station.emit("cost", transactionId=payload["transactionId"], total_cost=payload["totalCost"])
        return Reply({})

    def on_UnlockConnector(self, payload: Payload) -> Reply:
        connector = self.station.connectors.get(payload["evseId"])
        if connector is None or payload["connectorId"] != 1:
            return _status("UnknownConnector")
        return _status("OngoingAuthorizedTransaction" if connector.transaction else "Unlocked")

    # -- station

    def on_Reset(self, payload: Payload) -> Reply:
        if payload.get("evseId"):
            return _status("Rejected", reason="NotSupported")
        busy = any(c.transaction for c in self.station.connectors.values())
        if payload["type"] == "OnIdle" and busy:
            self.station.reboot_when_idle("ScheduledReset")
            return _status("Scheduled")
        if payload["type"] == "ImmediateAndResume" and busy:
            return _status("Rejected", reason="NotSupported")
        return _status("Accepted", partial(self.station.reboot, "SoftReset", "RemoteReset"))

    def on_ChangeAvailability(self, payload: Payload) -> Reply:
        targets = self._targets(payload.get("evse"))
        if not targets:
            return _status("Rejected", reason="UnknownEVSE")
        answers = [self.station.set_operative(c, payload["operationalStatus"] == "Operative") for c in targets]
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
        station, message = self.station, payload["requestedMessage"]
        targets = self._targets(payload.get("evse"))
        running = [c.transaction for c in targets if c.transaction is not None]
        if not targets or (message == "BootNotification" and station.registration == "Accepted"):
            return _status("Rejected")
        if message == "TransactionEvent" and not running:
            return _status("Rejected", reason="NoTransaction")

        async def boot() -> None:
            station.boot_again()

        log, firmware = "LogStatusNotification", "FirmwareStatusNotification"
        work: dict[str, Callable[[], Awaitable[None]]] = {
            "BootNotification": boot,
            "Heartbeat": station.heartbeat,
            "MeterValues": partial(self._trigger_meter_values, targets),
            "StatusNotification": partial(self._trigger_status, targets),
            "TransactionEvent": partial(self._trigger_events, running),
            log: partial(maintenance.tell_16, station, log),
            firmware: partial(maintenance.tell_16, station, firmware),
        }
        return _status("Accepted", work[message]) if message in work else _status("NotImplemented")

    async def _trigger_meter_values(self, targets: list[Connector]) -> None:
        for connector in targets:
            await self.meter_values(connector, connector.read(self.station.clock.seconds()), "Trigger")

    async def _trigger_status(self, targets: list[Connector]) -> None:
        for connector in targets:
            await self.tell_status(connector, connector.status, connector.status_since or self.station.clock.utc())

    async def tell_status(self, connector: Connector, status: str, since: Any) -> None:
        raise NotImplementedError

    async def _trigger_events(self, transactions: "list[Transaction]") -> None:
        for transaction in transactions:
            self.station.sample(self.station.connectors[transaction.connector_id], transaction, "Trigger")

    # -- charging profiles

    def _store(self, evse_id: int, raw: dict[str, Any], *, starting: bool = False) -> bool:
        try:
            profile = profiles.parse(raw)
        except (ValueError, KeyError):
            return False
        connector = self.station.connectors.get(evse_id)
        if evse_id and connector is None:
            return False
        if profile.stack_level > 10 or (profile.purpose == profiles.STATION_MAX and evse_id):
            return False
        if profile.purpose == profiles.TX and not starting:
            transaction = connector.transaction if connector else None
            if transaction is None or profile.transaction_id != transaction.key:
                return False
        self.station.profiles.set(evse_id, profile)
        self.station.limits_changed()
        return True

    def on_SetChargingProfile(self, payload: Payload) -> Reply:
        stored = self._store(payload["evseId"], payload["chargingProfile"])
        return _status("Accepted") if stored else _status("Rejected", reason="InvalidProfile")

    def on_ClearChargingProfile(self, payload: Payload) -> Reply:
        wanted, criteria = payload.get("chargingProfileId"), payload.get("chargingProfileCriteria", {})
        found = self.station.profiles.find(
            connector_id=criteria.get("evseId"),
            profile_ids=None if wanted is None else [wanted],
            purpose=criteria.get("chargingProfilePurpose"),
            stack_level=criteria.get("stackLevel"),
        )
        self.station.profiles.remove(found)
        self.station.limits_changed()
        return _status("Accepted" if found else "Unknown")

    def on_GetChargingProfiles(self, payload: Payload) -> Reply:
        criterion = payload["chargingProfile"]
        found = self.station.profiles.find(
            connector_id=payload.get("evseId"),
            profile_ids=criterion.get("chargingProfileId"),
            purpose=criterion.get("chargingProfilePurpose"),
            stack_level=criterion.get("stackLevel"),
        )
        if not found or "CSO" not in criterion.get("chargingLimitSource", ["CSO"]):
            return _status("NoProfiles")
        return _status("Accepted", partial(self._report_profiles, payload["requestId"], found))

    async def _report_profiles(self, request_id: int, found: list[tuple[int, profiles.Profile]]) -> None:
        for index, (evse_id, profile) in enumerate(found):
            report: Payload = {
                "requestId": request_id,
                "chargingLimitSource": "CSO",
                "evseId": evse_id,
                "chargingProfile": [profile.raw],
            }
            if index + 1 < len(found):
                report["tbc"] = True
            await self.station.call("ReportChargingProfiles", report)

    def on_GetCompositeSchedule(self, payload: Payload) -> Reply:
        station, evse_id = self.station, payload["evseId"]
        if evse_id and evse_id not in station.connectors:
            return _status("Rejected", reason="UnknownEVSE")
        begin, unit = station.clock.utc(), payload.get("chargingRateUnit", "W")
        periods = station.composite(evse_id, begin, payload["duration"], unit)
        schedule = {
            "evseId": evse_id,
            "duration": payload["duration"],
            "scheduleStart": timestamp(begin),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in periods],
        }
        return Reply({"status": "Accepted", "schedule": schedule}) if periods else _status("Rejected")

    # -- local list and reservations

    def on_GetLocalListVersion(self, payload: Payload) -> Reply:
        return Reply({"versionNumber": self.station.local_list_version if self.station.local_list else 0})

    def on_SendLocalList(self, payload: Payload) -> Reply:
        station = self.station
        entries = payload.get("localAuthorizationList", [])
        full = payload["updateType"] == "Full"
        if not station.options.local_list_enabled or len(entries) > 100:
            return _status("Failed")
        if not full and payload["versionNumber"] <= station.local_list_version:
            return _status("VersionMismatch")
        if full and any("idTokenInfo" not in entry for entry in entries):
            return _status("Failed", reason="InvalidValue")
        updated = {} if full else dict(station.local_list)
        for entry in entries:
            if "idTokenInfo" in entry:
                updated[entry["idToken"]["idToken"]] = self.tag_info(entry["idTokenInfo"])
            else:
                updated.pop(entry["idToken"]["idToken"], None)
        station.local_list, station.local_list_version = updated, payload["versionNumber"]
        return _status("Accepted")

    def on_ReserveNow(self, payload: Payload) -> Reply:
        evse_id = payload.get("evseId")
        targets = self._targets({"id": evse_id} if evse_id else None)
        if not targets:
            return _status("Rejected", reason="UnknownEVSE")
        connector = next((c for c in targets if c.status == "Available"), targets[0])
        group = payload.get("groupIdToken", {}).get("idToken")
        expires = parse_time(payload["expiryDateTime"])
        held = Reservation(payload["id"], payload["idToken"]["idToken"], group, expires)
        return _status(self.station.reserve(connector, held))

    def on_CancelReservation(self, payload: Payload) -> Reply:
        return _status("Accepted" if self.station.cancel_reservation(payload["reservationId"]) else "Rejected")

    # -- maintenance

    def on_GetLog(self, payload: Payload) -> Reply:
        name = f"{self.station.settings.identity}-{payload['logType']}.log"
        then = partial(maintenance.upload_log, self.station, payload, name[-100:])
        return Reply({"status": "Accepted", "filename": name[-100:]}, then)

    def on_UpdateFirmware(self, payload: Payload) -> Reply:
        firmware = payload["firmware"]
        begin = parse_time(firmware["retrieveDateTime"])
        tries = (payload["requestId"], payload.get("retries", 0), payload.get("retryInterval", 1))
        work = partial(maintenance.update_firmware, self.station, firmware["location"], begin, *tries)
        return _status("Accepted", work)

    def on_GetInstalledCertificateIds(self, payload: Payload) -> Reply:
        return _status("NotFound")
