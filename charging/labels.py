"""What sticks on a station and beside its connectors: a QR code that opens the drivers' app there."""

from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from charging.app_links import app_url
from charging.models import ChargingStation


@dataclass(frozen=True, slots=True)
class Label:
    """`key` is "" for the station, else `2-1` for a connector; `url` is what the code says."""

    key: str
    place: str
    url: str
    evse_id: int | None = None
    connector_id: int | None = None


def labels_of(row: ChargingStation) -> list[Label]:
    """One for the station of `stations.with_connectors`, and one for each of its connectors."""
    found = [Label("", "", app_url(row.identity))]
    for evse in row.evses.all():
        outlets = list(evse.connectors.all())
        for outlet in outlets:
            number = str(evse.number) if len(outlets) == 1 else f"{evse.number}/{outlet.number}"
            place = _("Connector %(number)s") % {"number": number}
            url = app_url(row.identity, evse.number, outlet.number)
            found.append(Label(f"{evse.number}-{outlet.number}", place, url, evse.number, outlet.number))
    return found


def qr_svg(text: str) -> SafeString:
    """The text as an SVG, dark on light in either theme, as cameras want it."""
    # Loaded with the first code that is drawn: its writers cost every start of a process more than a drawing does.
    import segno

    made = segno.make(text, error="m", micro=False)
    # Nothing of the text is in the picture but its squares.
    svg = made.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308
