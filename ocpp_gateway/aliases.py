"""What real stations write for what the specification means: tables, read by `quirks.py`, `samples.py`.

A new find from the field is a new line here and a case in the tests, not new code.
"""

#: unit as written, folded -> (canonical unit, factor)
UNITS: dict[str, tuple[str, float]] = {
    "": ("", 1.0),
    "wh": ("Wh", 1.0),
    "kwh": ("Wh", 1000.0),
    "mwh": ("Wh", 1_000_000.0),
    "varh": ("varh", 1.0),
    "kvarh": ("varh", 1000.0),
    "vah": ("VAh", 1.0),
    "kvah": ("VAh", 1000.0),
    "w": ("W", 1.0),
    "watt": ("W", 1.0),
    "watts": ("W", 1.0),
    "kw": ("W", 1000.0),
    "va": ("VA", 1.0),
    "kva": ("VA", 1000.0),
    "var": ("var", 1.0),
    "vars": ("var", 1.0),
    "kvar": ("var", 1000.0),
    "a": ("A", 1.0),
    "amp": ("A", 1.0),
    "amps": ("A", 1.0),
    "ampere": ("A", 1.0),
    "amperes": ("A", 1.0),
    "ma": ("A", 0.001),
    "v": ("V", 1.0),
    "volt": ("V", 1.0),
    "volts": ("V", 1.0),
    "hz": ("Hz", 1.0),
    "hertz": ("Hz", 1.0),
    "celsius": ("°C", 1.0),
    "celcius": ("°C", 1.0),
    "c": ("°C", 1.0),
    "°c": ("°C", 1.0),
    "k": ("K", 1.0),
    "fahrenheit": ("°F", 1.0),
    "percent": ("%", 1.0),
    "%": ("%", 1.0),
    "pct": ("%", 1.0),
    "rpm": ("rpm", 1.0),
}

#: the unit that a measurand has when none is written
DEFAULT_UNITS: dict[str, str] = {
    "Energy": "Wh",
    "Power.Factor": "",
    "Power.Reactive": "var",
    "Power": "W",
    "Current": "A",
    "Voltage": "V",
    "Frequency": "Hz",
    "SoC": "%",
    "Temperature": "°C",
    "RPM": "rpm",
}

#: measurand as written, folded -> canonical
MEASURANDS: dict[str, str] = {
    "": "Energy.Active.Import.Register",
    "energy": "Energy.Active.Import.Register",
    "energy.active.import": "Energy.Active.Import.Register",
    "power": "Power.Active.Import",
    "power.active": "Power.Active.Import",
    "current": "Current.Import",
    "state_of_charge": "SoC",
    "stateofcharge": "SoC",
}

#: property -> (value as written, folded -> value of the enumeration)
ENUM_VALUES: dict[str, dict[str, str]] = {
    "errorCode": {"error": "OtherError", "none": "NoError", "ok": "NoError", "": "NoError"},
    "status": {"occupied": "Charging", "suspendedevse ": "SuspendedEVSE", "idle": "Available", "fault": "Faulted"},
    "connectorStatus": {
        "preparing": "Occupied",
        "charging": "Occupied",
        "suspendedev": "Occupied",
        "suspendedevse": "Occupied",
        "finishing": "Occupied",
        "idle": "Available",
        "fault": "Faulted",
    },
    "chargingState": {"suspended": "SuspendedEV", "connected": "EVConnected"},
    "reason": {"deauthorised": "DeAuthorized", "remotestop": "Remote", "evdisconnect": "EVDisconnected"},
    "stoppedReason": {"deauthorised": "DeAuthorized", "remotestop": "Remote", "evdisconnect": "EVDisconnected"},
}

#: property -> what an unknown value of a required enumeration is taken for
ENUM_FALLBACKS: dict[str, str] = {
    "errorCode": "OtherError",
    "triggerReason": "AbnormalCondition",
}

#: (action or "", property) that is never missed: the receive time, or a look-up, takes its place.
SPARED: set[tuple[str, str]] = {
    ("", "timestamp"),
    ("", "sampledValue"),
    ("StopTransaction", "transactionId"),
    ("TransactionEvent", "seqNo"),
    ("NotifyEvent", "generatedAt"),
    ("NotifyReport", "generatedAt"),
    ("NotifyReport", "seqNo"),
}

#: Enumerations of a sampled value: kept as written here, understood by `samples.py`.
SAMPLE_FIELDS = {"measurand", "unit", "phase", "location", "context", "format"}

#: Texts that are never cut to length: a shortened token or id would be somebody else's.
NEVER_CUT = {"idTag", "idToken", "parentIdTag", "transactionId", "messageId", "vendorId", "csr", "certificate", "id"}
LONGEST_TOKEN = 255
#: Tokens may be longer than the schema says; they are looked up as they are and simply not found.
LONG_TOKENS = {"idTag", "idToken", "parentIdTag"}

#: Numbers that name something: a fraction of one is no number of anything.
NEVER_ROUNDED = {"connectorId", "evseId", "id", "transactionId", "reservationId", "remoteStartId", "requestId", "seqNo"}
