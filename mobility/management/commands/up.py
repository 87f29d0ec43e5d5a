"""`manage.py up`: bring the database up to date and start everything in one process, or one part of it."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DatabaseError

from accounts import people
from accounts.tickets import set_up_token
from mobility import fleet, serve
from mobility.errors import Problem

NAMES = {"gateway": "the OCPP port", "portal": "the portal", "worker": "the worker", "beat": "the scheduler"}
#: The advisory lock of whoever migrates.
MIGRATING = 0x6D6F62696C


class Command(BaseCommand):
    help = "Migrates, then runs the portal, the OCPP port, the Celery worker and beat, all or some, in one process."
    requires_migrations_checks = False
    requires_system_checks: list[str] = []

    #: What runs beside the servers.
    extras: tuple[serve.Extra, ...] = ()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            choices=fleet.PARTS,
            metavar="PART",
            help=f"Run only this part: {', '.join(fleet.PARTS)}. May be given several times. "
            "Such a process waits until the database is up to date.",
        )
        parser.add_argument(
            "--migrate", action="store_true", help="With --only: bring the database up to date instead of waiting."
        )
        parser.add_argument(
            "--drain-seconds",
            type=int,
            choices=range(601),
            metavar="N",
            default=settings.DRAIN_SECONDS,
            help="Over how long stations are sent away when it stops (DRAIN_SECONDS).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        only = options.get("only")
        fleet.run_parts(only or list(fleet.PARTS))
        if only:
            fleet.refuse_what_is_not_shared(fleet.running)
        settings.DRAIN_SECONDS = options.get("drain_seconds", settings.DRAIN_SECONDS)
        self.say(f"Mobility {settings.VERSION}")
        if only and not options["migrate"]:
            self.wait_for_schema()
        else:
            self.migrate()
        self.prepare()
        self.run()

    def prepare(self) -> None:
        """Make the admin that the environment names."""
        if "portal" in fleet.running:
            self.make_admin()

    def run(self) -> None:
        begun = time.monotonic()
        self.say(f"Starting {', '.join(NAMES[part] for part in fleet.running)} …")

        def ready() -> None:
            self.say(f"Ready after {time.monotonic() - begun:.1f} s.\n")
            self.tell()

        try:
            serve.run(ready=ready, extras=self.extras, parts=fleet.running)
        except serve.PortInUse as problem:
            sys.stderr.write(f"{problem}\n")
            raise SystemExit(2) from problem
        self.say("Stopped.")

    def migrate(self) -> None:
        try:
            with only_one():
                steps = steps_of(MigrationExecutor(connection))
                if steps:
                    self.say(f"Bringing the database up to date: {steps} steps …")
                    call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            raise CommandError(unusable(error)) from error

    def wait_for_schema(self) -> None:
        """Return once another process has brought the database up to date."""
        said = ""
        executor: MigrationExecutor | None = None
        while True:
            try:
                executor = executor or MigrationExecutor(connection)
                # What is on the disk stays as it is; only what the database has is read again.
                applied: Any = MigrationRecorder(connection).applied_migrations()
                executor.loader.applied_migrations = applied
                if not steps_of(executor):
                    return
                waits = "Waiting until the database is up to date: manage.py migrate, or one process with --migrate."
            except DatabaseError as error:
                waits = unusable(error)
                connection.close()
            if waits != said:
                self.say(waits)
                said = waits
            time.sleep(1)

    def make_admin(self) -> None:
        email = os.environ.get("DJANGO_SUPERUSER_EMAIL")
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        if not email or not password or people.has_admin():
            return
        try:
            people.set_up_first_admin(email=email, password=password, check_password=False)
        except Problem as problem:
            if people.has_admin():
                # Another portal was quicker.
                return
            raise CommandError(f"The admin {email} cannot be created: {problem.message}") from problem
        self.say(f"Created the admin {email} and a first organization.")

    def tell(self) -> None:
        """What a person wants to know once it runs, in one piece."""
        here = fleet.running
        lines = []
        if "portal" in here:
            lines.append(f"  Portal and API   {settings.PUBLIC_URL}/")
            lines.append(f"  API reference    {settings.PUBLIC_URL}/api/docs/")
        if "gateway" in here:
            lines.append(f"  Stations (OCPP)  {settings.OCPP_PUBLIC_URL}/{{identity}}")
        if settings.BIND in ("127.0.0.1", "::1") and lines:
            lines += ["", "  Only this computer can connect. Wallboxes and phones need BIND=0.0.0.0."]
        if settings.ACCEPT_UNKNOWN_STATIONS and "gateway" in here:
            lines += ["", "  ACCEPT_UNKNOWN_STATIONS is on: any station is taken in, without a password."]
        if "portal" in here and not people.has_admin():
            lines += ["", "  There is no admin yet. Open this link once to create the first one:"]
            lines.append(f"  {settings.PUBLIC_URL}/setup/{set_up_token()}/")
        self.say("\n".join([*lines, "", "  Ctrl-C stops everything." if fleet.runs_all() else "  Ctrl-C stops it."]))


def steps_of(executor: MigrationExecutor) -> int:
    """How many migrations have not been applied."""
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def unusable(error: DatabaseError) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"The database cannot be used: {first_line}. DATABASE_URL says which one it is."


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Of several processes that would migrate a PostgreSQL database at once, one does; the others wait for it. SQLite
    has one process anyway; on SQL Server start one process first."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])
