"""`manage.py simulate`: one or many simulated charging stations. No database, no models."""

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand

from mobility.simulator import cli


class Command(BaseCommand):
    help = "Simulate charging stations."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        code = cli.execute(Namespace(**options))
        if code:
            sys.exit(code)
