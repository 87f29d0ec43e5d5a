"""The German catalog is whole, its compiled file is the same catalog, and the pages say nothing past it."""

import ast
import re
from collections.abc import Iterator

import polib
import pytest
from django.utils import translation

from charging.queries.scope import THINGS
from charging.said import said
from tests.support import catalog
from tests.support.environment import ROOT

PROBLEMS = {"Problem", "Invalid", "NotSignedIn", "Forbidden", "NotFound", "Conflict", "TooMany", "Unavailable"}


def test_every_message_is_in_german() -> None:
    faults = sorted(catalog.faults(catalog.extract(), catalog.catalog()))
    assert not faults, "Run `make messages`, then translate in django.po:\n" + "\n".join(faults)


def test_the_compiled_catalog_is_the_written_one() -> None:
    assert catalog.MO.read_bytes() == catalog.compiled(catalog.catalog()), "Run `make messages`."


def test_django_finds_it() -> None:
    with translation.override("de"):
        assert translation.gettext("Stations") == "Stationen"
        assert translation.ngettext("session", "sessions", 2) == "Ladevorgänge"


def test_messages_are_found_in_modules_and_templates() -> None:
    module = (
        "from django.utils.translation import gettext as _, ngettext, pgettext_lazy as p\n"
        "_('One'); f'{_(\"Two\")}'; ngettext('%(n)s car', '%(n)s cars', n); p('door', 'Open'); other('No')\n"
    )
    found = {(message.context, message.text, message.plural) for message in catalog.of_python(module)}
    assert found == {("", "One", ""), ("", "Two", ""), ("", "%(n)s car", "%(n)s cars"), ("door", "Open", "")}
    template = (
        '{% load i18n %}<p title="{% translate \'It (is)\' %}">{{ x|default:_("None") }} said</p>'
        "{% blocktranslate count n=n trimmed %}\n {{ n }} car\n{% plural %}\n {{ n }} cars {% endblocktranslate %}"
    )
    found = {(message.context, message.text, message.plural) for message in catalog.of_template(template, "x.html")}
    assert found == {("", "It (is)", ""), ("", "None", ""), ("", "%(n)s car", "%(n)s cars")}


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (polib.POEntry(msgid="Car"), "empty"),
        (polib.POEntry(msgid="Car", msgstr="Auto", flags=["fuzzy"]), "fuzzy"),
        (polib.POEntry(msgid="%(car)s", msgstr="%(auto)s"), "other placeholders"),
        (polib.POEntry(msgid="%(n)s car", msgid_plural="%(n)s cars", msgstr_plural={0: "%(n)s Auto", 1: ""}), "empty"),
        (polib.POEntry(msgid="a\n", msgstr="b"), "begins or ends with another line break"),
    ],
)
def test_what_is_wrong_is_told(entry: polib.POEntry, fault: str) -> None:
    assert list(catalog.entry_faults(entry)) == [fault]


def test_what_is_missing_or_left_over_is_told() -> None:
    made = polib.POFile()
    made.append(polib.POEntry(msgid="Old", msgstr="Alt"))
    new = catalog.Message("New", places={"a.py"})
    assert sorted(catalog.faults({new.key: new}, made)) == ["left over: 'Old'", "missing: 'New' (a.py)"]


# --- Nothing past gettext --------------------------------------------------------------------------------------------


def bare_problems(text: str) -> Iterator[int]:
    """The lines where a Problem gets a sentence that no catalog sees."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PROBLEMS:
            said = [
                *node.args[:1],
                *(value for word in node.keywords if word.arg == "fields" for value in values(word)),
            ]
            if any(isinstance(value, ast.JoinedStr) or is_sentence(value) for value in said):
                yield node.lineno


def values(word: ast.keyword) -> list[ast.expr]:
    return word.value.values if isinstance(word.value, ast.Dict) else []


def is_sentence(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value


@pytest.mark.parametrize("room", ["accounts", "charging"])
def test_problems_can_be_translated(room: str) -> None:
    paths = sorted((ROOT / room).rglob("*.py"))
    found = [f"{path.relative_to(ROOT)}:{line}" for path in paths for line in bare_problems(path.read_text())]
    assert not found, "Wrap these in gettext:\n" + "\n".join(found)


def test_bare_problems_are_found() -> None:
    source = "Invalid('Not so.')\nInvalid(_('Not so.'))\nConflict(_('No.'), fields={'a': f'{b} is'})\nInvalid(text)\n"
    assert list(bare_problems(source)) == [1, 3]


def test_what_is_looked_for_has_a_name_in_the_catalog() -> None:
    call = re.compile(r'\bone\([^"\n]+, "([a-z ]+)"')
    named = {name for path in (ROOT / "charging").rglob("*.py") for name in call.findall(path.read_text())}
    assert named
    assert named - set(THINGS) == set()


#: In this order: what says nothing, or says it through the catalog; then names in the page's own language; then tags.
SILENT = [
    r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|{%\s*blocktranslate.*?endblocktranslate\s*%}|{% block width %}\w*",
    r"{%.*?%}|{{.*?}}",
    r"<(script|style|code|kbd|title|pre|textarea)\b.*?</\1>",
    r"<(span|text) class=\"(?:icon|brand)[^>]*>.*?</\1>",
    r"<(\w+)[^>]*\bmono\b[^>]*>[^<]*</\1>",
    r"<[^>]*>|&\w+;",
]
#: What is the same in every language.
ALIKE = re.compile(r"\b(Mobility|OCPP|XLSX|CSV|JSON|PDF|kWh?|SoC|UTC|API|EVSE|REST|QR)\b")


def bare_words(text: str) -> Iterator[str]:
    """Words of a template that no catalog sees."""
    for pattern in SILENT:
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    yield from re.findall(r"[A-Za-z]{3,}(?: [a-z]+)*", ALIKE.sub(" ", text))


def test_pages_say_nothing_past_the_catalog() -> None:
    found = {}
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if words := list(bare_words(path.read_text(encoding="utf-8"))):
            found[path.relative_to(ROOT).as_posix()] = words
    assert found == {}


def test_bare_words_are_found() -> None:
    assert list(bare_words("<p>Hello there {{ name }}</p><b title='x'>{% translate 'Car' %}</b>")) == ["Hello there"]


# --- Stored texts ----------------------------------------------------------------------------------------------------


def test_what_was_stored_is_said_in_the_readers_language() -> None:
    with translation.override("de"):
        assert said("Connected again since 12:30 UTC.") == "Wieder verbunden seit 12:30 UTC."
        assert said("The station answered with the error InternalError: <b>oops</b>.").endswith("<b>oops</b>.")
        assert (said(""), said("DoorOpened")) == ("", "DoorOpened")
    assert said("Connected again since 12:30 UTC.") == "Connected again since 12:30 UTC."
