"""Who may do what: of each route and method the least role, what to send, and for whom the thing does not exist."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

DONE = (200, 201, 202, 204)
#: In place of a role: for oneself, whoever one is; without a sign-in.
ONESELF, PUBLIC = "oneself", "public"
NEW_PASSWORD = "a new one, and long 8"


@dataclass(frozen=True)
class May:
    """`least` and every greater role, and `also`, get `status`; the `hidden` 404, the others 403.

    `body` names things of the household as `"{kind}"`. `key`: a key of scope read is enough, whatever the method.
    """

    least: str
    body: Any = None
    status: tuple[int, ...] = DONE
    hidden: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    query: str = ""
    key: bool = False


def sees(*hidden: str, query: str = "", status: tuple[int, ...] = DONE) -> May:
    return May("viewer", hidden=hidden, query=query, status=status, key=True)


def does(role: str, body: Any = None, **more: Any) -> May:
    return May(role, body, **more)


def soon(hours: float) -> str:
    return (timezone.now() + timedelta(hours=hours)).isoformat()


PARTS = [{"kind": "energy", "price": "0.30"}]
ORG = {"organization": "{organizations}"}
SCHEDULE = {"station": "{stations}", "mode": "now", "connector_id": 1, "user": "{driver}", "id_tag": "TAG-home"}
PROFILE = {
    "station": "{stations}",
    "connector_id": 1,
    "starts_at": "2026-11-26T10:00:00Z",
    "periods": [{"start_s": 0, "limit": 16}],
}
CIRCUIT = {"name": "Left", "limit_l1_a": 16, "limit_l2_a": 16, "limit_l3_a": 16, "parent": "{circuits}"}
WINDOW = {"weekday": 0, "begin": "22:00", "end": "06:00"}
SESSION = {"started": "2026-11-26T10:00:00Z", "minutes": 60, "energy_wh": 5000}
SLOT = {"begin": "2026-11-26T10:00:00Z", "end": "2026-11-26T11:00:00Z", "price_per_kwh": "0.2"}
#: Whom a thing of the organization's driver does not exist for: nobody; what nobody there has, a driver does not see.
D = ("driver",)
VD = ("viewer", "driver")

CASES: dict[str, dict[str, May]] = {
    "auth/token/": {"POST": May(PUBLIC, {"email": "x@example.com", "password": "no"}, (401,))},
    "auth/token/refresh/": {"POST": May(PUBLIC, {"refresh": "x"}, (401,))},
    "auth/logout/": {"POST": May(PUBLIC, {"refresh": "x"}, (401,))},
    "auth/password/reset/": {"POST": May(PUBLIC, {"email": "x@example.com"}, (202, 409))},
    "auth/password/reset/confirm/": {
        "POST": May(PUBLIC, {"uid": "x", "token": "x", "new_password": NEW_PASSWORD}, (400,))
    },
    "invitations/open-account/": {"POST": May(PUBLIC, {"token": "x", "password": NEW_PASSWORD}, (404,))},
    "invitations/accept/": {"POST": May(ONESELF, {"token": "x"}, (404,))},
    "live-ticket/": {"POST": May(ONESELF, key=True)},
    "me/": {"GET": May(ONESELF, key=True), "PATCH": May(ONESELF, {"name": "Me"})},
    "me/password/": {"POST": May(ONESELF, {"old_password": "x", "new_password": NEW_PASSWORD}, (400,))},
    "me/data/": {"GET": May(ONESELF)},
    "me/delete/": {"POST": May(ONESELF, {"password": "x"}, (400,))},
    "me/devices/": {"GET": May(ONESELF), "DELETE": May(ONESELF)},
    "me/devices/<devices>/": {
        "GET": May("nobody", also=D, hidden=("owner", "manager", "viewer")),
        "DELETE": May("nobody", also=D, hidden=("owner", "manager", "viewer")),
    },
    "me/notifications/": {"GET": May(ONESELF), "PATCH": May(ONESELF, {"events": {}})},
    "notifications/": {"GET": May(ONESELF)},
    "notifications/read/": {"POST": May(ONESELF)},
    "push-subscriptions/": {
        "GET": May(ONESELF),
        "POST": May(ONESELF, {"endpoint": "x", "keys": {"p256dh": "x", "auth": "x"}}, (400,)),
    },
    "push-subscriptions/<push-subscriptions>/": {
        "DELETE": May("nobody", also=D, hidden=("owner", "manager", "viewer"))
    },
    "organizations/": {"GET": sees(), "POST": does("nobody", {"name": "Mine"})},
    "organizations/<organizations>/": {"GET": sees(), "PATCH": does("owner", {"name": "Ours"})},
    "organizations/<organizations>/members/": {
        "GET": sees(),
        "POST": does("owner", {"email": "viewer@away.example.com", "role": "viewer"}),
    },
    "organizations/<organizations>/members/<members>/": {
        "GET": sees("viewer"),
        "PATCH": does("owner", {"role": "viewer"}, hidden=("viewer",)),
        "DELETE": does("owner", hidden=("viewer",), also=D),
    },
    "organizations/<organizations>/members/<members>/reset-link/": {"POST": does("owner", hidden=("viewer",))},
    "organizations/<organizations>/invitations/": {
        "GET": sees(),
        "POST": does("owner", {"email": "new@example.com", "role": "viewer"}),
    },
    "organizations/<organizations>/invitations/<invitations>/": {
        "GET": May("manager", hidden=VD, key=True),
        "DELETE": does("owner", hidden=VD),
    },
    "organizations/<organizations>/invitations/<invitations>/resend/": {"POST": does("owner", hidden=VD)},
    "audit/": {"GET": sees()},
    "alerts/": {"GET": sees()},
    "search/": {"GET": sees(query="?q=zoe")},
    "api-keys/": {"GET": sees(), "POST": May("viewer", {"name": "Mine", **ORG})},
    "api-keys/<api-keys>/": {
        "GET": May("owner", hidden=("manager", *VD), key=True),
        "DELETE": does("owner", hidden=("manager", *VD)),
    },
    "sites/": {"GET": sees(), "POST": does("manager", {"name": "New", **ORG})},
    "sites/<sites>/": {"GET": sees(), "PATCH": does("manager", {"name": "X"}), "DELETE": does("manager")},
    "sites/<sites>/circuits/": {"GET": sees(), "POST": does("manager", CIRCUIT)},
    "sites/<sites>/circuits/<circuits>/": {
        "GET": sees(),
        "PATCH": does("manager", {"name": "X"}),
        "DELETE": does("manager"),
    },
    "sites/<sites>/outlets/": {
        "GET": sees(),
        "POST": does("manager", {"circuit": "{circuits}", "station": "{stations}", "evse_id": 1}),
    },
    "sites/<sites>/outlets/<outlets>/": {"DELETE": does("manager")},
    "sites/<sites>/load/": {"GET": sees(), "PATCH": does("manager", {"enabled": False})},
    "sites/<sites>/meter/": {"POST": does("manager", {"surplus_w": 1000})},
    "stations/": {"GET": sees(), "POST": does("manager", {"identity": "CP-NEW", **ORG})},
    "stations/<stations>/": {
        "GET": sees(),
        "PATCH": does("manager", {"name": "X"}),
        "DELETE": does("manager", status=(409,)),
    },
    "stations/<stations>/commands/": {
        "GET": sees(),
        "POST": does("manager", {"action": "GetConfiguration", "payload": {}}),
    },
    "stations/<stations>/prices/": {"GET": sees()},
    "stations/<stations>/labels/": {"GET": sees()},
    "stations/<stations>/composite-schedule/": {"GET": sees()},
    "stations/<stations>/configuration/": {"GET": sees()},
    "stations/<stations>/password/": {"POST": does("manager")},
    "stations/<stations>/learn/": {
        "GET": sees(),
        "POST": does("manager", {"user": "{driver}"}),
        "DELETE": does("manager"),
    },
    "stations/<stations>/desired-values/": {
        "GET": sees(),
        "POST": does("manager", {"key": "MeterValueSampleInterval", "value": "60"}),
    },
    "stations/<stations>/desired-values/<desired-values>/": {"DELETE": does("manager", hidden=D)},
    # Each station answers for itself: to a driver that it needs a manager.
    "fleet/": {"POST": May("viewer", {"stations": ["{stations}"], "deed": "price", "price_per_kwh": "0.4"})},
    # These belong to nobody yet: only platform admins see them.
    "waiting-stations/": {"GET": sees()},
    "waiting-stations/<waiting-stations>/": {"DELETE": does("nobody", hidden=("owner", "manager", *VD))},
    "waiting-stations/<waiting-stations>/adopt/": {"POST": does("nobody", {}, hidden=("owner", "manager", *VD))},
    "refused-handshakes/": {"GET": sees()},
    "commands/<commands>/": {"GET": sees(), "DELETE": does("manager", also=D)},
    "transactions/": {"GET": sees()},
    "transactions/<transactions>/": {"GET": sees()},
    "transactions/<transactions>/meter-values/": {"GET": sees()},
    "transactions/<transactions>/curve/": {"GET": sees()},
    "transactions/<transactions>/receipt/": {"GET": sees()},
    "transactions/<transactions>/messages/": {"GET": sees()},
    "transactions/<transactions>/corrections/": {
        "GET": sees(),
        "POST": does("manager", {"reason": "The meter jumped"}),
        "DELETE": does("manager", status=(404, 409)),
    },
    "exports/transactions/": {"GET": sees()},
    "exports/statements/": {"GET": sees()},
    "exports/statements/paper/": {"GET": sees(query="?key=0&currency=EUR", status=(404,))},
    "statements/": {"GET": sees()},
    "statistics/energy/": {"GET": sees()},
    "statistics/costs/": {"GET": sees()},
    "id-tags/": {"GET": sees(), "POST": does("manager", {"id_tag": "NEW", **ORG})},
    "id-tags/import/": {"POST": does("manager", {"text": "id_tag\nNEW\n", **ORG})},
    "id-tags/<id-tags>/": {"GET": sees(), "PATCH": does("manager", {"name": "X"}), "DELETE": does("manager")},
    "id-tags/<id-tags>/aliases/": {"GET": sees(), "POST": does("manager", {"alias": "OTHER"})},
    "id-tags/<id-tags>/aliases/<aliases>/": {"GET": sees(), "DELETE": does("manager")},
    "cars/": {"GET": sees(), "POST": does("driver", {"name": "New", **ORG})},
    "cars/<cars>/": {"GET": sees(), "PATCH": does("driver", {"name": "X"}), "DELETE": does("driver")},
    "charging-profiles/": {"GET": sees(), "POST": does("manager", PROFILE, status=(409,))},
    "charging-profiles/<charging-profiles>/": {
        "GET": sees("driver"),
        "DELETE": does("manager", hidden=D, status=(409,)),
    },
    "schedules/": {"GET": sees(), "POST": does("driver", SCHEDULE, status=(409,))},
    "schedules/preview/": {"POST": May("driver", SCHEDULE, key=True)},
    "schedules/<schedules>/": {"GET": sees(), "PATCH": does("driver", {"windows": [WINDOW]}), "DELETE": does("driver")},
    "schedules/<schedules>/runs/": {"GET": sees()},
    "schedules/<schedules>/stored/": {"GET": sees()},
    "tariffs/": {"GET": sees(), "POST": does("manager", {"name": "New", "version": {"parts": PARTS}, **ORG})},
    "tariffs/<tariffs>/": {
        "GET": sees("driver"),
        "PATCH": does("manager", {"name": "X"}, hidden=D),
        "DELETE": does("manager", hidden=D),
    },
    "tariffs/<tariffs>/versions/": {"POST": does("manager", {"parts": PARTS}, hidden=D)},
    "tariffs/<tariffs>/versions/<versions>/": {"DELETE": does("manager", hidden=D, status=(204, 409))},
    "tariffs/<tariffs>/calculate/": {"POST": May("viewer", SESSION, hidden=D, key=True)},
    "tariff-assignments/": {
        "GET": sees(),
        "POST": does("manager", {"scope": "organization", "tariff": "{tariffs}"}, hidden=D),
    },
    "tariff-assignments/<tariff-assignments>/": {"DELETE": does("manager", hidden=D)},
    "holidays/": {"GET": sees(), "POST": does("manager", {"day": "2026-12-26", **ORG})},
    "holidays/<holidays>/": {"DELETE": does("manager")},
    "prices/": {
        "GET": sees(),
        "PUT": does("manager", {"zone": "DE-LU", "slots": [SLOT], **ORG}),
        "POST": does("manager", {"zone": "DE-LU", "slots": [SLOT], **ORG}),
    },
    "price-sources/": {
        "GET": sees(),
        "POST": does("manager", {"zone": "AT", "url": "https://example.com/prices", **ORG}, status=(201, 400)),
    },
    "price-sources/<price-sources>/": {"DELETE": does("manager", hidden=D)},
    "price-sources/<price-sources>/read/": {"POST": does("manager", hidden=D)},
    "reservations/": {
        "GET": sees(),
        "POST": does("driver", {"station": "{stations}", "id_tag": "TAG-home", "expires": soon(1)}, status=(201, 409)),
    },
    "reservations/<reservations>/": {"GET": sees(), "DELETE": does("driver", status=(*DONE, 409))},
    "reservations/<reservations>/cancel/": {"POST": does("driver", status=(*DONE, 409))},
    "jobs/": {"GET": sees(), "POST": does("manager", {"station": "{stations}", "kind": "log"})},
    "jobs/<jobs>/": {"GET": sees("driver"), "DELETE": does("manager", hidden=D)},
    "jobs/<jobs>/cancel/": {"POST": does("manager", hidden=D)},
    "jobs/<jobs>/retry/": {"POST": does("manager", hidden=D, status=(*DONE, 409))},
    "jobs/<jobs>/file/": {"GET": sees("driver", status=(404,))},
    "job-groups/<job-groups>/": {"GET": sees("driver")},
    "job-groups/<job-groups>/cancel/": {"POST": does("manager", hidden=D)},
    "job-groups/<job-groups>/retry/": {"POST": does("manager", hidden=D, status=(*DONE, 409))},
    # A file comes as a form: its kind of body is looked at first.
    "firmware-files/": {"GET": sees(), "POST": May(ONESELF, {}, (415,))},
    "firmware-files/<firmware-files>/": {
        "GET": sees("driver"),
        "DELETE": does("manager", hidden=D, status=(*DONE, 409)),
    },
    "messages/": {"GET": sees()},
    "security-events/": {"GET": sees()},
    "cost-centers/": {"GET": sees()},
    "cost-centers/<cost-centers>/": {"PUT": does("manager", {"cost_center": "Sales", **ORG}, hidden=VD)},
    "webhooks/": {
        "GET": sees(),
        "POST": does("manager", {"url": "https://example.invalid/", "events": ["*"], **ORG}),
    },
    "webhooks/<webhooks>/": {
        "GET": May("manager", hidden=VD, key=True),
        "PATCH": does("manager", {"description": "X"}, hidden=VD),
        "DELETE": does("manager", hidden=VD),
    },
    "webhooks/<webhooks>/secret/": {"POST": does("manager", hidden=VD)},
    "webhooks/<webhooks>/test/": {"POST": does("manager", hidden=VD)},
    "webhooks/<webhooks>/deliveries/": {"GET": May("manager", hidden=VD, key=True)},
    "webhooks/<webhooks>/deliveries/<deliveries>/replay/": {"POST": does("manager", hidden=VD, status=(202, 409))},
}
