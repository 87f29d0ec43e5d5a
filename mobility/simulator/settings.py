"""What makes one simulated station: who it is, where it connects, what it can do."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import quote

PROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}


@dataclass
class Settings:
    """Fixed for the life of a station. Times are real seconds unless the name says simulated.

    `energy_wh` is the meter at the start (None: drawn from the identity, and growing with the calendar, so that a
    later run never begins below the end of an earlier one).
    `answer_delay_s` is how long the station takes to answer a CALL: a second CALL within it is a fault of the server.
    """

    url: str
    identity: str
    password: str | None = None
    protocol: str = "1.6"
    connectors: int = 1
    id_tag: str = "SIMTAG01"
    rated_power_w: float = 11_000.0
    battery_wh: float = 60_000.0
    soc_percent: float | None = None
    energy_wh: float | None = None
    speed: float = 1.0
    backlog_s: float | None = None
    seed: int = 0
    vendor: str = "Simulated"
    model: str = ""
    firmware_version: str = "1.0.0"
    meter_interval_s: int = 60
    call_timeout_s: float = 30.0
    answer_delay_s: float = 0.02
    boot_s: float = 2.0
    backoff_min_s: float = 1.0
    backoff_random_s: float = 1.0
    backoff_repeats: int = 5
    attempts: int = 5
    retry_interval_s: float = 10.0
    retry_refused: bool = False
    never_connected_s: float | None = None
    plug_on_remote_start: bool = True
    compression: bool | None = None
    ssl_context: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}")
        if self.connectors < 1:
            raise ValueError("a station has at least one connector")
        if self.meter_interval_s < 0 or self.rated_power_w <= 0:
            raise ValueError("meter_interval_s is at least 0 and rated_power_w positive")

    @property
    def subprotocol(self) -> str:
        return PROTOCOLS[self.protocol]

    @property
    def station_url(self) -> str:
        return f"{self.url.rstrip('/')}/{quote(self.identity, safe='')}"

    @property
    def dc(self) -> bool:
        """Above 43 kW a station charges with direct current."""
        return self.rated_power_w > 43_000


@dataclass
class Options:
    """What configuration keys and variables change at run time; the tables of each version map onto these."""

    heartbeat_s: float = 300.0
    meter_interval_s: int = 60
    aligned_interval_s: int = 0
    attempts: int = 5
    retry_interval_s: float = 10.0
    ping_interval_s: int = 0
    connection_timeout_s: float = 60.0
    offline_threshold_s: float = 60.0
    message_timeout_s: float = 30.0
    stop_on_invalid_id: bool = True
    stop_on_ev_disconnect: bool = True
    authorize_remote_start: bool = False
    allow_offline_unknown: bool = True
    local_authorize_offline: bool = True
    local_pre_authorize: bool = False
    cache_enabled: bool = True
    local_list_enabled: bool = True
    backoff_min_s: float = 1.0
    backoff_random_s: float = 1.0
    backoff_repeats: int = 5
    measurands: list[str] = field(
        default_factory=lambda: [
            "Energy.Active.Import.Register",
            "Power.Active.Import",
            "Current.Import",
            "Voltage",
            "SoC",
        ]
    )
    end_measurands: list[str] = field(default_factory=lambda: ["Energy.Active.Import.Register"])

    @classmethod
    def of(cls, settings: Settings) -> "Options":
        return cls(
            meter_interval_s=settings.meter_interval_s,
            attempts=settings.attempts,
            retry_interval_s=settings.retry_interval_s,
            message_timeout_s=settings.call_timeout_s,
            backoff_min_s=settings.backoff_min_s,
            backoff_random_s=settings.backoff_random_s,
            backoff_repeats=settings.backoff_repeats,
        )
