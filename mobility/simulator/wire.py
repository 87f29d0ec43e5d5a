"""What a version has to translate: the seam between the neutral station and the OCPP messages."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mobility.simulator.connector import Connector, Transaction
from mobility.simulator.link import Reject, Reply
from mobility.simulator.outbox import Payload
from mobility.simulator.physics import Reading

if TYPE_CHECKING:
    from mobility.simulator.station import Station


@dataclass(frozen=True)
class BootAnswer:
    """status: Accepted, Pending or Rejected; interval in seconds."""

    status: str
    interval_s: float
    current_time: datetime


@dataclass(frozen=True)
class TagInfo:
    """What is known of an id tag; `parent_id` is the parentIdTag or groupIdToken."""

    status: str
    parent_id: str | None = None
    expires: datetime | None = None


class Wire(ABC):
    """Builds the messages of one version and answers the server's commands."""

    version: str

    def __init__(self, station: "Station") -> None:
        self.station = station

    @abstractmethod
    async def boot(self, reason: str) -> BootAnswer:
        """BootNotification; `reason` is a 2.x BootReasonEnumType."""

    @abstractmethod
    async def authorize(self, id_tag: str) -> TagInfo:
        """Ask the server. Raises Offline, CallFailed, NoAnswer."""

    @abstractmethod
    async def status(self, connector: Connector | None, status: str, since: datetime) -> None:
        """StatusNotification; None is the station as a whole (1.6 connector 0)."""

    @abstractmethod
    def started(self, transaction: Transaction, reading: Reading, trigger: str) -> None:
        """Queue the start. `trigger`: Authorized, CablePluggedIn or RemoteStart."""

    @abstractmethod
    def sampled(self, transaction: Transaction, reading: Reading, context: str) -> None:
        """Queue meter values of a transaction."""

    @abstractmethod
    def state_changed(self, transaction: Transaction, reading: Reading) -> None:
        """Queue a change of the charging state, where the version tells it in the transaction."""

    @abstractmethod
    def ended(self, transaction: Transaction, reading: Reading, id_tag: str | None) -> None:
        """Queue the end; `id_tag` is who stopped it, if somebody did."""

    @abstractmethod
    async def meter_values(self, connector: Connector, reading: Reading, context: str) -> None:
        """MeterValues outside transactions."""

    @abstractmethod
    async def reservation_ended(self, reservation_id: int, expired: bool) -> None:
        """Tell the end of a reservation, where the version has a message for it."""

    @abstractmethod
    def handle(self, action: str, payload: Payload) -> Reply | Reject:
        """Answer a CALL that keeps its schema."""
