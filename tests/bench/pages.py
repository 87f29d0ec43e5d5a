"""Server time of the lists and pages with a large operation behind them: `make bench ARGS="--pages"`.

A database of its own in a temporary folder is filled by SQL: 10,000 stations, a million sessions of three years, their
hours and tags. Each page is then asked for by Django's own client, without network and browser, ten times; the median
counts. The first request of a page, which compiles its templates, does not.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

STATIONS, SESSIONS, TAGS, TIMES = 10_000, 1_000_000, 20_000, 10
PASSWORD = "correct horse battery staple 9"

FILL = [
    """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :stations)
    INSERT INTO charging_chargingstation ({station_columns}) SELECT {station_values} FROM n
    """,
    """
    INSERT INTO charging_evse (station_id, number) SELECT id, 1 FROM charging_chargingstation
    """,
    """
    INSERT INTO charging_connector ({connector_columns}) SELECT {connector_values} FROM charging_evse e
    """,
    """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :tags)
    INSERT INTO charging_idtag ({tag_columns}) SELECT {tag_values} FROM n
    """,
    """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :sessions)
    INSERT INTO charging_transaction ({transaction_columns}) SELECT {transaction_values} FROM n
    """,
]
#: What the rows say that is not a default. SQL over the running number `i` (or the EVSE `e`).
STATION = {
    "identity": "printf('BIG%05d', i)",
    "name": "printf('Garage %d, bay %d', i / 100, i % 100)",
    "organization_id": ":organization",
    "site_id": ":first_site + i % 50",
    "online": "i % 10 <> 0",
    "vendor": "CASE i % 3 WHEN 0 THEN 'Alfen' WHEN 1 THEN 'KEBA' ELSE 'ABB' END",
    "protocol": "CASE i % 2 WHEN 0 THEN '1.6' ELSE '2.0.1' END",
    "status": "CASE i % 97 WHEN 0 THEN 'Faulted' ELSE '' END",
    "price_per_kwh": "'0.30'",
    "last_seen": "datetime('now', '-' || (i % 500) || ' minutes')",
}
CONNECTOR = {
    "station_id": "e.station_id",
    "evse_id": "e.id",
    "evse_number": "1",
    "number": "1",
    "status": "CASE e.station_id % 5 WHEN 0 THEN 'Charging' ELSE 'Available' END",
}
TAG = {
    "organization_id": ":organization",
    "id_tag": "printf('TAG%07d', i)",
    "canonical": "printf('TAG%07d', i)",
    "name": "printf('Driver %d', i)",
}
TRANSACTION = {
    "organization_id": ":organization",
    "station_id": ":first_station + i % :stations",
    "connector_id": "(SELECT id FROM charging_connector WHERE station_id = :first_station + i % :stations)",
    "evse_number": "1",
    "connector_number": "1",
    "transaction_id": "i",
    "id_token": "printf('TAG%07d', i % :tags)",
    "id_tag_id": ":first_tag + i % :tags",
    "state": "CASE WHEN i > :sessions - 500 THEN 'charging' ELSE 'ended' END",
    "started": "datetime('now', '-' || ((:sessions - i) * 94.6) || ' seconds')",
    "ended": "CASE WHEN i > :sessions - 500 THEN NULL ELSE datetime('now', '-' || ((:sessions - i) * 94.6 - 3600) || "
    "' seconds') END",
    "energy_wh": "5000 + (i * 7919) % 40000",
    "cost": "round((5000 + (i * 7919) % 40000) * 0.0003, 2)",
    "price_per_kwh": "'0.30'",
    "final": "i <= :sessions - 500",
}
PAGES = [
    *(
        "/",
        "/statistics/",
        "/stations/",
        "/stations/?sort=-last_seen",
        "/stations/?q=garage+7",
        "/stations/?state=online",
    ),
    *("/stations/?page=300", "/stations/BIG00042/", "/transactions/", "/transactions/?page=9000"),
    *(
        "/transactions/?station=BIG00042",
        "/transactions/?state=charging",
        "/transactions/?q=TAG0000077",
        "/id-tags/",
        "/id-tags/?q=driver+77",
    ),
    *(
        "/sites/",
        "/cars/",
        "/fleet/",
        "/tariffs/",
        "/schedules/",
        "/statements/",
        "/security-events/",
        "/palette/?q=BIG0004",
    ),
]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mobility-pages-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "mobility.settings", "ALLOWED_HOSTS": "*"}
        os.environ.setdefault("SECRET_KEY", "x" * 60)
        import django

        django.setup()
        return measure(Path(folder))


def columns(model: type, given: dict[str, str]) -> tuple[str, str]:
    """Columns and values for all fields of a model: what is given in SQL, the default, NULL, or an empty text."""
    from django.db import models
    from django.utils import timezone

    names, values = [], []
    for field in model._meta.concrete_fields:  # type: ignore[attr-defined]
        if field.primary_key:
            continue
        names.append(f'"{field.column}"')
        if field.column in given:
            values.append(given[field.column])
        elif field.null:
            values.append("NULL")
        elif isinstance(field, models.JSONField):
            values.append("'[]'" if field.default is list else "'{}'")
        elif isinstance(field, models.DateTimeField):
            values.append(f"'{timezone.now():%Y-%m-%d %H:%M:%S}'")
        else:
            default = field.get_default()
            values.append(str(int(default)) if isinstance(default, bool) else f"'{default}'")
    return ", ".join(names), ", ".join(values)


def fill() -> None:
    """Raises whatever SQLite says of a column that has come and is not known here."""
    from django.core.management import call_command
    from django.db import connection

    from accounts.actors import Role
    from accounts.models import Membership, Organization, User
    from charging.models import ChargingStation, Connector, IdTag, Site, Transaction

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("owner@example.com", PASSWORD)
    organization = Organization.objects.create(name="Large")
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    sites = [Site.objects.create(organization=organization, name=f"Site {number}") for number in range(50)]
    numbers = {"stations": STATIONS, "sessions": SESSIONS, "tags": TAGS, "organization": organization.pk}
    numbers |= {"first_site": sites[0].pk, "first_station": 1, "first_tag": 1}
    texts = {}
    for name, model, given in (
        ("station", ChargingStation, STATION),
        ("connector", Connector, CONNECTOR),
        ("tag", IdTag, TAG),
        ("transaction", Transaction, TRANSACTION),
    ):
        texts[f"{name}_columns"], texts[f"{name}_values"] = columns(model, given)
    with connection.cursor() as cursor:
        for statement in FILL:
            sql = statement.format(**texts)
            for key, number in sorted(numbers.items(), reverse=True):
                sql = sql.replace(f":{key}", str(number))
            cursor.execute(sql)


def measure(folder: Path) -> int:
    from django.contrib.auth import get_user_model
    from django.test import Client

    begun = time.perf_counter()
    fill()
    print(
        f"{STATIONS:,} stations, {SESSIONS:,} sessions, {TAGS:,} tags: {time.perf_counter() - begun:.0f} s to fill, "
        f"{(folder / 'mobility.sqlite3').stat().st_size / 2**20:,.0f} MiB"
    )
    client = Client()
    client.force_login(get_user_model().objects.get(email="owner@example.com"))
    print("\n| page | median ms | slowest ms |\n|---|---:|---:|")
    worst = 0.0
    for page in PAGES:
        status = client.get(page).status_code
        taken = []
        for _ in range(TIMES):
            at = time.perf_counter()
            client.get(page)
            taken.append((time.perf_counter() - at) * 1000)
        median = statistics.median(taken)
        worst = max(worst, median)
        note = "" if status == 200 else f" (status {status})"
        print(f"| {page}{note} | {median:.0f} | {max(taken):.0f} |", flush=True)
    print(f"\nslowest median: {worst:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
