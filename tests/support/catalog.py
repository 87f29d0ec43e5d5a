"""The German catalog: what the source says, what is translated, and the compiled file. Pure Python, without gettext.

`make messages` brings mobility/locale/de/LC_MESSAGES/django.po up to date with the source and compiles django.mo
beside it. New messages come in empty; what nobody says any more goes. tests/mobility/test_translations.py holds both
files to the source.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib
from django.utils.translation.template import templatize

from tests.support.environment import ROOT

ROOMS = ("mobility", "accounts", "charging", "ocpp_gateway")
PO = ROOT / "mobility/locale/de/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
HEADER = {
    "Project-Id-Version": "mobility",
    "Language": "de",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}
#: function -> which arguments are context, message and plural; -1 where there is none.
CALLS = {
    "gettext": (-1, 0, -1),
    "gettext_lazy": (-1, 0, -1),
    "gettext_noop": (-1, 0, -1),
    "ngettext": (-1, 0, 1),
    "ngettext_lazy": (-1, 0, 1),
    "pgettext": (0, 1, -1),
    "pgettext_lazy": (0, 1, -1),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
CALL = re.compile(r"\b(_|n?p?gettext)\(")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-+0-9.]*[sdfgr]|%%")


@dataclass(slots=True)
class Message:
    """What the source says somewhere; a message with a plural has two forms."""

    text: str
    plural: str = ""
    context: str = ""
    places: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.text


def extract() -> dict[tuple[str, str], Message]:
    """(context, text) -> message, of all templates and rooms."""
    found: dict[tuple[str, str], Message] = {}
    for path in sources():
        place = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        for message in of_python(text) if path.suffix == ".py" else of_template(text, place):
            kept = found.setdefault(message.key, message)
            kept.plural = kept.plural or message.plural
            kept.places.add(place)
    return found


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from (path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)
    yield from (path for path in sorted((ROOT / "templates").rglob("*")) if path.suffix in {".html", ".txt"})


def of_python(text: str) -> Iterator[Message]:
    """The messages of a module; it may import gettext's functions by other names, as `_`."""
    tree = ast.parse(text)
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            called = names.get(name, name if isinstance(node.func, ast.Attribute) else "")
            yield from of_call(called, node)


def of_template(text: str, place: str) -> Iterator[Message]:
    """The messages of a template: Django turns it into calls among much that means nothing."""
    calls = templatize(text, origin=place)
    for match in CALL.finditer(calls):
        end = match.end()
        while (end := calls.find(")", end) + 1) > 0:
            try:
                node = ast.parse(calls[match.start() : end].strip(), mode="eval").body
            except SyntaxError:
                continue
            assert isinstance(node, ast.Call)
            yield from of_call("gettext" if match[1] == "_" else match[1], node)
            break


def of_call(name: str, call: ast.Call) -> Iterator[Message]:
    if name not in CALLS:
        return
    context, text, plural = (literal(call, at) for at in CALLS[name])
    if text:
        yield Message(text, plural, context)


def literal(call: ast.Call, at: int) -> str:
    node = call.args[at] if 0 <= at < len(call.args) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


# --- The catalog -----------------------------------------------------------------------------------------------------


def catalog() -> polib.POFile:
    return polib.pofile(str(PO), wrapwidth=118)


def update(found: dict[tuple[str, str], Message]) -> polib.POFile:
    """The catalog with every message of the source and no other, in the alphabet's order."""
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in catalog()} if PO.exists() else {}
    made = polib.POFile(wrapwidth=118)
    made.metadata = HEADER
    for key in sorted(found, key=lambda key: (key[1].casefold(), key[1], key[0])):
        message, entry = found[key], known.get(key)
        made.append(entry_of(message, entry))
    return made


def entry_of(message: Message, before: polib.POEntry | None) -> polib.POEntry:
    made = polib.POEntry(msgid=message.text, msgctxt=message.context or None)
    made.occurrences = [(place, "") for place in sorted(message.places)]
    if message.plural:
        made.msgid_plural = message.plural
        made.msgstr_plural = (before.msgstr_plural if before else None) or {0: "", 1: ""}
    else:
        made.msgstr = before.msgstr if before else ""
    if PLACEHOLDER.search(message.text + message.plural):
        made.flags = ["python-format"]
    if before and before.fuzzy:
        made.flags.append("fuzzy")
    return made


def compiled(catalog: polib.POFile) -> bytes:
    return bytes(catalog.to_binary())


def faults(found: dict[tuple[str, str], Message], catalog: polib.POFile) -> Iterator[str]:
    """What keeps the catalog from being whole: missing, left over, empty, doubtful, or with other placeholders."""
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in catalog}
    yield from (f"missing: {found[key].text!r} ({min(found[key].places)})" for key in found.keys() - known.keys())
    yield from (f"left over: {key[1]!r}" for key in known.keys() - found.keys())
    for entry in known.values():
        yield from (f"{fault}: {entry.msgid!r}" for fault in entry_faults(entry))


def entry_faults(entry: polib.POEntry) -> Iterator[str]:
    texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if len(texts) != (2 if entry.msgid_plural else 1) or not all(texts):
        yield "empty"
        return
    if entry.fuzzy:
        yield "fuzzy"
    wanted = placeholders(entry.msgid_plural or entry.msgid)
    if placeholders(texts[-1]) != wanted or not set(placeholders(texts[0])) <= {*wanted, *placeholders(entry.msgid)}:
        yield "other placeholders"
    ends = {(text.startswith("\n"), text.endswith("\n")) for text in [entry.msgid, *texts]}
    if len(ends) > 1:
        yield "begins or ends with another line break"


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def main() -> int:
    found = extract()
    made = update(found)
    PO.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(PO))
    MO.write_bytes(compiled(made))
    left = sorted(faults(found, made))
    print(f"{len(found)} messages, {len(left)} to be mended in {PO.relative_to(ROOT)}")
    for fault in left:
        print(f"  {fault}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
