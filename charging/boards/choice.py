"""With which tag and car a start from a card charges: two lists of options, written once for all cards."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.actors import Actor
from charging.models import Car, IdTag
from charging.queries import cars, id_tags, preferences

#: How many are offered, beside the one that is the actor's own choice.
MOST = 200


class Choice:
    """The options of an actor, by organization, with the actor's defaults chosen."""

    def __init__(self, actor: Actor) -> None:
        chosen = preferences.get(actor)
        tags = known(
            id_tags.visible(actor).filter(blocked=False).select_related(None).order_by("name", "id_tag"),
            chosen.default_id_tag,
        )
        own_cars = known(cars.visible(actor).order_by("name"), chosen.default_car)
        self.tags = options([(row.organization_id, row.id_tag, row) for row in tags], chosen.default_id_tag)
        self.cars = options([(row.organization_id, row.pk, row) for row in own_cars], chosen.default_car)
        #: Where the default tag can be used; elsewhere none is chosen beforehand.
        self.tag_organization = next((row.organization_id for row in tags if row == chosen.default_id_tag), None)


def known(rows: Any, own: IdTag | Car | None) -> list[Any]:
    """The first rows, and the actor's own choice where it is not among them but still offered."""
    found = list(rows[:MOST])
    if own is not None and own not in found and rows.filter(pk=own.pk).exists():
        found.insert(0, own)
    return found


def options(rows: Iterable[tuple[int, Any, Any]], chosen: IdTag | Car | None) -> dict[int, SafeString]:
    """Organization -> its options, of (organization, value, row)."""
    found = defaultdict(list)
    for organization, value, row in rows:
        mark = SafeString(" selected") if row == chosen else ""
        found[organization].append((value, mark, str(row)))
    return {
        organization: format_html_join("", '<option value="{}"{}>{}</option>', lines)
        for organization, lines in found.items()
    }
