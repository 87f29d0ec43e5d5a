"""Every action has words for people."""

from accounts.actions import known_actions
from accounts.audit import nouns
from accounts.audit_words import ACTIONS, NOUNS, words_of


def test_every_action_of_the_product_has_words() -> None:
    import mobility.urls  # noqa: F401 - and with it every action

    known = {name for name in known_actions() if not name.startswith("test")}
    assert known - ACTIONS.keys() == set()
    assert ACTIONS.keys() - known == set()
    assert set(nouns()) - NOUNS.keys() == set()


def test_an_action_of_an_earlier_version_keeps_its_name() -> None:
    assert words_of("thing.gone") == "thing.gone"
