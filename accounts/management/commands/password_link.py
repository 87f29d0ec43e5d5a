"""`manage.py password_link you@example.com`: a link that sets a new password, where no mail can be sent."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import passwords


class Command(BaseCommand):
    help = "Print a link with which someone sets a new password. Whoever has the link has the account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = passwords.active_user(options["email"])
        if user is None:
            raise CommandError(f"Nobody with the address {options['email']} has an active account here.")
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        self.stdout.write(f"{passwords.link_of(user).url}\nIt works once, within {hours} hours.")
