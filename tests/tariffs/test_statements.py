"""A month's sessions by person, tag and cost centre; what each of them adds up to."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.actors import actor_of
from accounts.models import Membership, Organization, User
from charging.actions.cost_centers import set_person_cost_center
from charging.models import ChargingStation, IdTag, PersonCostCenter, Transaction
from charging.queries.statements import NONE, groups, month, of_group, taxes
from charging.statements import session_sheet, statement
from mobility.errors import Forbidden, Invalid

pytestmark = pytest.mark.django_db
MAY = month("2026-05")


@pytest.fixture
def home() -> Organization:
    return Organization.objects.create(name="Home")


def person(home: Organization, name: str, role: str) -> User:
    user = User.objects.create_user(f"{name}@example.com", "x", name=name)
    Membership.objects.create(organization=home, user=user, role=role)
    return user


def session(home: Organization, cost: str, **more: Any) -> Transaction:
    station, _ = ChargingStation.objects.get_or_create(organization=home, identity=f"CP-{home.pk}")
    values = {"state": "ended", "ended": datetime(2026, 5, 31, 23, 59, tzinfo=UTC), "energy_wh": 1_000, "final": True}
    return Transaction.objects.create(
        organization=home,
        station=station,
        transaction_id=str(Transaction.objects.count()),
        cost=Decimal(cost),
        **{**values, **more},
    )


def test_the_most_particular_cost_centre_counts(home: Organization) -> None:
    """Of the id tag, of the person, of the station; a person's in the organization of the session."""
    ada, bo = person(home, "Ada", "owner"), person(home, "Bo", "driver")
    fleet = IdTag.objects.create(organization=home, id_tag="A", cost_center="Fleet")
    plain = IdTag.objects.create(organization=home, id_tag="B")
    session(home, "1", user=ada, id_tag=fleet)
    session(home, "2", user=ada, id_tag=plain)
    session(home, "4", user=bo)
    session(home, "8")
    actor = actor_of(ada)

    def told() -> dict[str, Decimal]:
        found = groups(actor, MAY, "cost_center")
        for group in found:
            rows = of_group(actor, MAY, "cost_center", group.key)
            assert sum(row.cost or 0 for row in rows) == group.cost
            assert rows.count() == group.count
        return {group.name: group.cost for group in found}

    assert told() == {"Fleet": 1, "without": 14}
    set_person_cost_center(actor, organization=home, user=ada, cost_center=" Sales ")
    assert told() == {"Fleet": 1, "Sales": 2, "without": 12}
    ChargingStation.objects.update(cost_center="Garage")
    assert told() == {"Fleet": 1, "Sales": 2, "Garage": 12}
    cells = [row[6] for row in session_sheet(of_group(actor, MAY, "user", str(ada.pk))).rows]
    assert cells == ["Fleet", "Sales"]
    # The same person elsewhere has none there.
    other = Organization.objects.create(name="Other")
    Membership.objects.create(organization=other, user=ada, role="owner")
    PersonCostCenter.objects.filter(user=ada).update(organization=other)
    assert told() == {"Fleet": 1, "Garage": 14}
    # A driver sets none, and a stranger is no member.
    with pytest.raises(Forbidden):
        set_person_cost_center(actor_of(bo), organization=home, user=bo, cost_center="Mine")
    with pytest.raises(Invalid):
        set_person_cost_center(
            actor, organization=home, user=User.objects.create_user("x@example.com", "x"), cost_center="X"
        )
    set_person_cost_center(actor_of(ada), organization=other, user=ada, cost_center="")
    assert not PersonCostCenter.objects.exists()


def test_it_works(home: Organization) -> None:
    ada, bo = person(home, "Ada", "owner"), person(home, "Bo", "driver")
    fleet = IdTag.objects.create(organization=home, id_tag="A", cost_center="Fleet")
    plain = IdTag.objects.create(organization=home, id_tag="B")
    session(home, "1.10", user=ada, id_tag=fleet)
    session(home, "2.20", user=bo, id_tag=fleet, final=False)
    session(home, "3.30", id_tag=plain)
    session(home, "4.40")
    session(home, "9", ended=datetime(2026, 6, 1, tzinfo=UTC))
    session(home, "9", state="charging")
    actor = actor_of(ada)

    def told(by: str) -> list[tuple[str, int, Decimal, int]]:
        return [(group.name, group.count, group.cost, group.held) for group in groups(actor, MAY, by)]

    assert told("user") == [
        ("Ada", 1, Decimal("1.10"), 0),
        ("Bo", 1, Decimal("2.20"), 1),
        ("without", 2, Decimal("7.70"), 0),
    ]
    assert told("cost_center") == [("Fleet", 2, Decimal("3.30"), 1), ("without", 2, Decimal("7.70"), 0)]
    assert [name for name, *_ in told("id_tag")] == ["A", "B", "without"]
    for by in ("user", "id_tag", "cost_center"):
        for group in groups(actor, MAY, by):
            assert sum(row.cost or 0 for row in of_group(actor, MAY, by, group.key)) == group.cost
    assert [group.name for group in groups(actor_of(bo), MAY, "user")] == ["Bo"], "a driver's own"
    assert of_group(actor, MAY, "user", NONE).count() == 2
    group = groups(actor, MAY, "user")[0]
    assert statement(group, MAY, "user", list(of_group(actor, MAY, "user", group.key)), "Home").startswith(b"%PDF")


def test_taxes_are_added_by_rate(home: Organization) -> None:
    line = {"net": "1.00", "tax": "0.19", "tax_percent": "19.00"}
    rows = [
        session(home, "2.26", cost_lines=[line, {"net": "1.00", "tax": "0.07", "tax_percent": "7.00"}]),
        session(home, "1.19", cost_lines=[line]),
        session(home, "5.00", cost_lines=[line], corrected=True),
    ]
    assert taxes(rows) == {
        Decimal("7.00"): (Decimal("1.00"), Decimal("0.07")),
        Decimal("19.00"): (Decimal("2.00"), Decimal("0.38")),
    }
