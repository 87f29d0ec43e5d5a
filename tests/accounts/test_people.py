"""The first admin, API keys whose owner changes, and where a request comes from."""

import pytest
from django.test import override_settings

from accounts import api_keys, people
from accounts.actors import actor_of
from accounts.models import Audit, Membership, User
from accounts.network import is_trusted_proxy, source_of
from mobility.errors import Conflict, Forbidden, Invalid, NotSignedIn

PASSWORD = "correct horse battery staple 9"


@pytest.fixture
def admin(db: None) -> User:
    return people.set_up_first_admin(email=" Me@Example.com ", password=PASSWORD)


def test_the_first_admin_owns_the_first_organization(admin: User) -> None:
    assert (admin.email, admin.is_superuser, admin.check_password(PASSWORD)) == ("me@example.com", True, True)
    assert Membership.objects.get(user=admin).role == "owner"
    assert PASSWORD not in str(Audit.objects.values())


def test_there_is_no_second_first_admin(admin: User) -> None:
    with pytest.raises(Conflict):
        people.set_up_first_admin(email="other@example.com", password=PASSWORD)
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "password", "field"), [("nobody", PASSWORD, "email"), ("me@example.com", "password123", "password")]
)
def test_a_bad_first_admin_names_its_field(email: str, password: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        people.set_up_first_admin(email=email, password=password)
    assert set(refused.value.fields) == {field}
    assert not people.has_admin()


def test_a_key_follows_its_owners_role(admin: User) -> None:
    person = User.objects.create_user("two@example.com", "x")
    membership = Membership.objects.create(
        user=person, organization=Membership.objects.get(user=admin).organization, role="manager"
    )
    made = api_keys.create_api_key(actor_of(person), name="n", role="manager")
    organization = membership.organization_id
    assert api_keys.actor_of_key(api_keys.key_of(made.key)).can("manager", organization)
    Membership.objects.filter(pk=membership.pk).update(role="viewer")
    actor = api_keys.actor_of_key(api_keys.key_of(made.key))
    assert (actor.can("viewer", organization), actor.can("driver", organization)) == (True, False)
    with pytest.raises(Forbidden):
        api_keys.create_api_key(actor, name="a key made by a key")
    membership.delete()
    with pytest.raises(NotSignedIn):
        api_keys.key_of(made.key)


def test_a_superusers_key_is_bound_to_its_organization(admin: User) -> None:
    made = api_keys.create_api_key(actor_of(admin), name="n", role="viewer")
    actor = api_keys.actor_of_key(api_keys.key_of(made.key))
    assert actor.is_platform_admin is False
    assert actor.organization_ids() == [made.api_key.organization_id]


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("203.0.113.1", None, "203.0.113.1"),
        ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
    ],
)
def test_only_a_trusted_proxy_says_where_a_request_comes_from(peer: str, forwarded: str | None, source: str) -> None:
    with override_settings(TRUSTED_PROXIES=["10.0.0.0/8"]):
        is_trusted_proxy.cache_clear()
        assert source_of(peer, forwarded) == source
    is_trusted_proxy.cache_clear()
