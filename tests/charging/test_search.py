"""What sessions are found by, and with which tag and car a card charges."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor, actor_of
from accounts.models import Membership, Organization, User
from charging.boards.choice import Choice
from charging.models import Car, ChargingStation, DriverPreference, IdTag, Transaction
from charging.queries import session_search, transactions

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Organization:
    return Organization.objects.create(name="Home")


@pytest.fixture
def owner(home: Organization) -> User:
    user = User.objects.create_user("olga@example.com", "x", name="Olga Owner")
    Membership.objects.create(organization=home, user=user, role="owner")
    return user


def session(organization: Organization, number: int, **more: Any) -> int:
    station, _ = ChargingStation.objects.get_or_create(
        organization=organization, identity=f"CP-{number}", defaults={"name": f"Garage {number}"}
    )
    row = Transaction.objects.create(
        organization=organization, station=station, transaction_id=str(number), started=timezone.now(), **more
    )
    return row.pk


@pytest.mark.parametrize("most", [500, 0], ids=["by keys", "by subqueries"])
def test_sessions_are_found_by_all_that_names_them(
    home: Organization, owner: User, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_search, "MOST_KEYS", most)
    away = Organization.objects.create(name="Elsewhere")
    session(away, 7, id_token="ALIEN77")
    tag = IdTag.objects.create(organization=home, id_tag="AB:CD:12", name="Red card")
    car = Car.objects.create(organization=home, name="Blue beetle")
    by_tag = session(home, 1, id_tag=tag, id_token="abcd12", car=car, user=owner)
    foreign = session(home, 2, id_token="ALIEN77")
    actor = actor_of(owner)

    def found(words: str, who: Actor = actor) -> set[int]:
        rows = session_search.found(who, transactions.visible(who), words)
        assert rows.count() == len(rows.order_by("-started")[:10])
        return set(rows.values_list("pk", flat=True))

    for words in ("red", "ABCD12", "ab:cd", "beetle", "olga", "Owner", "cp-1", "garage 1"):
        assert found(words) == {by_tag}, words
    assert found("alien") == {foreign}
    assert found("garage") == {by_tag, foreign}
    assert found("nothing like it") == set()
    driver = User.objects.create_user("driver@example.com", "x")
    Membership.objects.create(organization=home, user=driver, role="driver")
    assert found("garage", actor_of(driver)) == set()


def test_a_default_tag_is_offered_where_it_is_and_chosen_nowhere_else(
    home: Organization, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charging.boards.choice.MOST", 2)
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=owner, role="owner")
    tags = [IdTag.objects.create(organization=home, id_tag=f"T{number}", name=f"<{number}>") for number in range(4)]
    IdTag.objects.create(organization=second, id_tag="OTHER", name="0")
    preference = DriverPreference.objects.create(user=owner, default_id_tag=tags[3])
    choice = Choice(actor_of(owner))
    assert '<option value="T3" selected>&lt;3&gt;</option>' in choice.tags[home.pk]
    assert "selected" not in choice.tags[second.pk]
    assert choice.tag_organization == home.pk
    tags[3].blocked = True
    tags[3].save()
    preference.refresh_from_db()
    blocked = Choice(actor_of(owner))
    assert "T3" not in blocked.tags[home.pk]
    assert blocked.tag_organization is None
