"""Getting in and out, and the first time."""

import re

import httpx
from playwright.sync_api import expect

from tests.conftest import StartServer
from tests.portal.conftest import sign_in
from tests.support.browser import Visits
from tests.support.people import People, create_people
from tests.support.server import Server


def test_it_works(server: Server, people: People, visit: Visits) -> None:
    page = visit(server.url, people.owner)
    expect(page).to_have_url(f"{server.url}/")
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login/"))
    page.goto(server.url + "/stations/")
    expect(page).to_have_url(re.compile(r"/login/\?next=/stations/"))


def test_a_wrong_password_is_told_and_the_address_kept(server: Server, people: People, visit: Visits) -> None:
    page = visit(server.url)
    page.get_by_label("E-mail").fill(people.owner.email.upper())
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    expect(page.get_by_label("E-mail")).to_have_value(people.owner.email.upper())
    page.get_by_label("Password").fill(people.owner.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello")


def test_guessing_is_slowed_down(server: Server) -> None:
    (person,) = create_people(server, ("Guessed", "viewer", "Guessers"))
    client = httpx.Client(base_url=server.url)
    client.get("/login/")
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
    for number in range(12):
        answer = client.post("/login/", data={**token, "username": person.email, "password": f"guess {number}"})
    assert answer.status_code == 429
    assert "Too many attempts" in answer.text
    right = client.post("/login/", data={**token, "username": person.email, "password": person.password})
    assert right.status_code == 429


def test_a_changed_password_ends_the_other_sessions(server: Server) -> None:
    (person,) = create_people(server, ("Changer", "viewer", "Changers"))
    here, elsewhere = sign_in(server, person), sign_in(server, person)
    changed = here.post(
        "/profile/",
        data={
            "form": "password",
            "old_password": person.password,
            "new_password": "something else entirely 8",
            "csrfmiddlewaretoken": here.cookies["csrftoken"],
        },
    )
    assert changed.status_code == 302
    assert here.get("/profile/").status_code == 200
    assert elsewhere.get("/profile/").status_code == 302


def test_the_set_up_link_works_once(start_server: StartServer, visit: Visits) -> None:
    fresh = start_server({"DJANGO_SUPERUSER_EMAIL": None, "DJANGO_SUPERUSER_PASSWORD": None})
    link = re.search(r"http://\S+(/setup/\S+/)", fresh.log())
    assert link is not None, fresh.log()
    url = fresh.url + link.group(1)
    assert httpx.get(f"{fresh.url}/setup/nonsense/").status_code == 404
    page = visit(url, allow=("400",))
    page.get_by_label("Your name").fill("First")
    page.get_by_label("E-mail").fill("first@example.com")
    page.get_by_label("Password").fill("short")
    page.get_by_label("Organization").fill("The house")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_label("Your name")).to_have_value("First")
    expect(page.locator("#password-note")).to_contain_text("too short")
    page.get_by_label("Password").fill("long enough to be good 5")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your first site")
    expect(page.get_by_text("The house")).to_be_visible()
    assert httpx.get(url).status_code == 404
