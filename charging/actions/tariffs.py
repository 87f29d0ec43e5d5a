"""Changing tariffs, whom and what they hold for, and holidays."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization, User
from charging.actions.common import assign, member_or_invalid, only_once, same_organization
from charging.models import (
    ChargingStation,
    Holiday,
    IdTag,
    Site,
    Tariff,
    TariffAssignment,
    TariffVersion,
    Transaction,
)
from charging.models.id_tags import canonical_id_tag
from charging.queries.tariffs import key_of
from charging.tariff_terms import Unusable, as_json, parse_parts
from mobility.errors import Conflict, Invalid

VERSION = ("valid_from", "prices_include_tax", "tax_percent", "minimum", "maximum", "note")
NAME_TAKEN = gettext_lazy("A tariff with this name exists already.")
USED = gettext_lazy("Sessions were charged by this. It stays, so that their bills can be explained.")
Scope = TariffAssignment.Scope


@action("tariff.create", role=Role.MANAGER, creates=True)
def create_tariff(
    actor: Actor,
    *,
    name: str,
    version: dict[str, Any],
    currency: str = "",
    organization: Organization | None = None,
) -> Tariff:
    """A tariff with its first version; the currency stays for good.

    Raises:
        Invalid: naming the field, such as `parts.0.price`.
        Conflict: the organization has a tariff of that name.
    """
    assert organization is not None
    tariff = Tariff(organization=organization)
    assign(tariff, {"name": name, "currency": (currency or settings.CURRENCY).upper()}, ("name", "currency"))
    if len(tariff.currency) != 3 or not tariff.currency.isalpha() or not tariff.currency.isascii():
        raise _invalid("currency", _("A currency has three letters, such as EUR."))
    made = _version(tariff, version)
    with only_once("name", str(NAME_TAKEN)):
        tariff.save()
    made.tariff, made.number = tariff, 1
    made.save()
    return tariff


@action("tariff.update", role=Role.MANAGER)
def update_tariff(actor: Actor, *, tariff: Tariff, changes: dict[str, Any]) -> Tariff:
    """Rename it; prices change with a new version. Raises Invalid or Conflict."""
    if assign(tariff, changes, ("name",)):
        with only_once("name", str(NAME_TAKEN)):
            tariff.save(update_fields=["name"])
    return tariff


@action("tariff.delete", role=Role.MANAGER)
def delete_tariff(actor: Actor, *, tariff: Tariff) -> None:
    """With its versions and assignments. Raises Conflict when sessions were charged by it."""
    try:
        tariff.delete()
    except ProtectedError:
        raise Conflict(str(USED), code="in_use") from None


@action("tariff.add_version", role=Role.MANAGER)
def add_version(actor: Actor, *, tariff: Tariff, version: dict[str, Any]) -> TariffVersion:
    """What the tariff says from `valid_from` on (now when left out). Running sessions keep theirs. Raises Invalid."""
    made = _version(tariff, version)
    last = tariff.versions.aggregate(number=models.Max("number"))["number"] or 0
    made.number = last + 1
    with only_once("number", _("Somebody else has added a version at this moment. Look at it, then try again.")):
        made.save()
    return made


@action("tariff.delete_version", role=Role.MANAGER)
def delete_version(actor: Actor, *, tariff: Tariff, version: TariffVersion) -> None:
    """Take back a version that no session was charged by. Raises Conflict."""
    if tariff.versions.count() == 1:
        raise Conflict(_("This is its only version. Delete the tariff instead."), code="last_version")
    if Transaction.objects.filter(tariff_version=version).exists():
        raise Conflict(str(USED), code="in_use")
    version.delete()


def _version(tariff: Tariff, values: dict[str, Any]) -> TariffVersion:
    """An unsaved version from what was sent. Raises Invalid."""
    made = TariffVersion(tariff=tariff, valid_from=timezone.now())
    given = {name: value for name, value in values.items() if value is not None or name in ("minimum", "maximum")}
    assign(made, given, VERSION)
    try:
        made.parts = [as_json(part) for part in parse_parts(values.get("parts"))]
    except Unusable as error:
        raise _invalid(error.field, error.message) from None
    wrong = {}
    if not 0 <= Decimal(made.tax_percent) <= 100:
        wrong["tax_percent"] = _("A tax is between 0 and 100 percent.")
    for name in ("minimum", "maximum"):
        if (amount := getattr(made, name)) is not None and amount < 0:
            wrong[name] = _("This is not below 0.")
    if not wrong and made.minimum is not None and made.maximum is not None and made.maximum < made.minimum:
        wrong["maximum"] = _("The most is not below the least.")
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)
    return made


def _invalid(field: str, why: str) -> Invalid:
    return Invalid(why, fields={field: why})


# --- Assignments ------------------------------------------------------------------------------------------------------


@action("tariff.assign", role=Role.MANAGER)
def assign_tariff(actor: Actor, *, tariff: Tariff, scope: str, target: Any = None) -> TariffAssignment:
    """Let a tariff hold for a user, tag, tag group, station, site or the organization; one that held before makes room.

    Args:
        target: the user, tag, station or site; the group's name; None for the organization.

    Raises:
        Invalid: the target does not fit the scope, or is another organization's.
    """
    kinds: dict[str, Any] = {
        Scope.USER: User,
        Scope.ID_TAG: IdTag,
        Scope.TAG_GROUP: str,
        Scope.STATION: ChargingStation,
        Scope.SITE: Site,
        Scope.ORGANIZATION: type(None),
    }
    if scope not in kinds:
        raise _invalid("scope", _("Choose one of %(choices)s.") % {"choices": ", ".join(kinds)})
    if not isinstance(target, kinds[Scope(scope)]):
        raise _invalid("target", _("Say for whom or what the tariff is to hold."))
    values: dict[str, Any] = {"scope": scope, "tariff": tariff}
    key: object = ""
    if scope == Scope.USER:
        member_or_invalid(target, tariff.organization_id, "target")
        values["user"], key = target, target.pk
    elif scope == Scope.TAG_GROUP:
        key = canonical_id_tag(target)
        if not key:
            raise _invalid("target", _("A group is a text such as FLEET."))
        values["tag_group"] = target.strip()[:255]
    elif target is not None:
        same_organization(target, tariff.organization_id, "target")
        values[scope], key = target, target.pk
    found, _made = TariffAssignment.objects.update_or_create(
        organization_id=tariff.organization_id, key=key_of(scope, key), defaults=values
    )
    return found


@action("tariff.unassign", role=Role.MANAGER)
def unassign_tariff(actor: Actor, *, assignment: TariffAssignment) -> None:
    assignment.delete()


# --- Holidays ---------------------------------------------------------------------------------------------------------


@action("holiday.add", role=Role.MANAGER, creates=True, target=lambda made: f"{len(made)} holidays")
def add_holidays(
    actor: Actor, *, days: Iterable[tuple[date, str]], organization: Organization | None = None
) -> list[Holiday]:
    """Add days, or rename those that are there."""
    assert organization is not None
    made = []
    for day, name in days:
        row, _new = Holiday.objects.update_or_create(
            organization=organization, day=day, defaults={"name": name.strip()[:100].replace("\x00", "")}
        )
        made.append(row)
    return made


@action("holiday.delete", role=Role.MANAGER)
def delete_holiday(actor: Actor, *, holiday: Holiday) -> None:
    holiday.delete()
