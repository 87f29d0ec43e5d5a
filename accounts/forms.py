"""Forms that keep what was typed, and how their texts become values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from mobility.errors import Invalid, Problem


@dataclass
class Form:
    """What was typed, and what is wrong with it.

    `values` are texts as they were sent, or the present values of what is edited; `problems` is field -> sentence.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return 400 if self.problem else 200

    @classmethod
    def refused(cls, request: HttpRequest, problem: Problem) -> "Form":
        return cls(request.POST.dict(), problem.message, problem.fields)


def texts(request: HttpRequest, names: Iterable[str]) -> dict[str, str]:
    """Those of the named fields that were sent."""
    return {name: request.POST[name].strip() for name in names if name in request.POST}


def number(text: str, name: str) -> int | None:
    """A whole number from a form's field, None for an empty one. Raises Invalid."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 12:
        raise Invalid(_("Some fields are not usable."), fields={name: _("This is not a whole number.")})
    return int(text)


def moment(text: str, name: str) -> Any:
    """A date and time from a field; None for an empty one. Raises Invalid."""
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise Invalid(_("Some fields are not usable."), fields={name: _("This is not a date and time.")})
    return timezone.make_aware(found) if timezone.is_naive(found) else found
