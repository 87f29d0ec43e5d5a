"""Which side may call which action, per version: what is not listed for a side is `NotSupported` from it."""

#: Actions that a charging station calls (1.6 with the security white paper; 2.0.1 part 2; 2.1 part 2).
FROM_STATION: dict[str, frozenset[str]] = {
    "1.6": frozenset(
        {
            "Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification",
            "FirmwareStatusNotification", "Heartbeat", "LogStatusNotification", "MeterValues",
            "SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification", "StartTransaction",
            "StatusNotification", "StopTransaction",
        }
    ),
    "2.0.1": frozenset(
        {
            "Authorize", "BootNotification", "ClearedChargingLimit", "DataTransfer", "FirmwareStatusNotification",
            "Get15118EVCertificate", "GetCertificateStatus", "Heartbeat", "LogStatusNotification", "MeterValues",
            "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages", "NotifyEVChargingNeeds",
            "NotifyEVChargingSchedule", "NotifyEvent", "NotifyMonitoringReport", "NotifyReport",
            "PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReservationStatusUpdate",
            "SecurityEventNotification", "SignCertificate", "StatusNotification", "TransactionEvent",
        }
    ),
}  # fmt: skip
FROM_STATION["2.1"] = FROM_STATION["2.0.1"] | {
    "BatterySwap", "ClosePeriodicEventStream", "GetCertificateChainStatus", "NotifyDERAlarm", "NotifyDERStartStop",
    "NotifyPeriodicEventStream", "NotifyPriorityCharging", "NotifySettlement", "NotifyWebPaymentStarted",
    "OpenPeriodicEventStream", "PullDynamicScheduleUpdate", "ReportDERControl", "VatNumberValidation",
}  # fmt: skip

#: Actions that both sides may call.
BOTH_WAYS = frozenset({"DataTransfer"})


def may_station_call(protocol: str, action: str) -> bool:
    return action in FROM_STATION[protocol]


def may_csms_call(protocol: str, action: str) -> bool:
    return action in BOTH_WAYS or action not in FROM_STATION[protocol]
