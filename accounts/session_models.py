"""Browsers that are signed in, and answers that are kept for requests that come again."""

from django.db import models
from django.utils import timezone

from accounts.models import User


class BrowserSession(models.Model):
    """A browser that is signed in to the portal: what Django's own session does not say. Phones have a TokenFamily."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="browser_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    device = models.CharField(max_length=200, blank=True)
    source_ip = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.user}: {self.device or 'a browser'}"


class KeptAnswer(models.Model):
    """What a POST with an Idempotency-Key was answered. `status` is null from its beginning until it is done.

    `key` is a hash of who asked and the key, `request` one of what was asked, `answer` is sealed.
    """

    key = models.CharField(max_length=64, primary_key=True)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.status or '…'} until {self.expires_at:%Y-%m-%d %H:%M}"
