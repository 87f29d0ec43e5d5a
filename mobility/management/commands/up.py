"""`manage.py up`: bring the database up to date and start everything in one process."""

import os
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from accounts import people
from accounts.tickets import set_up_token
from mobility import serve
from mobility.errors import Problem


class Command(BaseCommand):
    help = "Migrates, then runs the portal, the OCPP port, the Celery worker and beat in this one process."
    requires_migrations_checks = False
    requires_system_checks: list[str] = []

    #: What runs beside the servers.
    extras: tuple[serve.Extra, ...] = ()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def handle(self, *args: Any, **options: Any) -> None:
        self.prepare()
        self.run()

    def prepare(self) -> None:
        """Migrate, and make the admin that the environment names."""
        self.say(f"Mobility {settings.VERSION}")
        self.migrate()
        self.make_admin()

    def run(self) -> None:
        begun = time.monotonic()
        self.say("Starting the portal, the OCPP port, the worker and the scheduler …")

        def ready() -> None:
            self.say(f"Ready after {time.monotonic() - begun:.1f} s.\n")
            self.tell()

        try:
            serve.run(ready=ready, extras=self.extras)
        except serve.PortInUse as problem:
            sys.stderr.write(f"{problem}\n")
            raise SystemExit(2) from problem
        self.say("Stopped.")

    def migrate(self) -> None:
        try:
            executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            if plan:
                self.say(f"Bringing the database up to date: {len(plan)} steps …")
                call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise CommandError(
                f"The database cannot be used: {first_line}. DATABASE_URL says which one it is."
            ) from error

    def make_admin(self) -> None:
        email = os.environ.get("DJANGO_SUPERUSER_EMAIL")
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        if not email or not password or people.has_admin():
            return
        try:
            people.set_up_first_admin(email=email, password=password, check_password=False)
        except Problem as problem:
            raise CommandError(f"The admin {email} cannot be created: {problem.message}") from problem
        self.say(f"Created the admin {email} and a first organization.")

    def tell(self) -> None:
        """What a person wants to know once it runs, in one piece."""
        lines = [
            f"  Portal and API   {settings.PUBLIC_URL}/",
            f"  API reference    {settings.PUBLIC_URL}/api/docs/",
            f"  Stations (OCPP)  {settings.OCPP_PUBLIC_URL}/{{identity}}",
        ]
        if settings.BIND in ("127.0.0.1", "::1"):
            lines += ["", "  Only this computer can connect. Wallboxes and phones need BIND=0.0.0.0."]
        if settings.ACCEPT_UNKNOWN_STATIONS:
            lines += ["", "  ACCEPT_UNKNOWN_STATIONS is on: any station is taken in, without a password."]
        if not people.has_admin():
            lines += ["", "  There is no admin yet. Open this link once to create the first one:"]
            lines.append(f"  {settings.PUBLIC_URL}/setup/{set_up_token()}/")
        self.say("\n".join([*lines, "", "  Ctrl-C stops everything."]))
