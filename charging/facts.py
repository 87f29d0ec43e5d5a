"""What a station can report, the same for every OCPP version.

Translators in `ocpp_gateway` make these from wire messages; `charging.ledger` applies them. EVSE and connector numbers
are those of the native model: 1.6 connector n is EVSE n, connector 1; number 0 means the station itself.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: (measurand, value, unit, phase, location, context); value is None where the station sent no number.
Sample = tuple[str, float | None, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time as the station said it and as it is believed.

    `station` is the station's own clock in UTC, or the receive time where it sent none: keys are made of it.
    `at` is what the product shows and counts with. `flag` says why they differ: `missing` or `implausible`.
    """

    station: datetime
    at: datetime
    flag: str = ""


@dataclass(slots=True)
class Reading:
    """All samples of one moment, with the totals that are charted and billed.

    `energy_wh` is the register at that moment; samples of the contexts Transaction.Begin and Transaction.End are never
    that, and stand in `begin_wh` and `end_wh`.
    """

    stamp: Stamp
    samples: list[Sample]
    energy_wh: float | None = None
    power_w: float | None = None
    current_a: float | None = None
    voltage_v: float | None = None
    soc_percent: float | None = None
    begin_wh: float | None = None
    end_wh: float | None = None


@dataclass(frozen=True, slots=True)
class Booted:
    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    firmware_version: str = ""
    iccid: str = ""
    imsi: str = ""
    meter_type: str = ""
    meter_serial_number: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life; every frame is one."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """`drift_s`: how far the station's clock is ahead, where the message says a time that is about now."""

    evse: int
    connector: int
    status: str
    stamp: Stamp
    error_code: str = ""
    info: str = ""
    vendor_error_code: str = ""
    drift_s: float | None = None


@dataclass(frozen=True, slots=True)
class IdToken:
    """A token as presented: `text` raw, `type` as in 2.x (1.6 tags are ISO14443 or unknown: empty)."""

    text: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Authorized:
    token: IdToken


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """`transaction_id` is None for 1.6, where the CSMS hands it out; `key` holds the raw values that make it unique."""

    key: tuple[Any, ...]
    transaction_id: str | None
    evse: int
    connector: int
    stamp: Stamp
    token: IdToken | None = None
    meter_wh: float | None = None
    reservation: int | None = None
    remote_start_id: int | None = None
    trigger: str = ""
    charging_state: str = ""
    seq_no: int | None = None
    offline: bool = False
    readings: list[Reading] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TransactionUpdated:
    key: tuple[Any, ...]
    transaction_id: str
    stamp: Stamp
    evse: int = 0
    connector: int = 0
    token: IdToken | None = None
    remote_start_id: int | None = None
    trigger: str = ""
    charging_state: str = ""
    seq_no: int | None = None
    offline: bool = False
    readings: list[Reading] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    reservation: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """`transaction_id` is None where the station sent an unusable one: it is attached by station and time.

    `queued` is `ongoingIndicator=false, messagesInQueue=true`-like: more is to come, and the end is not final.
    """

    key: tuple[Any, ...]
    transaction_id: str | None
    stamp: Stamp
    evse: int = 0
    connector: int = 0
    token: IdToken | None = None
    meter_wh: float | None = None
    remote_start_id: int | None = None
    reason: str = ""
    trigger: str = ""
    charging_state: str = ""
    seq_no: int | None = None
    offline: bool = False
    readings: list[Reading] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    reservation: int | None = None


@dataclass(frozen=True, slots=True)
class MeterRead:
    """Meter values of a connector. `transaction_id` "" means that none was sent; `attach`, that an unsent or unusable
    one may be found by connector and time (1.6)."""

    evse: int
    connector: int
    readings: list[Reading]
    transaction_id: str = ""
    attach: bool = True


@dataclass(frozen=True, slots=True)
class ReportedValue:
    variable: str
    value: str | None
    component: str = ""
    component_instance: str = ""
    evse: int | None = None
    connector: int | None = None
    variable_instance: str = ""
    attribute: str = ""
    readonly: bool = False
    mutability: str = ""
    data_type: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Configured:
    """Configuration keys or device model variables as the station reports them."""

    values: list[ReportedValue]


@dataclass(frozen=True, slots=True)
class FirmwareProgressed:
    status: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class LogProgressed:
    status: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class ReservationChanged:
    """A reservation has ended at the station: `status` is Expired, Removed or (2.1) NoTransaction."""

    number: int
    status: str


@dataclass(frozen=True, slots=True)
class SecurityEventRaised:
    type: str
    stamp: Stamp
    info: str = ""


@dataclass(frozen=True, slots=True)
class StationEvent:
    """An entry of NotifyEvent (2.x): something that a component of the station noticed."""

    component: str
    variable: str
    value: str
    stamp: Stamp
    trigger: str = ""
    cleared: bool = False
    evse: int | None = None
    connector: int | None = None


@dataclass(frozen=True, slots=True)
class EventsNotified:
    events: list[StationEvent]


@dataclass(frozen=True, slots=True)
class DataTransferred:
    vendor_id: str
    message_id: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class ProfilesReported:
    """The ids of charging profiles that a station holds at an EVSE (0: itself), and who set them."""

    evse: int
    source: str
    numbers: list[int]


@dataclass(frozen=True, slots=True)
class CompositeReported:
    """The composite schedule of an EVSE as the station computed it: `periods` is `[{"start_s", "limit"}]`."""

    evse: int
    unit: str
    begins_at: datetime
    duration_s: int
    periods: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A transaction message that cannot be applied and is kept for a person to look at."""

    action: str
    reason: str
    payload: Any


Fact = (
    Booted
    | Heartbeat
    | StatusChanged
    | Authorized
    | TransactionStarted
    | TransactionUpdated
    | TransactionEnded
    | MeterRead
    | Configured
    | FirmwareProgressed
    | LogProgressed
    | ReservationChanged
    | SecurityEventRaised
    | EventsNotified
    | DataTransferred
    | ProfilesReported
    | CompositeReported
    | Quarantined
)

#: Facts about transactions: always answered, never refused for a business reason.
TRANSACTION_FACTS = (TransactionStarted, TransactionUpdated, TransactionEnded, MeterRead)


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the CSMS says of a token.

    `status` is neutral: accepted, blocked, expired, concurrent, unknown. `user_id` and `id_tag_id` are whose it is.
    """

    status: str
    id_tag_id: int | None = None
    user_id: int | None = None
    expires: datetime | None = None
    group: str = ""

    @property
    def accepted(self) -> bool:
        return self.status == "accepted"


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """How a boot is answered: `registration` accepted, pending or rejected; the interval in seconds."""

    registration: str
    interval_s: int


@dataclass(frozen=True, slots=True)
class TransactionAnswer:
    """What a transaction message is answered with. `transaction_id` is 0 only where there is none to give."""

    transaction_id: str
    authorization: Authorization | None = None
    cost: str | None = None
