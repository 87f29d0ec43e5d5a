from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


def canonical_id_tag(raw: str) -> str:
    """The form by which a tag is looked up: upper case, without separators and control characters.

    Readers send one card as `04:a1:b2`, `04-A1-B2` or `04A1B2`; all of these are one tag.
    """
    return "".join(ch for ch in raw if ch.isalnum() or ch in "_.*|@#+=/").upper()[:255]


class IdTag(models.Model):
    """An IdToken (1.6: idTag): a card, a phone's virtual tag, a car's MAC address.

    `parent_id_tag` is the group; `max_active_transactions` null means unlimited, 0 that it never starts one.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="id_tags")
    id_tag = models.CharField(max_length=255)
    canonical = models.CharField(max_length=255, editable=False)
    name = models.CharField(max_length=150, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="id_tags"
    )
    parent_id_tag = models.CharField(max_length=255, blank=True)
    blocked = models.BooleanField(default=False)
    expires = models.DateTimeField(null=True, blank=True)
    max_active_transactions = models.PositiveIntegerField(null=True, blank=True)
    cost_center = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "canonical"], name="id_tag_once")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.canonical = canonical_id_tag(self.id_tag)
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return self.name or self.id_tag

    @property
    def is_expired(self) -> bool:
        return self.expires is not None and self.expires <= timezone.now()


class IdTagAlias(models.Model):
    """Another form under which some reader sends a tag: reversed, with a suffix, a VID."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    id_tag = models.ForeignKey(IdTag, on_delete=models.CASCADE, related_name="aliases")
    canonical = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "id tag aliases"
        constraints = [models.UniqueConstraint(fields=["organization", "canonical"], name="id_tag_alias_once")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.canonical = canonical_id_tag(self.canonical)
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return self.canonical
