"""`manage.py backup`: database, keys and files in one archive, while the server runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from mobility import archive


class Command(BaseCommand):
    help = "Writes database, keys and uploads to one archive with checksums. The server may run meanwhile."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path", nargs="?", type=Path, help="The archive; DATA_DIR/backups/mobility-….tar.gz if not given."
        )

    def handle(self, *args: Any, path: Path | None = None, **options: Any) -> None:
        try:
            made, manifest = archive.make(path)
        except (archive.Unusable, OSError, DatabaseError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{made}: version {manifest['version']}, {len(manifest['files'])} files, {made.stat().st_size:,} bytes."
        )
        if "data/secret_key" not in manifest["files"]:
            self.stdout.write("SECRET_KEY is set from outside and not in it: keep that one, too.")
