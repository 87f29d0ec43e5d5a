"""A forgotten password: the link by mail or from hand to hand, and what it tells nobody."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.portal.conftest import sign_in
from tests.support.browser import Visits
from tests.support.forms import post
from tests.support.people import Person, create_people, create_trio
from tests.support.server import Server
from tests.support.waiting import wait_until

LINK = re.compile(r"http://[^\s<\"]+/password/\w+/[\w-]+/")
CHOSEN = "another good sentence 7"


def membership_of(server: Server, person: Person) -> int:
    sql = "SELECT m.id FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id WHERE u.email = ?"
    return int(server.rows(sql, person.email)[0]["id"])


def signs_in(server: Server, person: Person, password: str) -> bool:
    client = httpx.Client(base_url=server.url)
    return post(client, "/login/", username=person.email, password=password).status_code == 302


def choose(client: httpx.Client, link: str, password: str = CHOSEN) -> httpx.Response:
    """Open a link and set a password on the page that it leads to."""
    page = client.get(httpx.URL(link).path, follow_redirects=True)
    assert page.status_code == 200
    return post(client, page.url.path, new_password1=password, new_password2=password)


def test_it_works(server: Server, visit: Visits) -> None:
    people = create_trio(server)
    elsewhere = sign_in(server, people.member)
    old_token = people.member.rest.get("me/")["email"]
    assert old_token == people.member.email
    owner = visit(server.url, people.owner)
    owner.goto(f"{server.url}/members/{membership_of(server, people.member)}/")
    owner.get_by_role("button", name="Make the link").click()
    owner.get_by_role("dialog").get_by_role("button", name="Make the link").click()
    link = owner.locator("#secret-text").inner_text()

    page = visit(link)
    assert link.split("/")[-2] not in page.url
    page.get_by_label("New password").fill("short")
    page.get_by_label("The same again").fill("short")
    page.get_by_role("button", name="Set the password").click()
    expect(page.locator("#new_password2-note")).to_contain_text("too short")
    page.get_by_label("New password").fill(CHOSEN)
    page.get_by_label("The same again").fill(CHOSEN)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Your new password is set")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()

    assert elsewhere.get("/profile/").status_code == 302
    assert people.member.rest.send("GET", "me/").status_code == 401
    assert not signs_in(server, people.member, people.member.password)
    assert signs_in(server, people.member, CHOSEN)


def test_without_a_mail_server_the_page_says_who_helps(server: Server, visit: Visits) -> None:
    page = visit(server.url + "/login/")
    page.get_by_role("link", name="Password forgotten?").click()
    expect(page.get_by_text("manage.py password_link")).to_be_visible()
    assert page.get_by_label("E-mail").count() == 0
    answer = post(httpx.Client(base_url=server.url), "/password/", email="admin@example.com")
    assert "manage.py password_link" in answer.text
    assert not server.rows("SELECT id FROM accounts_resetrequest")


def test_an_owner_reaches_no_further_than_the_own_organization(server: Server) -> None:
    people = create_trio(server)
    owner = sign_in(server, people.owner)
    pk = membership_of(server, people.member)
    server.shell(
        "from accounts.models import *; "
        f"Membership.objects.create(user=User.objects.get(email={people.member.email!r}), "
        f"organization_id={people.stranger.organization_id}, role='viewer')"
    )
    refused = post(owner, f"/members/{pk}/", deed="reset-link")
    assert refused.status_code == 400
    assert "reaches beyond your organization" in refused.text
    assert LINK.search(refused.text) is None
    (admin,) = create_people(server, ("Chief", "driver", f"Third {secrets.token_hex(3)}"))
    server.shell(
        "from accounts.models import *; "
        f"User.objects.filter(email={admin.email!r}).update(is_superuser=True); "
        f"Membership.objects.filter(user__email={admin.email!r}).update(organization={people.owner.organization_id})"
    )
    refused = post(owner, f"/members/{membership_of(server, admin)}/", deed="reset-link")
    assert refused.status_code == 400
    assert LINK.search(refused.text) is None
    # The platform admin may, and so may whoever runs the server.
    allowed = post(sign_in(server, server), f"/members/{pk}/", deed="reset-link")  # type: ignore[arg-type]
    assert LINK.search(allowed.text) is not None


def test_the_command_prints_a_link(server: Server) -> None:
    (person,) = create_people(server, ("Forgetful", "viewer", f"Forgetters {secrets.token_hex(3)}"))
    link = LINK.search(server.manage("password_link", person.email.upper()).stdout)
    assert link is not None
    assert choose(httpx.Client(base_url=server.url), link[0]).status_code == 302
    assert signs_in(server, person, CHOSEN)
    unknown = server.manage("password_link", "nobody@example.com", check=False)
    assert unknown.returncode == 1
    assert "nobody@example.com" in unknown.stderr


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server with a mail server, and the folder in which its mails arrive."""
    folder = tmp_path_factory.mktemp("mails")
    with Server({"EMAIL_URL": f"filemail:///{folder}"}) as running:
        yield running, folder


def mails_to(folder: Path, person: Person) -> list[str]:
    return [text for path in folder.iterdir() if f"To: {person.email}" in (text := path.read_text())]


def test_the_link_comes_by_mail_and_nobody_learns_who_has_an_account(mailing: tuple[Server, Path]) -> None:
    server, folder = mailing
    (person,) = create_people(server, ("Mailed", "viewer", "Mailers"))
    client = httpx.Client(base_url=server.url)
    for email in ("nobody@example.com", person.email.upper()):
        answer = post(client, "/password/", email=email)
        assert (answer.status_code, answer.headers["location"]) == (302, "/password/asked/")
    assert "If the address has an account" in client.get("/password/asked/").text
    (text,) = wait_until(lambda: mails_to(folder, person), "the mail")
    link = LINK.search(text)
    assert link is not None
    assert "nobody@example.com" not in str([path.read_text() for path in folder.iterdir()])
    # Where a request claims to come from leads no link astray.
    assert link[0].startswith(server.url.replace("127.0.0.1", "localhost"))
    assert choose(client, link[0]).status_code == 302
    assert signs_in(server, person, CHOSEN)
    assert person.email not in str(server.rows("SELECT * FROM accounts_resetrequest"))


def test_asking_is_limited(mailing: tuple[Server, Path]) -> None:
    server, folder = mailing
    (person,) = create_people(server, ("Flooded", "viewer", "Flooders"))
    client = httpx.Client(base_url=server.url)
    server.shell("from accounts.models import ResetRequest; ResetRequest.objects.all().delete()")
    answers = [post(client, "/password/", email=person.email) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert "Too many attempts" in answers[-1].text
    assert f'value="{person.email}"' in answers[-1].text
    # The worker has done what it was asked when it has mailed what it is asked now.
    (last,) = create_people(server, ("Last", "viewer", "Flooders"))
    server.shell("from accounts.models import ResetRequest; ResetRequest.objects.all().delete()")
    post(client, "/password/", email=last.email)
    wait_until(lambda: mails_to(folder, last), "the last mail")
    wait_until(lambda: len(mails_to(folder, person)) >= 3, "the three mails")
    assert len(mails_to(folder, person)) == 3
