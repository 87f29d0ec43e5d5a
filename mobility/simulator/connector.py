"""What one connector holds: car, transaction, reservation, and the status that follows from them."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mobility.simulator.physics import Evse, Reading

STOP_REASONS = {
    # neutral: (1.6 reason, 2.x stoppedReason, 2.x triggerReason)
    "Local": ("Local", "Local", "StopAuthorized"),
    "Remote": ("Remote", "Remote", "RemoteStop"),
    "EVDisconnected": ("EVDisconnected", "EVDisconnected", "EVDeparted"),
    "SoftReset": ("SoftReset", "ImmediateReset", "ResetCommand"),
    "HardReset": ("HardReset", "ImmediateReset", "ResetCommand"),
    "UnlockCommand": ("UnlockCommand", "Other", "UnlockCommand"),
    "DeAuthorized": ("DeAuthorized", "DeAuthorized", "Deauthorized"),
    "PowerLoss": ("PowerLoss", "PowerLoss", "AbnormalCondition"),
    "Other": ("Other", "Other", "AbnormalCondition"),
}


@dataclass
class Transaction:
    """One transaction as the station knows it. `key` is the station's own id: on the wire in 2.x, local in 1.6."""

    key: str
    connector_id: int
    id_tag: str
    started: datetime
    meter_start_wh: int
    remote_start_id: int | None = None
    reservation_id: int | None = None
    transaction_id: int | str | None = None
    charging_state: str = "Charging"
    seq_no: int = 0
    id_status: str | None = None
    ended: datetime | None = None
    meter_stop_wh: int | None = None
    stop_reason: str | None = None
    delivered: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def energy_wh(self) -> int | None:
        return None if self.meter_stop_wh is None else self.meter_stop_wh - self.meter_start_wh

    def summary(self, identity: str) -> dict[str, Any]:
        """The station's own truth about the session, in the words of the contract."""
        return {
            "identity": identity,
            "transactionId": self.transaction_id,
            "connector_id": self.connector_id,
            "id_tag": self.id_tag,
            "energy_wh": self.energy_wh,
            "meter_start_wh": self.meter_start_wh,
            "meter_stop_wh": self.meter_stop_wh,
            "started": self.started.isoformat(),
            "ended": self.ended.isoformat() if self.ended else None,
            "stop_reason": self.stop_reason,
            "id_status": self.id_status,
            "delivered": self.delivered,
        }


@dataclass(frozen=True)
class Reservation:
    reservation_id: int
    id_tag: str
    parent_id: str | None
    expires: datetime


@dataclass(frozen=True)
class Authorized:
    """A person who may charge, with a connector still to be plugged in."""

    id_tag: str
    remote_start_id: int | None = None


@dataclass
class Connector:
    """A connector with its EVSE (one each, as in 1.6). Its status is derived, never set."""

    connector_id: int
    evse: Evse
    operative: bool = True
    inoperative_after: bool = False
    finishing: bool = False
    starting: bool = False
    transaction: Transaction | None = None
    reservation: Reservation | None = None
    awaiting: Authorized | None = None
    error_code: str = "NoError"
    reported: str | None = None
    status_since: datetime | None = None
    last_status: str | None = None

    @property
    def plugged(self) -> bool:
        return self.evse.vehicle is not None

    @property
    def status(self) -> str:
        """The status in the words of OCPP 1.6 §4.9."""
        if self.error_code != "NoError":
            return "Faulted"
        if self.transaction is not None:
            return self.transaction.charging_state
        if not self.operative:
            return "Unavailable"
        if self.plugged:
            return "Finishing" if self.finishing else "Preparing"
        if self.awaiting is not None:
            return "Preparing"
        return "Reserved" if self.reservation else "Available"

    def charging_state(self) -> str:
        """Charging, SuspendedEV or SuspendedEVSE, from what flows."""
        car = self.evse.vehicle
        if car is None or car.full or car.asleep:
            return "SuspendedEV"
        return "Charging" if self.evse.limit_w() > 0 else "SuspendedEVSE"

    def read(self, at_s: float) -> Reading:
        self.evse.advance(at_s)
        return self.evse.read()
