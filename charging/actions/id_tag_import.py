"""Importing id tags from a CSV file: what would become of each line is worked out first, shown, and then done."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Membership, Organization, User
from charging.actions.common import assign
from charging.actions.id_tags import SETTABLE, check_text
from charging.models import IdTag, IdTagAlias
from charging.models.id_tags import canonical_id_tag
from mobility.errors import Conflict, Invalid

#: What a heading may be called -> the field it stands for.
HEADINGS = {
    "id_tag": "id_tag", "idtag": "id_tag", "tag": "id_tag", "id token": "id_tag", "idtoken": "id_tag", "uid": "id_tag",
    "name": "name", "label": "name",
    "user": "user", "email": "user", "e-mail": "user",
    "parent_id_tag": "parent_id_tag", "parent": "parent_id_tag", "group": "parent_id_tag",
    "blocked": "blocked", "expires": "expires", "expiry": "expires", "valid until": "expires",
    "max_active_transactions": "max_active_transactions", "sessions at once": "max_active_transactions",
    "aliases": "aliases", "alias": "aliases",
}  # fmt: skip
COLUMNS = ("id_tag", "name", "user", "parent_id_tag", "blocked", "expires", "max_active_transactions", "aliases")
TRUTHS = {"1": True, "true": True, "yes": True, "x": True, "0": False, "false": False, "no": False}
MOST_ROWS = 5000
MOST_CHARACTERS = 1_000_000
#: So many values go into one IN (…): fewer than any database's limit of parameters.
SLICE = 500

CREATE, CHANGE, SAME, REFUSE = "create", "change", "same", "refuse"


@dataclass(slots=True)
class Planned:
    """What is to become of one line: its deed, what changes `(field, before, after)`, and what is wrong with it."""

    line: int
    tag: IdTag
    deed: str = SAME
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    rows: list[Planned]

    def of(self, deed: str) -> list[Planned]:
        return [row for row in self.rows if row.deed == deed]

    @property
    def counts(self) -> dict[str, int]:
        return {deed: len(self.of(deed)) for deed in (CREATE, CHANGE, SAME, REFUSE)}

    def __str__(self) -> str:
        return ", ".join(f"{count} {deed}" for deed, count in self.counts.items())


def plan_import(actor: Actor, *, organization: Organization, text: str) -> Plan:
    """What an import would do, in a handful of queries for any number of lines. Nothing is changed.

    Args:
        text: CSV with a heading; comma, semicolon or tab. An empty cell leaves what is known as it is.

    Raises:
        Invalid: the file as a whole cannot be read: no heading, no tag column, an unknown column, too long.
    """
    lines = list(read(text))
    wanted = {canonical_id_tag(cells.get("id_tag", "")) for _, cells in lines}
    known = {tag.canonical: tag for tag in found(IdTag.objects.filter(organization=organization), wanted)}
    texts = {canonical_id_tag(word) for _, cells in lines for word in cells.get("aliases", "").split()}
    own = {tag.canonical for tag in found(IdTag.objects.filter(organization=organization), texts)}
    taken = {
        row.canonical: row.id_tag_id
        for row in found(IdTagAlias.objects.filter(organization=organization), wanted | texts)
    }
    members = Membership.objects.filter(organization=organization).select_related("user")
    book = Book(organization, known, own | wanted, taken, {row.user.email: row.user for row in members})
    return Plan([book.plan(line, cells) for line, cells in lines])


def found(rows: Any, canonical: set[str]) -> Iterator[Any]:
    values = iter(sorted(canonical - {""}))
    while part := list(islice(values, SLICE)):
        yield from rows.filter(canonical__in=part)


def read(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, field -> cell) of every line that is not empty. Raises Invalid."""
    text = text.lstrip("\ufeff").replace("\x00", "")
    if len(text) > MOST_CHARACTERS:
        raise bad_file(
            gettext("The file is too long; at most %(most)s MB at a time.") % {"most": MOST_CHARACTERS // 1000000}
        )
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    fields: list[str] = []
    count = 0
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if not fields:
                fields = columns(cells)
                continue
            count += 1
            if count > MOST_ROWS:
                raise bad_file(
                    gettext("The file has more than %(most)s lines; import it in parts.") % {"most": MOST_ROWS}
                )
            yield rows.line_num, dict(zip(fields, (cell.strip() for cell in cells), strict=False))
    except csv.Error as error:
        raise bad_file(
            gettext("Line %(line)s cannot be read: %(error)s.") % {"line": rows.line_num, "error": error}
        ) from None
    if not count:
        raise bad_file(gettext("The file has no line below its heading."))


def columns(cells: list[str]) -> list[str]:
    names = [HEADINGS.get(cell.strip().lower(), "") for cell in cells]
    if "id_tag" not in names:
        raise bad_file(
            gettext("The first line names the columns, and one of them is id_tag. Known are: %(choices)s.")
            % {"choices": ", ".join(COLUMNS)}
        )
    unknown = [cell.strip() for cell, name in zip(cells, names, strict=True) if not name]
    if unknown:
        raise bad_file(
            gettext("Unknown column %(columns)s. Known are: %(choices)s.")
            % {"columns": ", ".join(unknown)[:200], "choices": ", ".join(COLUMNS)}
        )
    if len(set(names)) < len(names):
        raise bad_file(gettext("A column stands twice in the heading."))
    return names


def bad_file(why: str) -> Invalid:
    return Invalid(why, fields={"file": why})


class Book:
    """What is known beforehand, and what the lines above have taken already."""

    def __init__(
        self,
        organization: Organization,
        known: dict[str, IdTag],
        tags: set[str],
        aliases: dict[str, int],
        members: dict[str, User],
    ) -> None:
        self.organization, self.known, self.tags, self.aliases, self.members = (
            organization,
            known,
            tags,
            aliases,
            members,
        )
        self.lines: dict[str, int] = {}

    def plan(self, line: int, cells: dict[str, str]) -> Planned:
        canonical = canonical_id_tag(cells.get("id_tag", ""))
        tag = self.known.get(canonical)
        row = Planned(line, tag or IdTag(organization=self.organization, id_tag=cells.get("id_tag", "")[:255]))
        before = {name: getattr(row.tag, name) for name in SETTABLE}
        self._check_text(row, canonical, cells.get("id_tag", ""))
        values = self._values(row, cells)
        try:
            assign(row.tag, values, SETTABLE)
        except Invalid as problem:
            row.problems += [f"{name}: {why}" for name, why in problem.fields.items()]
        self._plan_aliases(row, cells.get("aliases", "").split())
        for name in SETTABLE:
            after = getattr(row.tag, name)
            if after != before[name]:
                row.changes.append((name, before[name], after))
        if row.problems:
            row.deed = REFUSE
        elif tag is None:
            row.deed = CREATE
        elif row.changes or row.aliases:
            row.deed = CHANGE
        return row

    def _check_text(self, row: Planned, canonical: str, text: str) -> None:
        try:
            check_text(text)
        except Invalid as problem:
            row.problems.append(f"id_tag: {problem.message}")
            return
        if canonical in self.lines:
            row.problems.append(
                gettext("id_tag: It stands in line %(line)s already.") % {"line": self.lines[canonical]}
            )
        self.lines.setdefault(canonical, row.line)
        if canonical in self.aliases:
            row.problems.append(gettext("id_tag: It is an alias of another tag."))

    def _values(self, row: Planned, cells: dict[str, str]) -> dict[str, Any]:
        """The cells that say something, as the model takes them."""
        values: dict[str, Any] = {name: cells[name] for name in ("name", "parent_id_tag") if cells.get(name)}
        if cells.get("max_active_transactions"):
            values["max_active_transactions"] = cells["max_active_transactions"]
        if email := cells.get("user", "").lower():
            if email in self.members:
                values["user"] = self.members[email]
            else:
                row.problems.append(
                    gettext("user: %(email)s is no member of the organization.") % {"email": email[:100]}
                )
        if word := cells.get("blocked", "").lower():
            if word in TRUTHS:
                values["blocked"] = TRUTHS[word]
            else:
                row.problems.append(gettext("blocked: Write yes or no."))
        if text := cells.get("expires", ""):
            values["expires"] = moment(text)
            if values["expires"] is None:
                del values["expires"]
                row.problems.append(gettext("expires: Write a day or a time as in 2027-12-31 or 2027-12-31 18:00."))
        return values

    def _plan_aliases(self, row: Planned, words: Iterable[str]) -> None:
        for word in words:
            canonical = canonical_id_tag(word)
            owner = self.aliases.get(canonical)
            if owner is not None and owner == row.tag.pk:
                continue
            if not canonical:
                row.problems.append(gettext("aliases: %(word)s has no letter or digit.") % {"word": word[:50]})
            elif owner is not None or canonical in self.tags:
                row.problems.append(f"aliases: {word[:50]} is taken.")
            else:
                row.aliases.append(canonical)
                self.aliases[canonical] = row.tag.pk or -row.line


def moment(text: str) -> datetime | None:
    """A day means its end, in the reader's time zone."""
    try:
        day, found = parse_date(text), parse_datetime(text)
    except ValueError:
        return None
    if day is not None:
        found = datetime.combine(day, time(23, 59, 59))
    return timezone.make_aware(found) if found is not None and timezone.is_naive(found) else found


@dataclass(frozen=True, slots=True)
class File:
    """A file's text, of which the audit keeps no more than its size: it names people and their tags."""

    text: str

    def __str__(self) -> str:
        return f"{len(self.text)} characters"


@action("id_tag.import", role=Role.MANAGER, creates=True)
def import_id_tags(actor: Actor, *, file: File, organization: Organization | None = None) -> Plan:
    """Do what `plan_import` says now; the lines it refuses are left out.

    Raises:
        Invalid: as `plan_import`.
        Conflict: one of the tags was made by someone else in this moment; nothing is changed.
    """
    assert organization is not None
    plan = plan_import(actor, organization=organization, text=file.text)
    for row in plan.of(CREATE):
        row.tag.canonical = canonical_id_tag(row.tag.id_tag)
    try:
        with transaction.atomic():
            IdTag.objects.bulk_create([row.tag for row in plan.of(CREATE)], batch_size=100)
            for row in plan.of(CHANGE):
                if row.changes:
                    row.tag.save(update_fields=[name for name, _, _ in row.changes])
            IdTagAlias.objects.bulk_create(
                [
                    IdTagAlias(organization=organization, id_tag=row.tag, canonical=alias)
                    for row in (*plan.of(CREATE), *plan.of(CHANGE))
                    for alias in row.aliases
                ],
                batch_size=100,
            )
    except IntegrityError:
        raise Conflict(gettext("Someone has added one of these tags just now. Look at the preview again.")) from None
    return plan
