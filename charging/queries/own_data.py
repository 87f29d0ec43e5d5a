"""What is kept about a person, for that person: everything that bears their account's name, in every organization."""

from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts import api_keys, notices, organizations, people, push
from accounts.actors import Actor
from charging.models import Car, IdTag, Transaction
from charging.queries import cars, id_tags, preferences, transactions
from charging.queries.scope import iso


def export(actor: Actor) -> dict[str, Any]:
    """Everything as one JSON object. Sessions of organizations that one has left are in it: they are one's own data.

    Raises:
        Forbidden: the actor is no person.
    """
    user = people.person(actor)
    chosen = preferences.get(actor)
    sessions = Transaction.objects.filter(Q(user=user) | Q(id_tag__user=user)).order_by("started", "pk")
    keys = api_keys.visible(actor).filter(user=user).order_by("pk")
    return {
        "exported": iso(timezone.now()),
        "profile": {
            "email": user.email,
            "name": user.name,
            "language": user.language,
            "time_zone": user.time_zone,
            "theme": str(user.theme),
            "joined": iso(user.date_joined),
            "last_sign_in": iso(user.last_login),
            "default_car": chosen.default_car.name if chosen.default_car else None,
            "default_id_tag": chosen.default_id_tag.id_tag if chosen.default_id_tag else None,
        },
        "organizations": [
            {"name": row.organization.name, "role": str(row.role), "since": iso(row.created_at)}
            for row in organizations.own_memberships(actor)
        ],
        "api_keys": [told(api_keys.as_json(key)) for key in keys],
        "id_tags": [id_tags.as_json(row) for row in IdTag.objects.filter(user=user).order_by("pk")],
        "notifications": [told(notices.as_json(row)) for row in notices.visible(actor)],
        "push_subscriptions": [told(push.as_json(row)) for row in push.visible(actor)],
        "cars": [cars.as_json(row) for row in Car.objects.filter(user=user).order_by("pk")],
        "sessions": [
            transactions.as_json(row)
            for row in sessions.select_related("station", "id_tag", "user", "car").iterator(chunk_size=500)
        ],
    }


def told(row: dict[str, Any]) -> dict[str, Any]:
    """The same with its times as text."""
    return {name: iso(value) if hasattr(value, "tzinfo") else value for name, value in row.items()}
