"""Mails to people, as plain text. Links in them begin with PUBLIC_URL, never with what a request called this server."""

import logging
import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation

log = logging.getLogger("accounts.mails")


def configured() -> bool:
    """Whether there is a mail server (EMAIL_URL)."""
    return bool(settings.SENDS_MAIL)


def absolute(path: str) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def send(to: str, template: str, context: dict[str, Any], language: str = "") -> bool:
    """Render a template in a language, its first line as the subject, and hand it to the mail server.

    Returns whether the server took it. Takes as long as the server, at most EMAIL_TIMEOUT: not within a transaction.
    """
    return not failure(to, template, context, language)


def failure(to: str, template: str, context: dict[str, Any], language: str = "") -> str:
    """As `send`; -> why the mail server did not take it, empty when it did."""
    with translation.override(language or translation.get_language()):
        text = render_to_string(template, context)
    subject, _, body = text.strip().partition("\n")
    try:
        EmailMessage(" ".join(subject.split())[:200], body.strip() + "\n", to=[to]).send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("A mail (%s) could not be sent: %s", template, error)
        return str(error) or type(error).__name__
    return ""
