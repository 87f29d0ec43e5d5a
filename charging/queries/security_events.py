"""Reading security events: reported by stations, or noticed about them."""

from typing import Any

from django.db.models import Q, QuerySet

from accounts.actors import Actor, Role
from charging.live import Event
from charging.models import SecurityEvent
from charging.queries.scope import iso, never_for_drivers

#: What this system notices by itself.
NOTICED = ("ConnectionFlapping", "ForeignTransactionId", "StationOffline", "StationOnline")
#: What stations report: OCPP 2.0.1 part 2, appendix 1, and the other names that the 1.6 white paper gives them.
REPORTED = (
    "AttemptedReplayAttacks",
    "CentralSystemFailedToAuthenticate",
    "CsmsFailedToAuthenticate",
    "FailedToAuthenticateAtCentralSystem",
    "FailedToAuthenticateAtCsms",
    "FirmwareUpdated",
    "InvalidCentralSystemCertificate",
    "InvalidChargePointCertificate",
    "InvalidChargingStationCertificate",
    "InvalidCsmsCertificate",
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidMessages",
    "InvalidTLSCipherSuite",
    "InvalidTLSVersion",
    "MaintenanceLoginAccepted",
    "MaintenanceLoginFailed",
    "MemoryExhaustion",
    "ReconfigurationOfSecurityParameters",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "TamperDetectionActivated",
)


def visible(actor: Actor) -> QuerySet[SecurityEvent]:
    return never_for_drivers(actor, SecurityEvent.objects.select_related("station"))


def managed(actor: Actor) -> QuerySet[SecurityEvent]:
    """Those of the organizations that the actor answers for, the latest first."""
    rows = visible(actor).order_by("-at", "-pk")
    ids = actor.organization_ids(Role.MANAGER)
    return rows if ids is None else rows.filter(organization_id__in=ids)


def said(rows: QuerySet[SecurityEvent], words: str) -> QuerySet[SecurityEvent]:
    """Those whose kind, text or source address has the words in it."""
    return rows.filter(Q(type__icontains=words) | Q(info__icontains=words) | Q(source_ip__icontains=words))


def of_station(rows: QuerySet[SecurityEvent], words: str) -> QuerySet[SecurityEvent]:
    """Those of the stations whose identity or name has the words in it."""
    return rows.filter(Q(station__identity__icontains=words) | Q(station__name__icontains=words))


def as_json(event: SecurityEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "station": event.station.identity if event.station else None,
        "type": event.type,
        "critical": event.critical,
        "reported_by_station": event.reported_by_station,
        "info": event.info,
        "source_ip": event.source_ip,
        "at": iso(event.at),
    }


def event(row: SecurityEvent) -> Event:
    """What the change feed says of it: `security_event.noted`."""
    identity = row.station.identity if row.station else ""
    return Event("security_event.noted", row.organization_id, row.station_id, identity, as_json(row))
