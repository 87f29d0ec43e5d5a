"""`manage.py restore`: put a backup back in place."""

import socket
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from mobility import archive


class Command(BaseCommand):
    help = "Restores an archive of `manage.py backup`. Stop the server first."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="An archive of `manage.py backup`.")
        parser.add_argument("--yes", action="store_true", help="Overwrite what is there.")

    def handle(self, *args: Any, path: Path, yes: bool = False, **options: Any) -> None:
        running = [port for port in (settings.PORTAL_PORT, settings.OCPP_PORT) if listens(port)]
        if running:
            raise CommandError(f"The server is running (port {running[0]} answers). Stop it first.")
        try:
            with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder:
                manifest = archive.read(path, Path(folder))
                if archive.holds_data() and not yes:
                    raise CommandError("There is a database already. Add --yes to replace it.")
                kept = archive.put_back(Path(folder), manifest)
        except (archive.Unusable, OSError, DatabaseError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored the backup of {manifest['created']}, version {manifest['version']}.")
        for former in kept:
            self.stdout.write(f"The former database is kept as {former}.")
        if manifest["secret_key"] != archive.key_mark() and "data/secret_key" not in manifest["files"]:
            self.stdout.write(
                "SECRET_KEY is another one than then: people sign in again, sealed secrets cannot be read."
            )
        self.stdout.write("Start the server; it brings the database up to date.")


def listens(port: int) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND, settings.BIND)  # noqa: S104
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0
