"""Who: people, the organizations they belong to, and what they did."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or a machine, that signs in with an e-mail address.

    `is_superuser` is the platform admin: sees every organization and the waiting stations.
    `auth_version` counts what ends all tokens and sessions of this user: a changed password, a deactivation.
    """

    class Theme(models.TextChoices):
        SYSTEM = "system", _("System")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    language = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    auth_version = models.PositiveIntegerField(default=0)

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.strip().lower()
        if not self.is_active and User.objects.filter(pk=self.pk, is_active=True).exists():
            # Whoever is let in again later signs in again.
            self.auth_version += 1
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "auth_version"}
        super().save(*args, **kwargs)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session of the portal is bound to: it ends with the password, and with everything else that ends all
        sign-ins."""
        salt = "accounts.models.User.session"
        return salted_hmac(salt, f"{self.password} {self.auth_version}", secret=secret, algorithm="sha256").hexdigest()

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.auth_version = (self.auth_version or 0) + 1

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email.split("@")[0]


class Organization(models.Model):
    """An owner of stations: a household, a company, a site operator. The border that no query crosses."""

    name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in an organization; each role may do all that the ones after it may.

    owner: everything, members included; manager: stations, tags, commands of every kind; driver: charges, and sees
    the organization's stations and own transactions; viewer: sees.
    """

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MANAGER = "manager", _("Manager")
        DRIVER = "driver", _("Driver")
        VIEWER = "viewer", _("Viewer")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.organization}"


class Invitation(models.Model):
    """The offer of a role in an organization to whoever reads an address's mail: a link that works once and expires.

    Only the link's hash is kept. There is one row per organization and address: who is invited again after the end of
    an invitation gets a new one in its place.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Membership.Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "email"], name="invitation_once")]

    def __str__(self) -> str:
        return f"{self.email}: {self.role} of {self.organization}"

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class ResetRequest(models.Model):
    """That someone asked for the mail that resets a password: what its throttle counts. The address is a hash."""

    address = models.CharField(max_length=64)
    source_ip = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["address", "at"], name="reset_request_address_at"),
            models.Index(fields=["source_ip", "at"], name="reset_request_source_at"),
        ]

    def __str__(self) -> str:
        return f"{self.source_ip} {self.at:%Y-%m-%d %H:%M}"


class ApiKey(models.Model):
    """A machine's credential within an organization: shown once, stored as a hash, found by its prefix.

    `role` is the most that it may there, `scope` what of that: look, operate, or everything.
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        OPERATE = "operate", _("Operate")
        MANAGE = "manage", _("Manage")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=128)
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.VIEWER)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.MANAGE)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class TokenFamily(models.Model):
    """One sign-in of a phone or a client: every refresh token that descends from it.

    `current_jti` is the one refresh token that works; rotation is a compare-and-set on it. A token of the family that
    was used up and comes again revokes the family, except in the moments around a parallel refresh.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    current_jti = models.CharField(max_length=64, unique=True)
    previous_jti = models.CharField(max_length=64, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    auth_version = models.PositiveIntegerField()
    device = models.CharField(max_length=200, blank=True)
    source_ip = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=64, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "token families"

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d}"


class Ticket(models.Model):
    """A one-time ticket that was issued and not yet redeemed; redeeming deletes the row."""

    nonce = models.CharField(max_length=32, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"until {self.expires_at:%H:%M:%S}"


class Audit(models.Model):
    """What an actor did to what, in the same commit as the deed. `actor` is null for the system itself."""

    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=64)
    target = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict, blank=True)
    source_ip = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "audit"
        indexes = [
            models.Index(fields=["organization", "-at"], name="audit_organization_at"),
            models.Index(fields=["-at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.target}"


# What people and other systems are told has a file of its own, and so have sessions.
from accounts.notice_models import (  # noqa: E402
    DeliveryStatus,
    KeptSecret,
    Mark,
    Notification,
    NotificationDelivery,
    NotificationPreference,
    PushSubscription,
    Webhook,
    WebhookDelivery,
)
from accounts.session_models import BrowserSession, KeptAnswer  # noqa: E402

__all__ = [
    "ApiKey",
    "Audit",
    "BrowserSession",
    "DeliveryStatus",
    "Invitation",
    "KeptAnswer",
    "KeptSecret",
    "Mark",
    "Membership",
    "Notification",
    "NotificationDelivery",
    "NotificationPreference",
    "Organization",
    "PushSubscription",
    "ResetRequest",
    "Ticket",
    "TokenFamily",
    "User",
    "UserManager",
    "Webhook",
    "WebhookDelivery",
]
