"""What several actions need: assigning and checking fields, and naming the field of a broken unique constraint."""

import decimal
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from charging.live import Event, publish
from charging.models import ChargingStation
from charging.queries import stations
from mobility.errors import Conflict, Invalid


def assign(row: models.Model, values: Mapping[str, Any], allowed: Iterable[str]) -> list[str]:
    """Set the given fields and check them by the model's own rules; -> the names that changed.

    Names that are not allowed are left alone: what a client may not set, it cannot set by sending it.

    Raises:
        Invalid: with every field that is wrong.
    """
    wrong: dict[str, str] = {}
    changed = []
    for name in (name for name in allowed if name in values):
        field: Any = row._meta.get_field(name)
        before = getattr(row, name)
        try:
            value = usable(field, values[name])
            setattr(row, name, value)
            if not field.is_relation:
                setattr(row, name, field.clean(value, row))
        except ValidationError as error:
            wrong[name] = " ".join(error.messages)
            continue
        if getattr(row, name) != before:
            changed.append(name)
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)
    return changed


def usable(field: Any, value: Any) -> Any:
    """The value without what a database or a comparison stumbles over."""
    if value is None and not field.null:
        if isinstance(field, (models.CharField, models.TextField)) and field.blank:
            return ""
        raise ValidationError(_("This field may not be null."))
    if isinstance(field, (models.CharField, models.TextField)):
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise ValidationError(_("This must be a text."))
        value = str(value).strip()
        if "\x00" in value:
            raise ValidationError(_("Null characters are not allowed."))
    if isinstance(field, models.BooleanField) and not isinstance(value, bool):
        raise ValidationError(_("This is true or false."))
    if isinstance(field, (models.IntegerField, models.FloatField, models.DecimalField)) and value is not None:
        return number(field, value)
    return value


def number(field: Any, value: Any) -> Any:
    wanted = _("This is not a number.")
    if isinstance(value, bool):
        raise ValidationError(wanted)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValidationError(wanted)
    try:
        exact = decimal.Decimal(str(value).strip())
    except decimal.InvalidOperation:
        raise ValidationError(wanted) from None
    if not exact.is_finite() or abs(exact) > 10**15:
        raise ValidationError(wanted)
    if isinstance(field, models.DecimalField):
        return exact
    if isinstance(field, models.FloatField):
        return float(exact)
    if exact != int(exact):
        raise ValidationError(_("This is a whole number."))
    return int(exact)


@contextmanager
def only_once(field: str, message: object) -> Iterator[None]:
    """Turn a broken unique constraint into a Conflict that names the field."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise Conflict(message, code="already_exists", fields={field: message}) from None


def member_or_invalid(user: User | None, organization_id: int, field: str = "user") -> None:
    """Raise Invalid unless the user belongs to the organization."""
    if user is None:
        return
    if not Membership.objects.filter(user=user, organization_id=organization_id).exists():
        raise Invalid(_("This person is no member of the organization."), fields={field: _("Not a member.")})


def same_organization(row: Any, organization_id: int, field: str) -> None:
    """Raise Invalid when a thing of another organization is to be attached."""
    if row is not None and row.organization_id != organization_id:
        raise Invalid(
            _("This belongs to another organization."), fields={field: _("It belongs to another organization.")}
        )


def tell_station(station: ChargingStation) -> None:
    """Publish `station.updated` with the commit."""
    publish(
        Event(
            "station.updated",
            station.organization_id,
            station.pk,
            station.identity,
            stations.as_json(station, evses=False),
        )
    )
