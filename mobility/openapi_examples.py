"""Examples of the OpenAPI document: (method, path below /api/v1/) -> {"request": name -> body, "responses": …}.

A test holds each against the schema of its operation.
"""

from typing import Any

STATION: dict[str, Any] = {
    "identity": "CP-GARAGE",
    "name": "Garage",
    "site": None,
    "security_profile": 1,
    "price_per_kwh": "0.35",
    "rated_power_w": 11_000,
}

EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "auth/token/"): {
        "request": {"A person signs in": {"email": "ada@example.com", "password": "correct horse battery staple 9"}},
        "responses": {
            "200": {"access": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…", "refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6…"},
            "401": {
                "code": "wrong_credentials",
                "message": "The e-mail address or the password is wrong.",
                "fields": {},
            },
        },
    },
    ("POST", "auth/token/refresh/"): {"request": {"The next pair": {"refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6…"}}},
    ("POST", "stations/"): {
        "request": {
            "With a password that is made": STATION,
            "With a password of one's own": {**STATION, "password": "Sixteen-Chars-Pw"},
        },
        "responses": {
            "400": {
                "code": "invalid",
                "message": "Some fields are not usable.",
                "fields": {"identity": "This field may not be blank."},
            },
        },
    },
    ("PATCH", "stations/{identity}/"): {"request": {"Another name": {"name": "Garage, left"}}},
    ("POST", "stations/{identity}/commands/"): {
        "request": {
            "Start": {"command": "start", "connector_id": 1, "id_tag": "04A1B2C3"},
            "Stop what runs": {"command": "stop"},
            "Unlock": {"command": "unlock", "connector_id": 1},
            "Reset": {"command": "reset", "type": "soft"},
            "Out of order": {"command": "change_availability", "operative": False, "connector_id": 1},
            "At most 16 A": {"command": "set_limit", "connector_id": 1, "limit_a": 16},
            "A setting": {"command": "set_configuration", "key": "HeartbeatInterval", "value": "60"},
            "Any CALL of its version": {"action": "GetConfiguration", "payload": {}},
        },
        "responses": {
            "409": {
                "code": "station_offline",
                "message": "The station is not connected.",
                "fields": {},
            },
        },
    },
    ("POST", "id-tags/"): {"request": {"A card": {"id_tag": "04A1B2C3", "name": "Red card"}}},
    ("POST", "cars/"): {
        "request": {"A car": {"name": "Zoe", "license_plate": "B-EV 1", "battery_wh": 52_000, "phases": 3}}
    },
    ("POST", "sites/"): {"request": {"A site": {"name": "Home", "address": "Kai 1", "time_zone": "Europe/Berlin"}}},
    ("POST", "api-keys/"): {
        "request": {"For Home Assistant": {"name": "Home Assistant", "role": "driver", "scope": "operate"}}
    },
    ("POST", "webhooks/"): {
        "request": {"All about sessions": {"url": "https://example.com/in", "events": ["transaction.*"]}}
    },
    ("POST", "organizations/{id}/invitations/"): {
        "request": {"A driver": {"email": "b@example.com", "role": "driver"}}
    },
    ("POST", "transactions/{id}/corrections/"): {
        "request": {"The meter jumped": {"energy_wh": 12_500, "reason": "The meter jumped; the car counted 12.5 kWh."}}
    },
}
