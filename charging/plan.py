"""Where stations and sites stand on a plain plan, without a map from elsewhere: a pure function of their places."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

#: The plan's size in its own units; what stands on it keeps this far from its edges.
WIDTH, HEIGHT, MARGIN = 100.0, 45.0, 10.0
PER_ROW = 5
ROW_HEIGHT = 11.0


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of where a thing is: percent of the plan, degrees, both or neither."""

    pk: int
    x_percent: float | None = None
    y_percent: float | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of the plan. One that is not `placed` stands in a row until someone says where it is."""

    x: float
    y: float
    placed: bool = True

    @property
    def x_percent(self) -> float:
        return round(self.x / WIDTH * 100, 1)

    @property
    def y_percent(self) -> float:
        return round(self.y / HEIGHT * 100, 1)


def spots_of(places: Iterable[Place]) -> dict[int, Spot]:
    """pk -> its spot: where the plan says, else by latitude and longitude with north above, else in rows."""
    rows = list(places)
    found: dict[int, Spot] = {}
    for place in rows:
        if place.x_percent is not None and place.y_percent is not None:
            found[place.pk] = Spot(place.x_percent * WIDTH / 100, place.y_percent * HEIGHT / 100)
    found |= projected([place for place in rows if place.pk not in found])
    left = [place for place in rows if place.pk not in found]
    for number, place in enumerate(left):
        row, column = divmod(number, PER_ROW)
        in_row = min(PER_ROW, len(left) - row * PER_ROW)
        y = HEIGHT - MARGIN - (row * ROW_HEIGHT) % (HEIGHT - 2 * MARGIN)
        found[place.pk] = Spot((column + 0.5) * WIDTH / in_row, y, placed=False)
    return found


def projected(places: Iterable[Place]) -> dict[int, Spot]:
    """Those that have degrees, to scale, as large as the plan allows; a single one in the middle."""
    known = [(place.pk, place.latitude, place.longitude) for place in places]
    points = [(pk, lat, lon) for pk, lat, lon in known if lat is not None and lon is not None]
    if not points:
        return {}
    middle = math.cos(math.radians(sum(lat for _, lat, _ in points) / len(points)))
    flat = {pk: (lon * max(middle, 0.01), -lat) for pk, lat, lon in points}
    left, right = min(x for x, _ in flat.values()), max(x for x, _ in flat.values())
    top, bottom = min(y for _, y in flat.values()), max(y for _, y in flat.values())
    wide, high = right - left, bottom - top
    scales = [(WIDTH - 2 * MARGIN) / wide if wide else math.inf, (HEIGHT - 2 * MARGIN) / high if high else math.inf]
    scale = min(scales) if min(scales) < math.inf else 0.0
    return {
        pk: Spot(
            round(WIDTH / 2 + (x - (left + right) / 2) * scale, 2),
            round(HEIGHT / 2 + (y - (top + bottom) / 2) * scale, 2),
        )
        for pk, (x, y) in flat.items()
    }
