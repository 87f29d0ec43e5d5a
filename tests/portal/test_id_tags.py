"""Id tags: learn mode, aliases, groups, import, and who may do what."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, Open, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server
from tests.support.waiting import wait_until


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields})


def tag_of(people: People, id_tag: str) -> dict:
    (found,) = people.owner.rest.each("id-tags/", id_tag=id_tag)
    return found


def member_id(people: People) -> str:
    return str(people.member.rest.get("me/")["id"])


def test_a_card_is_learnt_live(
    server: Server, people: People, garage: Garage, visit: Visits, unique: Callable[[str], str]
) -> None:
    card, other = unique("CARD").replace("-", ""), unique("CARD").replace("-", "")
    page = visit(server.url, people.owner)
    page.goto(server.url + "/id-tags/")
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        assert station.ok("Authorize", {"idTag": card})["idTagInfo"]["status"] == "Invalid"
        page.get_by_label("Station", exact=True).select_option(garage.identity)
        page.get_by_label("Whose card").select_option(member_id(people))
        page.get_by_role("button", name="Learn", exact=True).click()
        expect(page.locator(".learning", has_text=garage.identity)).to_be_visible()
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        page.evaluate("window.sameDocument = true")
        assert station.ok("Authorize", {"idTag": card})["idTagInfo"]["status"] == "Accepted"
        expect(page.locator(f"[data-learnt='{card}']")).to_contain_text("may charge")
        expect(page.locator(".learning", has_text=garage.identity)).to_have_count(0)
        expect(page.locator("tbody tr", has_text=card)).to_be_visible()
        assert page.evaluate("window.sameDocument")
        # One card, once.
        assert station.ok("Authorize", {"idTag": other})["idTagInfo"]["status"] == "Invalid"
    assert str(tag_of(people, card)["user"]) == member_id(people)


def test_learning_can_be_stopped(server: Server, people: People, garage: Garage, unique: Callable[[str], str]) -> None:
    owner = sign_in(server, people.owner)
    assert post(owner, "/id-tags/learn/", station=garage.identity, user=member_id(people)).status_code == 302
    assert "listens" in owner.get("/id-tags/").text
    post(owner, "/id-tags/learn/", station=garage.identity, deed="stop")
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        assert station.ok("Authorize", {"idTag": unique("NOT")})["idTagInfo"]["status"] == "Invalid"


def test_who_may_learn(server: Server, people: People, garage: Garage) -> None:
    whose = {"station": garage.identity, "user": member_id(people)}
    assert post(sign_in(server, people.member), "/id-tags/learn/", **whose).status_code == 403
    assert post(sign_in(server, people.stranger), "/id-tags/learn/", **whose).status_code == 404
    foreign = str(people.stranger.rest.get("me/")["id"])
    owner = sign_in(server, people.owner)
    assert post(owner, "/id-tags/learn/", station=garage.identity, user=foreign).status_code == 404
    assert garage.identity not in re.sub(r"<option.*?</option>", "", owner.get("/id-tags/").text)


def test_a_learnt_tag_is_told_to_its_owner_and_to_managers_only(
    server: Server, people: People, garage: Garage, live: Open, unique: Callable[[str], str]
) -> None:
    sockets = {name: live(getattr(people, name)) for name in ("owner", "member", "stranger")}
    for socket in sockets.values():
        assert socket.next()["event"] == "hello"
    card, me = unique("C"), str(people.owner.rest.get("me/")["id"])
    post(sign_in(server, people.owner), "/id-tags/learn/", station=garage.identity, user=me)
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("Authorize", {"idTag": card})
        station.ok("StatusNotification", frames.status_16(1, "Faulted", "OtherError"))
    told = sockets["owner"].until(lambda event: event["event"] == "id_tag.learnt")
    assert (told["data"]["id_tag"], told["station"]) == (card, garage.identity)
    sockets["member"].until(lambda event: event["event"] == "connector.updated")
    assert "id_tag.learnt" not in {event["event"] for event in sockets["member"].seen}
    with pytest.raises(TimeoutError):
        sockets["stranger"].next(timeout=0.5)


def test_an_alias_opens_too(server: Server, people: People, garage: Garage, unique: Callable[[str], str]) -> None:
    alias = unique("AL")
    pk = tag_of(people, garage.tag)["id"]
    owner = sign_in(server, people.owner)
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        assert station.ok("Authorize", {"idTag": alias})["idTagInfo"]["status"] == "Invalid"
        assert post(owner, f"/id-tags/{pk}/", deed="alias", alias=alias, back="tag").status_code == 302
        assert station.ok("Authorize", {"idTag": alias})["idTagInfo"]["status"] == "Accepted"
        page = owner.get(f"/id-tags/{pk}/").text
        assert alias.replace("-", "") in page
        (row,) = re.findall(r'name="alias" value="(\d+)"', page)
        again = post(owner, f"/id-tags/{pk}/", deed="alias", alias=garage.tag, back="tag")
        assert again.status_code == 400 and "exists already" in again.text
        assert f"/id-tags/{pk}/" in owner.get(f"/id-tags/?q={alias}").text
        post(owner, f"/id-tags/{pk}/", deed="forget-alias", alias=row, back="tag")
        assert station.ok("Authorize", {"idTag": alias})["idTagInfo"]["status"] == "Invalid"


def test_a_tag_is_edited_and_filtered(server: Server, people: People, unique: Callable[[str], str]) -> None:
    one, two, group = unique("T"), unique("T"), unique("GROUP")
    first, second = people.owner.rest.create_tag(one), people.owner.rest.create_tag(two, parent_id_tag=group)
    owner = sign_in(server, people.owner)
    form = {"deed": "save", "back": "tag", "id_tag": one, "name": "Renamed", "parent_id_tag": group, "user": ""}
    assert post(owner, f"/id-tags/{first['id']}/", **form, expires="2001-01-01T10:00").status_code == 302
    assert people.owner.rest.get(f"id-tags/{first['id']}/")["parent_id_tag"] == group
    page = owner.get(f"/id-tags/{second['id']}/").text
    assert "Renamed" in page and group in page
    listed = owner.get(f"/id-tags/?group={group}").text
    assert one in listed and two in listed
    expired = owner.get(f"/id-tags/?group={group}&state=expired").text
    assert one in expired and two not in expired
    valid = owner.get(f"/id-tags/?group={group}&state=valid&sort=-name").text
    assert one not in valid and two in valid
    refused = post(owner, f"/id-tags/{first['id']}/", **{**form, "name": "Kept"}, max_active_transactions="many")
    assert refused.status_code == 400 and 'value="Kept"' in refused.text


def test_a_tag_of_others(server: Server, people: People, garage: Garage) -> None:
    pk = tag_of(people, garage.tag)["id"]
    stranger, member = sign_in(server, people.stranger), sign_in(server, people.member)
    for client in (stranger, member):  # A driver sees the own tags only.
        assert client.get(f"/id-tags/{pk}/").status_code == 404
        assert post(client, f"/id-tags/{pk}/", deed="delete").status_code == 404
    mine = people.owner.rest.create_tag(f"MINE{pk}", user=int(member_id(people)))["id"]
    assert member.get(f"/id-tags/{mine}/").status_code == 200
    assert post(member, f"/id-tags/{mine}/", deed="unblock").status_code == 403
    assert tag_of(people, garage.tag)


CSV = """id_tag;name;user;group;blocked;expires;max_active_transactions;aliases
{new};New one;{email};{group};no;2030-05-01;2;{alias}
{known};Renamed;;;yes;;;
{same};;;;;;;
{twice};;;;;;;
{twice};again;;;;;;
{bad};Bad;nobody@example.com;;perhaps;someday;-1;
;no tag;;;;;;
"""


def test_an_import_is_shown_first(server: Server, people: People, unique: Callable[[str], str]) -> None:
    words = {name: unique(name.upper()) for name in ("new", "known", "same", "twice", "bad", "group", "alias")}
    for name in ("known", "same"):
        people.owner.rest.create_tag(words[name])
    text = CSV.format(**words, email=people.member.email)
    owner = sign_in(server, people.owner)
    token = {"csrfmiddlewaretoken": owner.cookies["csrftoken"]}
    shown = owner.post(
        "/id-tags/import/", data={**token, "deed": "preview"}, files={"file": ("tags.csv", text.encode("utf-8-sig"))}
    )
    assert shown.status_code == 200
    counts = dict(re.findall(r'id="count-(\w+)">(\d+)<', shown.text))
    assert counts == {"create": "2", "change": "1", "same": "1", "refuse": "3"}
    for sentence in ("stands in line 5 already", "nobody@example.com is no member", "Write yes or no", "2027-12-31"):
        assert sentence in shown.text, sentence
    assert not list(people.owner.rest.each("id-tags/", id_tag=words["new"]))
    assert post(owner, "/id-tags/import/", deed="import", text=text).status_code == 302
    made = tag_of(people, words["new"])
    assert (made["name"], made["parent_id_tag"], made["max_active_transactions"]) == ("New one", words["group"], 2)
    assert str(made["user"]) == member_id(people)
    assert made["expires"] == "2030-05-01T23:59:59.000Z"
    changed = tag_of(people, words["known"])
    assert (changed["name"], changed["blocked"]) == ("Renamed", True)
    assert not list(people.owner.rest.each("id-tags/", id_tag=words["bad"]))
    assert words["alias"].replace("-", "") in owner.get(f"/id-tags/{made['id']}/").text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Choose a file"),
        ("name,user\nA,b\n", "one of them is id_tag"),
        ("id_tag,colour\nA,b\n", "Unknown column colour"),
        ("id_tag\n", "no line below"),
        ("id_tag,tag\nA,B\n", "stands twice"),
    ],
)
def test_a_file_that_cannot_be_read(server: Server, people: People, text: str, said: str) -> None:
    answer = post(sign_in(server, people.owner), "/id-tags/import/", deed="preview", text=text)
    assert answer.status_code == 400 and said in answer.text


def test_who_may_import(server: Server, people: People, unique: Callable[[str], str]) -> None:
    text = f"id_tag\n{unique('X')}\n"
    for person, status in ((people.member, 403), (people.owner, 302)):
        client = sign_in(server, person)
        assert post(client, "/id-tags/import/", deed="import", text=text).status_code == status
        assert client.get("/id-tags/import/").status_code == (200 if status == 302 else 403)
    stranger = sign_in(server, people.stranger)
    post(stranger, "/id-tags/import/", deed="import", text=text)
    tag = text.split()[1]
    # Everyone has tags of the own organization; the stranger's is another one.
    assert len(list(people.owner.rest.each("id-tags/", id_tag=tag))) == 1
    wait_until(lambda: tag in stranger.get(f"/id-tags/?q={tag}").text, "the stranger's own tag")
