"""What: sites, stations, transactions and all that is kept about them."""

from charging.models.cars import Car, DriverPreference, PersonCostCenter
from charging.models.commands import Command
from charging.models.configuration import ConfigurationValue, DesiredValue
from charging.models.corrections import Correction
from charging.models.events import Change, FeedHead, Pulse, QuarantinedMessage, SecurityEvent, Violation
from charging.models.id_tags import IdTag, IdTagAlias
from charging.models.jobs import FirmwareFile, JobGroup, StationJob
from charging.models.load import ChargingProfile, Circuit, CompositeSchedule, Outlet, SiteLoad
from charging.models.messages import OcppMessage
from charging.models.reservations import Reservation
from charging.models.schedules import Schedule, ScheduleRun
from charging.models.set_up import SetUp
from charging.models.sites import Site
from charging.models.stations import EVSE, ChargingStation, Connector, RefusedHandshake, WaitingStation
from charging.models.tariffs import Holiday, PriceSlot, PriceSource, Tariff, TariffAssignment, TariffVersion
from charging.models.transactions import HourlyEnergy, MeterReading, Transaction, TransactionEvent

__all__ = [
    "EVSE",
    "Car",
    "Change",
    "ChargingProfile",
    "ChargingStation",
    "Circuit",
    "Command",
    "CompositeSchedule",
    "ConfigurationValue",
    "Connector",
    "Correction",
    "DesiredValue",
    "DriverPreference",
    "FeedHead",
    "FirmwareFile",
    "Holiday",
    "HourlyEnergy",
    "IdTag",
    "IdTagAlias",
    "JobGroup",
    "MeterReading",
    "OcppMessage",
    "Outlet",
    "PersonCostCenter",
    "PriceSlot",
    "PriceSource",
    "Pulse",
    "QuarantinedMessage",
    "RefusedHandshake",
    "Reservation",
    "Schedule",
    "ScheduleRun",
    "SecurityEvent",
    "SetUp",
    "Site",
    "SiteLoad",
    "StationJob",
    "Tariff",
    "TariffAssignment",
    "TariffVersion",
    "Transaction",
    "TransactionEvent",
    "Violation",
    "WaitingStation",
]
