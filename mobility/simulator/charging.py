"""Connectors, authorisation and transactions of a simulated station, without any wire."""

import asyncio
import random
import uuid
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zlib import crc32

from mobility.simulator.clock import Clock
from mobility.simulator.connector import Authorized, Connector, Reservation, Transaction
from mobility.simulator.outbox import CallFailed, NoAnswer, Offline
from mobility.simulator.physics import Evse, Reading, Vehicle
from mobility.simulator.profiles import ProfileStore
from mobility.simulator.settings import Options, Settings
from mobility.simulator.wire import TagInfo, Wire


class NotStarted(Exception):
    """A transaction could not start; the text says why (an authorisation status, or the connector's state)."""


class Charging:
    """The half of the station that charges. Station adds the connection; Wire the messages."""

    wire: Wire

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.options = Options.of(settings)
        self.random = random.Random(f"{settings.identity}/{settings.seed}")
        self.profiles = ProfileStore()
        self.local_list: dict[str, TagInfo] = {}
        self.local_list_version = 0
        self.cache: dict[str, TagInfo] = {}
        self.sessions: list[Transaction] = []
        self.connectors = {n: Connector(n, self._evse(n)) for n in range(1, settings.connectors + 1)}

    def _evse(self, connector_id: int) -> Evse:
        settings = self.settings
        register_wh = settings.energy_wh
        if register_wh is None:
            since_s = self.clock.utc().timestamp() - 1_767_225_600  # 2026-01-01
            drawn_wh = crc32(f"{settings.identity}/{connector_id}".encode()) % 1_000_000
            register_wh = drawn_wh + max(0.0, since_s) * settings.rated_power_w / 3600
        one_phase = not settings.dc and settings.rated_power_w <= 7_400
        return Evse(
            rated_power_w=settings.rated_power_w,
            phases=1 if one_phase else 3,
            dc=settings.dc,
            register_wh=float(register_wh),
        )

    # -- what Station provides

    @property
    def online(self) -> bool:
        raise NotImplementedError

    def emit(self, event: str, **data: Any) -> None:
        raise NotImplementedError

    def report(self, kind: str, text: str) -> None:
        raise NotImplementedError

    def spawn(self, work: Awaitable[Any]) -> None:
        raise NotImplementedError

    def status_changed(self, connector: Connector) -> None:
        raise NotImplementedError

    def idle(self) -> None:
        """Called when the last transaction has ended."""

    # -- the driver

    def new_vehicle(self) -> Vehicle:
        """A car as it comes: 20 to 50 % charged, with an on-board charger of 11 kW, or 150 kW of direct current."""
        soc = self.settings.soc_percent
        return Vehicle(
            battery_wh=self.settings.battery_wh,
            soc=(soc / 100) if soc is not None else self.random.uniform(0.2, 0.5),
            max_power_w=150_000.0 if self.settings.dc else 11_040.0,
            phases=3,
        )

    async def plug_in(self, connector_id: int = 1, vehicle: Vehicle | None = None) -> None:
        """Put the cable into the car. Starts the transaction of whoever is authorised already."""
        connector = self.connectors[connector_id]
        if connector.plugged:
            return
        connector.evse.advance(self.clock.seconds())
        connector.evse.vehicle = vehicle or self.new_vehicle()
        connector.finishing = False
        if connector.awaiting is not None:
            waiting, connector.awaiting = connector.awaiting, None
            trigger = "CablePluggedIn" if waiting.remote_start_id is None else "RemoteStart"
            self._begin(connector, waiting, trigger)
        self.refresh(connector)

    async def unplug(self, connector_id: int = 1) -> None:
        """Take the cable out of the car; a running transaction ends (StopTransactionOnEVSideDisconnect)."""
        connector = self.connectors[connector_id]
        if connector.transaction is not None and self.options.stop_on_ev_disconnect:
            self.end(connector, "EVDisconnected")
        connector.evse.advance(self.clock.seconds())
        connector.evse.vehicle = None
        connector.finishing = False
        if connector.transaction is not None:
            connector.transaction.wake.set()
        self.refresh(connector)

    async def start(self, connector_id: int = 1, id_tag: str | None = None) -> Transaction | None:
        """Present a tag. Returns the transaction, or None when the cable is still to be plugged in.

        Raises NotStarted when the connector is not free or the tag is refused.
        """
        connector, tag = self.connectors[connector_id], id_tag or self.settings.id_tag
        self._check_free(connector)
        connector.starting = True
        try:
            info = await self.authorize(tag)
        finally:
            connector.starting = False
        if info.status != "Accepted":
            raise NotStarted(f"the tag {tag} is {info.status}")
        self._check_free(connector)
        if not self.may_use(connector, tag, info.parent_id):
            raise NotStarted("the connector is reserved for somebody else")
        return self.allow(connector, Authorized(tag), "Authorized")

    def _check_free(self, connector: Connector) -> None:
        if connector.transaction is not None or connector.starting:
            raise NotStarted("the connector has a transaction")
        if not connector.operative or connector.error_code != "NoError":
            raise NotStarted(f"the connector is {connector.status}")

    def allow(self, connector: Connector, who: Authorized, trigger: str) -> Transaction | None:
        """Begin, or wait for the cable until the connection time-out."""
        if connector.plugged:
            transaction = self._begin(connector, who, trigger)
            self.refresh(connector)
            return transaction
        connector.awaiting = who
        self.refresh(connector)
        self.spawn(self._await_cable(connector, who))
        return None

    async def _await_cable(self, connector: Connector, who: Authorized) -> None:
        if who.remote_start_id is not None and self.settings.plug_on_remote_start:
            await asyncio.sleep(self.random.uniform(0.5, 2.0))
            if connector.awaiting is who:
                await self.plug_in(connector.connector_id)
            return
        await self.clock.sleep(self.options.connection_timeout_s)
        if connector.awaiting is who:
            connector.awaiting = None
            self.emit("connection_timeout", connector_id=connector.connector_id)
            self.refresh(connector)

    async def stop(self, connector_id: int = 1, *, id_tag: str | None = None, reason: str = "Local") -> Transaction:
        """End the transaction, as the driver with a tag (Local) or for another reason. Raises NotStarted."""
        connector = self.connectors[connector_id]
        if connector.transaction is None:
            raise NotStarted("there is no transaction")
        tag = id_tag or (connector.transaction.id_tag if reason == "Local" else None)
        return self.end(connector, reason, tag)

    # -- authorisation

    async def authorize(self, id_tag: str) -> TagInfo:
        """By the server; offline, by local list, cache, or the rule for unknown tags (OCPP 1.6 §3.5, 2.0.1 C12-C15)."""
        local = self._known_tag(id_tag)
        if self.online:
            if self.options.local_pre_authorize and local is not None and local.status == "Accepted":
                return local
            try:
                info = await self.wire.authorize(id_tag)
            except Offline:
                pass
            except (CallFailed, NoAnswer) as error:
                return TagInfo(f"not authorised: {error}")
            else:
                if self.options.cache_enabled:
                    self.cache[id_tag] = info
                self.emit("authorize", id_tag=id_tag, status=info.status)
                return info
        if local is not None and self.options.local_authorize_offline:
            return local
        return TagInfo("Accepted" if self.options.allow_offline_unknown else "Unknown")

    def _known_tag(self, id_tag: str) -> TagInfo | None:
        found = self.local_list.get(id_tag) if self.options.local_list_enabled else None
        found = found or (self.cache.get(id_tag) if self.options.cache_enabled else None)
        if found is not None and found.expires is not None and found.expires < self.clock.utc():
            return TagInfo("Expired")
        return found

    def may_use(self, connector: Connector, id_tag: str, parent_id: str | None) -> bool:
        held = connector.reservation
        return held is None or held.id_tag == id_tag or (held.parent_id is not None and held.parent_id == parent_id)

    def judged(self, transaction: Transaction, status: str) -> None:
        """The server's word on the tag of a transaction; a refused one ends it (StopTransactionOnInvalidId)."""
        transaction.id_status = status
        connector = self.connectors[transaction.connector_id]
        if status != "Accepted" and connector.transaction is transaction and self.options.stop_on_invalid_id:
            self.end(connector, "DeAuthorized")

    # -- transactions

    def _begin(self, connector: Connector, who: Authorized, trigger: str) -> Transaction:
        connector.finishing = False
        self._offer(connector)
        reading = connector.evse.read()
        held = connector.reservation
        transaction = Transaction(
            key=str(uuid.uuid4()),
            connector_id=connector.connector_id,
            id_tag=who.id_tag,
            started=self.clock.utc(),
            meter_start_wh=reading.energy_wh,
            remote_start_id=who.remote_start_id,
            reservation_id=held.reservation_id if held else None,
        )
        connector.reservation = None
        connector.transaction = transaction
        connector.evse.closed = True
        self._offer(connector)
        transaction.charging_state = connector.charging_state()
        self.sessions.append(transaction)
        # Power flows from here on, but the transaction begins with the register that it has noted.
        begun = replace(connector.evse.read(), energy_wh=transaction.meter_start_wh)
        self.wire.started(transaction, begun, trigger)
        self.emit(
            "transaction_started",
            connector_id=connector.connector_id,
            id_tag=who.id_tag,
            meter_start_wh=transaction.meter_start_wh,
        )
        self.spawn(self._meter(connector, transaction))
        return transaction

    def end(self, connector: Connector, reason: str, id_tag: str | None = None) -> Transaction:
        """End the transaction of a connector that has one."""
        transaction = connector.transaction
        if transaction is None:
            raise NotStarted("there is no transaction")
        reading = connector.read(self.clock.seconds())
        connector.evse.closed = False
        connector.transaction = None
        connector.finishing = connector.plugged
        transaction.ended = self.clock.utc()
        transaction.meter_stop_wh = reading.energy_wh
        transaction.stop_reason = reason
        transaction.wake.set()
        self.wire.ended(transaction, connector.evse.read(), id_tag)
        self.profiles.end_transaction(connector.connector_id)
        if connector.inoperative_after:
            connector.inoperative_after, connector.operative = False, False
        self.emit("transaction_ended", reason=reason, **transaction.summary(self.settings.identity))
        self.refresh(connector)
        if not any(c.transaction for c in self.connectors.values()):
            self.idle()
        return transaction

    def _offer(self, connector: Connector) -> datetime:
        """Advance the physics and apply the charging profiles; returns until when the limit holds."""
        evse, now = connector.evse, self.clock.utc()
        evse.advance(self.clock.seconds())
        transaction = connector.transaction
        own = self.profiles.limit(
            connector.connector_id,
            now,
            started=transaction.started if transaction else None,
            tx=str(transaction.transaction_id) if transaction else None,
        )
        whole = self.profiles.station_limit(now)
        sharing = max(1, sum(c.transaction is not None for c in self.connectors.values()))
        evse.offered_w = min(own.limit_w, whole.limit_w / sharing)
        evse.offered_a = min(own.limit_a, whole.limit_a / sharing)
        evse.offered_phases = own.phases or whole.phases or 3
        if transaction is not None and evse.vehicle is not None:
            evse.vehicle.offered(evse.limit_w())
        return min(own.until, whole.until)

    async def _meter(self, connector: Connector, transaction: Transaction) -> None:
        """Sample at the interval, and follow limits and battery, until the transaction ends."""
        sampled_s = self.clock.seconds()
        while connector.transaction is transaction:
            until = self._offer(connector)
            self._follow(connector, transaction)
            interval_s = self.options.meter_interval_s
            now_s = self.clock.seconds()
            if interval_s > 0 and now_s - sampled_s >= interval_s - 1e-3:
                sampled_s = max(sampled_s + interval_s, now_s - interval_s / 2)
                self.sample(connector, transaction, "Sample.Periodic")
            waits = [3600.0, (until - self.clock.utc()).total_seconds() + 0.01]
            if interval_s > 0:
                waits.append(sampled_s + interval_s - now_s)
            if transaction.charging_state == "Charging":
                waits.append(connector.evse.seconds_to_full() + 0.01)
            transaction.wake.clear()
            try:
                await asyncio.wait_for(transaction.wake.wait(), max(0.001, self.clock.real_delay(min(waits))))
            except TimeoutError:
                continue

    def _follow(self, connector: Connector, transaction: Transaction) -> None:
        state = connector.charging_state()
        if state != transaction.charging_state:
            transaction.charging_state = state
            self.wire.state_changed(transaction, connector.evse.read())
            self.refresh(connector)

    def sample(self, connector: Connector, transaction: Transaction, context: str) -> Reading:
        reading = connector.read(self.clock.seconds())
        self.wire.sampled(transaction, reading, context)
        self.emit(
            "meter",
            connector_id=connector.connector_id,
            energy_wh=reading.energy_wh,
            power_w=reading.power_w,
            soc_percent=reading.soc_percent,
        )
        return reading

    def limits_changed(self) -> None:
        """Look at the charging profiles and intervals again now."""
        for connector in self.connectors.values():
            if connector.transaction is not None:
                connector.transaction.wake.set()

    def composite(self, connector_id: int, begin: datetime, duration_s: int, unit: str) -> list[tuple[int, float]]:
        """The composite schedule as (start in s, limit in `unit`); connector 0 is the grid connection."""
        connector = self.connectors.get(connector_id)
        evse = (connector or self.connectors[1]).evse
        transaction = connector.transaction if connector else None
        phases = 1 if evse.dc else evse.phases
        periods = self.profiles.composite(
            connector_id,
            begin,
            duration_s,
            started=transaction.started if transaction else None,
            tx=str(transaction.transaction_id) if transaction else None,
            volts=evse.voltage_v,
            phases=phases,
            rated_w=evse.rated_power_w * (1 if connector else len(self.connectors)),
        )
        divisor = evse.voltage_v * phases if unit == "A" else 1.0
        return [(start, round(limit_w / divisor, 1)) for start, limit_w in periods]

    # -- status and reservations

    def refresh(self, connector: Connector) -> None:
        """Tell a changed status."""
        if connector.status != connector.last_status:
            connector.last_status = connector.status
            connector.status_since = self.clock.utc()
            self.emit("status", connector_id=connector.connector_id, status=connector.status)
            self.status_changed(connector)

    def set_operative(self, connector: Connector, operative: bool) -> str:
        """Accepted, or Scheduled while a transaction runs (OCPP 1.6 §5.2, 2.0.1 G03)."""
        if not operative and connector.transaction is not None:
            connector.inoperative_after = True
            return "Scheduled"
        connector.inoperative_after = False
        connector.operative = operative
        self.refresh(connector)
        return "Accepted"

    def reserve(self, connector: Connector, reservation: Reservation) -> str:
        """Accepted, Occupied, Faulted or Unavailable (OCPP 1.6 §5.13, 2.0.1 H01)."""
        own = connector.reservation is not None and connector.reservation.reservation_id == reservation.reservation_id
        if not own and connector.status != "Available":
            return connector.status if connector.status in ("Faulted", "Unavailable") else "Occupied"
        connector.reservation = reservation
        self.refresh(connector)
        self.spawn(self._expire_reservation(connector, reservation))
        return "Accepted"

    async def _expire_reservation(self, connector: Connector, reservation: Reservation) -> None:
        await self.clock.sleep((reservation.expires - self.clock.utc()).total_seconds())
        if connector.reservation is reservation:
            connector.reservation = None
            self.emit("reservation_expired", connector_id=connector.connector_id, id=reservation.reservation_id)
            self.refresh(connector)
            await self.wire.reservation_ended(reservation.reservation_id, expired=True)

    def cancel_reservation(self, reservation_id: int) -> bool:
        for connector in self.connectors.values():
            if connector.reservation is not None and connector.reservation.reservation_id == reservation_id:
                connector.reservation = None
                self.refresh(connector)
                return True
        return False

    def find_transaction(self, transaction_id: int | str) -> Connector | None:
        """The connector whose running transaction has this id."""
        for connector in self.connectors.values():
            if connector.transaction is not None and connector.transaction.transaction_id == transaction_id:
                return connector
        return None
