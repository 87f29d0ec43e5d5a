"""`manage.py ocpp_coverage`: print docs/ocpp-coverage.md, or write it with --write."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ocpp_gateway.coverage import markdown


class Command(BaseCommand):
    help = "Prints which OCPP actions are handled how, per version; --write puts it into docs/ocpp-coverage.md."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/ocpp-coverage.md")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            (settings.BASE_DIR / "docs" / "ocpp-coverage.md").write_text(markdown())
        else:
            self.stdout.write(markdown())
