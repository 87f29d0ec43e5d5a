"""Guessed passwords are counted by account and by source, and never against who is known."""

import pytest
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from accounts import tokens
from accounts.models import User

PASSWORD = "correct horse battery staple 9"
HOME = "198.51.100.1"


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner@example.com", PASSWORD)


def attempt(email: str, password: str, source: str) -> tuple[bool, bool]:
    """-> (came in, was locked out)"""
    request: HttpRequest = RequestFactory().post("/", REMOTE_ADDR=source)
    user = authenticate(request, username=email, password=password)
    return user is not None, bool(getattr(request, "axes_locked_out", False))


@override_settings(AXES_FAILURE_LIMIT=3)
def test_many_sources_cannot_guess_at_one_account_for_ever(owner: User) -> None:
    tokens.start_family(owner, source_ip=HOME)
    for number in range(15):
        assert attempt(owner.email, "guess", f"203.0.113.{number + 1}")[0] is False
    assert attempt(owner.email, PASSWORD, "203.0.113.99") == (False, True), "an unknown source, even with the right one"
    assert attempt(owner.email, PASSWORD, HOME) == (True, False), "the owner's own is not concerned"


@override_settings(AXES_FAILURE_LIMIT=3)
def test_one_source_cannot_guess_at_many_accounts_for_ever(owner: User) -> None:
    for number in range(30):
        attempt(f"person{number}@example.com", "guess", HOME)
    assert attempt("somebody@example.com", "guess", HOME) == (False, True)
    assert attempt(owner.email, PASSWORD, HOME) == (False, True)
    tokens.start_family(owner, source_ip=HOME)
    assert attempt(owner.email, PASSWORD, HOME) == (True, False), "who has signed in from there before still does"
