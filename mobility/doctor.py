"""`manage.py doctor`: looks at a deployment and says in words what is right, doubtful and wrong.

Each check yields findings: `ok`, `warn` (works, but should be looked at) or `bad` (does not work, or is not safe).
"""

import json
import shutil
import socket
import sqlite3
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings
from django.core.mail import get_connection
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts import people, push
from charging.queries import health as queries

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
MIB = 1024 * 1024
OLDEST_BACKUP = timedelta(days=7)
NEED_DATABASE = {"retention", "scheduler", "push keys"}


@dataclass(frozen=True, slots=True)
class Finding:
    level: str
    subject: str
    text: str


Check = Callable[[], Iterator[Finding]]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    CHECKS[function.__name__.replace("_", " ")] = function
    return function


class Say:
    """Findings about one subject."""

    def __init__(self, subject: str) -> None:
        self.subject = subject

    def ok(self, text: str) -> Finding:
        return Finding("ok", self.subject, text)

    def warn(self, text: str) -> Finding:
        return Finding("warn", self.subject, text)

    def bad(self, text: str) -> Finding:
        return Finding("bad", self.subject, text)


def examine() -> list[Finding]:
    """All findings. A check that fails itself is a finding, too; without a database those that need it are left out."""
    found: list[Finding] = []
    away = False
    for name, look in CHECKS.items():
        if away and name in NEED_DATABASE:
            continue
        try:
            found += list(look())
        except DatabaseError as error:
            # Without its tables, which is said already, a check has nothing to look at.
            if name == "database":
                away = True
                found.append(Say(name).bad(f"The database cannot be asked: {first_line(error)}."))
        except (OSError, ValueError) as error:
            found.append(Say(name).bad(f"Could not be checked: {first_line(error)}."))
    return found


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def is_open() -> bool:
    """Whether others than this machine can reach it."""
    return settings.BIND not in LOOPBACK


# --- Settings --------------------------------------------------------------------------------------------------------


@check
def secret_key() -> Iterator[Finding]:
    say, key = Say("secret key"), settings.SECRET_KEY
    if len(key) < 50 or len(set(key)) < 5 or key.startswith("django-insecure-"):
        yield say.bad("SECRET_KEY is weak: use at least 50 random characters, or unset it and one is made.")
    else:
        yield say.ok("SECRET_KEY is long enough.")


@check
def debug() -> Iterator[Finding]:
    say = Say("DEBUG")
    yield say.bad("DEBUG is on: error pages show secrets. Unset it.") if settings.DEBUG else say.ok("DEBUG is off.")


@check
def addresses() -> Iterator[Finding]:
    say = Say("addresses")
    if "*" in settings.ALLOWED_HOSTS:
        yield say.warn("ALLOWED_HOSTS is open to any name: set PUBLIC_URL, or ALLOWED_HOSTS.")
    public, stations = urlsplit(settings.PUBLIC_URL), urlsplit(settings.OCPP_PUBLIC_URL)
    host = str(public.hostname)
    if (
        "*" not in settings.ALLOWED_HOSTS
        and host not in settings.ALLOWED_HOSTS
        and f"[{host}]" not in settings.ALLOWED_HOSTS
    ):
        yield say.bad(f"PUBLIC_URL names {host}, which is not in ALLOWED_HOSTS: its pages answer 400.")
    if is_open() and (host in LOOPBACK or stations.hostname in LOOPBACK):
        yield say.warn(
            "PUBLIC_URL or OCPP_PUBLIC_URL says localhost: QR codes, mails and the shown address lead nowhere."
        )
    if not is_open():
        yield say.warn("BIND is loopback: behind a proxy on this machine that is right, else wallboxes cannot connect.")
    yield say.ok(f"Portal {settings.PUBLIC_URL}, stations {settings.OCPP_PUBLIC_URL}.")
    if settings.ACCEPT_UNKNOWN_STATIONS:
        yield say.bad("ACCEPT_UNKNOWN_STATIONS is on: anyone's station is served without a password.")


@check
def tls() -> Iterator[Finding]:
    say = Say("TLS")
    if not settings.TLS_CERT:
        schemes = urlsplit(settings.PUBLIC_URL).scheme, urlsplit(settings.OCPP_PUBLIC_URL).scheme
        if schemes == ("https", "wss"):
            if settings.TRUSTED_PROXIES:
                yield say.ok("A proxy ends TLS, and TRUSTED_PROXIES names it.")
            else:
                yield say.bad("The addresses are https and wss, but neither TLS_CERT nor TRUSTED_PROXIES is set.")
        elif is_open():
            yield say.warn("Passwords of people and stations go unencrypted: set TLS_CERT and TLS_KEY, or use a proxy.")
        else:
            yield say.ok("Unencrypted, on this machine only.")
        return
    certificates = x509.load_pem_x509_certificates(Path(settings.TLS_CERT).read_bytes())
    own = certificates[0]
    key = load_pem_private_key(Path(settings.TLS_KEY).read_bytes(), None)
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != own.public_key().public_bytes(*form):
        yield say.bad("TLS_KEY is not the key of the certificate in TLS_CERT.")
    left = own.not_valid_after_utc - datetime.now(UTC)
    level = say.bad if left < timedelta(0) else say.warn if left < timedelta(days=21) else say.ok
    yield level(f"The certificate ends on {own.not_valid_after_utc:%Y-%m-%d}.")
    for url in (settings.PUBLIC_URL, settings.OCPP_PUBLIC_URL):
        host = str(urlsplit(url).hostname)
        if not names_host(own, host):
            yield say.bad(f"The certificate is not for {host}: clients refuse it.")
    if mode(Path(settings.TLS_KEY)) & 0o077:
        yield say.warn(f"{settings.TLS_KEY} can be read by others: chmod 600.")
    if settings.TLS_CLIENT_CA:
        ssl.create_default_context(cafile=settings.TLS_CLIENT_CA)
        yield say.ok("Client certificates of profile 3 are asked for.")


def names_host(certificate: x509.Certificate, host: str) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]
    return host in hosts or host in addresses or f"*.{host.partition('.')[2]}" in hosts


# --- Where data is ---------------------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@check
def data_dir() -> Iterator[Finding]:
    say, folder = Say("DATA_DIR"), settings.DATA_DIR
    free = shutil.disk_usage(folder)
    room = f"{free.free // MIB:,} MiB of {free.total // MIB:,} MiB are free at {folder}."
    share = free.free / free.total
    yield (say.bad if free.free < 200 * MIB else say.warn if free.free < 2048 * MIB or share < 0.05 else say.ok)(room)
    probe = folder / ".doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield say.bad(f"{folder} cannot be written: {error.strerror}.")
    open_files = [
        path.name for path in (folder / "secret_key", *folder.glob("*.sqlite3")) if path.exists() and mode(path) & 0o007
    ]
    exposed = bool(mode(folder) & 0o005)
    secret = folder / "secret_key"
    if secret.exists() and mode(secret) & 0o077:
        yield say.bad(f"{secret} can be read by others: chmod 600.")
    elif open_files and exposed:
        yield say.warn(f"Every user of this machine can read {', '.join(open_files)}: chmod 700 {folder}.")
    else:
        yield say.ok("Its files are closed to other users.")


@check
def database() -> Iterator[Finding]:
    say, begun = Say("database"), time.monotonic()
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = (time.monotonic() - begun) * 1000
    yield from {"sqlite": of_sqlite, "postgresql": of_postgresql}.get(connection.vendor, of_another)(say, took)
    executor = MigrationExecutor(connection)
    steps = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if steps:
        yield say.bad(f"{steps} migrations are pending: start the server, or run manage.py migrate.")
    else:
        yield say.ok("All migrations are applied.")
        if not people.has_admin():
            yield say.warn("There is no admin yet: the start prints a link to create the first one.")


def of_sqlite(say: Say, took: float) -> Iterator[Finding]:
    version = sqlite3.sqlite_version
    yield (say.ok if sqlite3.sqlite_version_info >= (3, 35) else say.bad)(f"SQLite {version} answers in {took:.0f} ms.")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        if cursor.fetchone()[0] != "wal":
            yield say.bad("The write-ahead log is off: readers and the writer wait for each other.")
    log = Path(f"{settings.DATABASES['default']['NAME']}-wal")
    size = log.stat().st_size // MIB if log.exists() else 0
    if size > 256:
        yield say.warn(f"The write-ahead log has {size} MiB: something reads for very long. Restart the server.")
    else:
        yield say.ok(f"The write-ahead log has {size} MiB.")
    if settings.REDIS_URL or not settings.CELERY_BROKER_URL.startswith("memory:"):
        yield say.warn("SQLite serves one process on one machine; several processes need PostgreSQL or SQL Server.")


def of_postgresql(say: Say, took: float) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
        cursor.execute("SELECT clock_timestamp()")
        skew = abs((cursor.fetchone()[0] - datetime.now(UTC)).total_seconds())
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'max_connections'")
        most = cursor.fetchone()[0]
    old = int(version.split(".")[0]) < 15
    yield (say.bad if old else say.ok)(
        f"PostgreSQL {version} answers in {took:.0f} ms{'; 15 or newer is needed' if old else ''}."
    )
    yield (say.bad if skew > 5 else say.warn if skew > 1 else say.ok)(f"Its clock is {skew:.1f} s from this machine's.")
    pool = settings.DATABASES["default"]["OPTIONS"].get("pool") or {}
    yield say.ok(f"Up to {pool.get('max_size', 1)} connections per process, of {most} that the server allows.")


def of_another(say: Say, took: float) -> Iterator[Finding]:
    yield say.ok(f"{connection.display_name} answers in {took:.0f} ms.")


@check
def retention() -> Iterator[Finding]:
    say = Say("retention")
    oldest = queries.oldest_message()
    if oldest and timezone.now() - oldest > timedelta(days=settings.OCPP_LOG_DAYS + 2):
        yield say.warn(
            f"The OCPP log goes back to {oldest:%Y-%m-%d}, beyond OCPP_LOG_DAYS: the task prune does not run."
        )
    else:
        yield say.ok(f"The OCPP log is kept for {settings.OCPP_LOG_DAYS} days.")


@check
def backup() -> Iterator[Finding]:
    say, note = Say("backup"), settings.DATA_DIR / "last_backup.json"
    if connection.vendor not in ("sqlite", "postgresql"):
        yield say.warn("This database is backed up by its own tools; whether it is cannot be seen from here.")
    elif not note.exists():
        yield say.warn("No backup has been made by manage.py backup on this machine.")
    else:
        last = json.loads(note.read_text())
        age = datetime.now(UTC) - datetime.fromisoformat(last["at"])
        if not Path(last["path"]).exists():
            yield say.warn(f"The last backup, {last['path']}, is not there any more; right if it was taken elsewhere.")
        yield (say.warn if age > OLDEST_BACKUP else say.ok)(f"The last backup is {age.days} days old.")


# --- What it depends on ----------------------------------------------------------------------------------------------


@check
def redis() -> Iterator[Finding]:
    say = Say("Redis")
    if not settings.REDIS_URL:
        yield say.ok("Not used: the channel layer lives in the one process.")
        return
    from redis import Redis, RedisError

    try:
        with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3) as client:
            told: Any = client.info("server")
            seconds, micros = client.time()
    except RedisError as error:
        yield say.bad(f"Redis does not answer, so live pages and wake-ups stand still: {first_line(error)}.")
        return
    skew = abs(seconds + micros / 1e6 - time.time())
    yield (say.warn if skew > 1 else say.ok)(
        f"Redis {told['redis_version']} answers; its clock is {skew:.1f} s from ours."
    )


@check
def broker() -> Iterator[Finding]:
    say = Say("broker")
    if settings.CELERY_BROKER_URL.startswith("memory:"):
        yield say.ok("Not used: worker and scheduler live in the one process.")
        return
    from mobility.celery import app

    try:
        with app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:  # noqa: BLE001 - each transport raises its own
        yield say.bad(f"The broker does not answer, so nothing scheduled happens: {first_line(error)}.")
        return
    yield say.ok("The broker answers.")


@check
def scheduler() -> Iterator[Finding]:
    say, last = Say("scheduler"), queries.last_pulse("beat")
    age = (timezone.now() - last).total_seconds() if last else None
    if age is None:
        yield say.warn("Scheduler and worker have never shown life: the server was not started yet.")
    elif age > 120:
        yield say.bad(f"Scheduler or worker have shown no life for {age / 60:.0f} minutes: is the server running?")
    else:
        yield say.ok(f"Scheduler and worker showed life {age:.0f} s ago.")


@check
def ports() -> Iterator[Finding]:
    say = Say("ports")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND, settings.BIND)  # noqa: S104
    for what, port in (("portal", settings.PORTAL_PORT), ("stations", settings.OCPP_PORT)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.settimeout(2)
            answers = probe.connect_ex((host, port)) == 0
        if answers:
            yield say.ok(f"Port {port} ({what}) answers on this machine. A firewall may still close it to others.")
        else:
            yield say.warn(f"Nothing answers on port {port} ({what}): the server does not run here.")


@check
def mail() -> Iterator[Finding]:
    say = Say("mail")
    if not settings.SENDS_MAIL:
        yield say.warn(
            "No mail is sent: links for invitations and passwords are shown once instead. EMAIL_URL changes that."
        )
        return
    try:
        link = get_connection(timeout=5)
        link.open()
        link.close()
    except OSError as error:
        yield say.bad(f"The mail server does not take mails: {first_line(error)}.")
        return
    yield say.ok("The mail server answers.")


@check
def push_keys() -> Iterator[Finding]:
    say = Say("push")
    state = push.key_state()
    if state == "unreadable":
        yield say.bad("The push key cannot be read: SECRET_KEY is another one now. Browsers must subscribe again.")
    elif urlsplit(settings.PUBLIC_URL).scheme != "https" and urlsplit(settings.PUBLIC_URL).hostname not in LOOPBACK:
        yield say.warn("Browsers allow push only on an encrypted address (https).")
    else:
        yield say.ok("The push key can be read." if state else "The push key is made at its first use.")


def as_json(found: list[Finding]) -> list[dict[str, str]]:
    return [asdict(one) for one in found]
