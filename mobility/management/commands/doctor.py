"""`manage.py doctor`: what is right and what is wrong with this deployment, in words."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from mobility import doctor
from mobility.logs import without_secrets

SIGNS = {"ok": "  ok  ", "warn": " look ", "bad": " BAD  "}


class Command(BaseCommand):
    help = "Checks this deployment. Exit status: 0 fine, 1 something is wrong (--strict: or should be looked at)."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")
        parser.add_argument("--strict", action="store_true", help="Exit status 1 also for what should be looked at.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = doctor.examine()
        wrong = [one for one in found if one.level == "bad" or (options["strict"] and one.level == "warn")]
        if options["json"]:
            body = {"version": settings.VERSION, "healthy": not wrong, "findings": doctor.as_json(found)}
            self.stdout.write(without_secrets(json.dumps(body, indent=1)))
        else:
            self.stdout.write(f"Mobility {settings.VERSION}")
            for one in found:
                self.stdout.write(without_secrets(f"[{SIGNS[one.level]}] {one.subject}: {one.text}"))
            self.stdout.write(f"Wrong: {len(wrong)}." if wrong else "Nothing is wrong.")
        if wrong:
            sys.exit(1)
