"""Who belongs to an organization: invitations, roles, and what nobody else may do about them."""

import re
import secrets
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.conftest import StartServer
from tests.portal.conftest import sign_in
from tests.support.browser import Visits
from tests.support.forms import post
from tests.support.people import PASSWORD, People, Person, create_people, create_trio
from tests.support.server import Server

LINK = re.compile(r"http://[^\s<\"]+/invitation/[\w-]+/")


@pytest.fixture
def fresh(server: Server) -> People:
    """A trio of the test's own: what becomes of its roles concerns nobody else."""
    return create_trio(server)


def address() -> str:
    return f"new-{secrets.token_hex(4)}@example.com"


def invited(owner: httpx.Client, person: Person, email: str, role: str = "driver") -> str:
    """The path of a new invitation's link."""
    answer = post(owner, "/members/invite/", organization=person.organization_id, email=email, role=role)
    assert answer.status_code == 200, answer.status_code
    found = LINK.search(answer.text)
    assert found is not None, answer.text
    return httpx.URL(found[0]).path


def membership_of(server: Server, person: Person) -> int:
    sql = "SELECT m.id FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id WHERE u.email = ?"
    return int(server.rows(sql, person.email)[0]["id"])


def roles(owner: Person) -> dict[str, str]:
    found = owner.rest.get(f"organizations/{owner.organization_id}/members/")["results"]
    return {row["email"]: row["role"] for row in found}


def test_it_works(server: Server, fresh: People, visit: Visits) -> None:
    email = address()
    page = visit(server.url, fresh.owner)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Members").click()
    page.get_by_label("E-mail", exact=True).fill(email)
    page.locator("#role").select_option("manager")
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#secret-text").inner_text()
    page.goto(server.url + "/members/")
    assert link not in page.content()
    expect(page.get_by_role("cell", name=re.compile("^" + re.escape(email)))).to_be_visible()

    guest = visit(link)
    guest.get_by_label("Your name").fill("New Person")
    guest.get_by_label("Choose a password").fill(PASSWORD)
    guest.get_by_role("button", name="Create the account").click()
    expect(guest.get_by_role("heading", level=1)).to_contain_text("New Person")
    expect(guest.locator(".organization")).to_contain_text("Hillside")
    assert roles(fresh.owner)[email] == "manager"
    assert httpx.get(link).status_code == 404


def test_who_has_an_account_joins_with_it(server: Server, fresh: People) -> None:
    owner, stranger = sign_in(server, fresh.owner), sign_in(server, fresh.stranger)
    path = invited(owner, fresh.owner, fresh.stranger.email.upper(), "viewer")
    assert "Sign in with it to accept" in httpx.get(server.url + path).text
    someone = sign_in(server, fresh.member)
    assert "you are signed in as" in someone.get(path).text
    assert post(someone, path).status_code == 400
    # Nobody makes a second account for the address, and looking alone accepts nothing.
    assert post(httpx.Client(base_url=server.url), path, name="Me", password=PASSWORD).status_code == 400
    assert stranger.get(path).status_code == 200
    assert fresh.stranger.email not in roles(fresh.owner)
    assert post(stranger, path).status_code == 302
    assert roles(fresh.owner)[fresh.stranger.email] == "viewer"
    assert post(stranger, path).status_code == 404


def test_a_new_link_ends_the_old_one_and_revoking_ends_both(server: Server, fresh: People) -> None:
    owner, email = sign_in(server, fresh.owner), address()
    first = invited(owner, fresh.owner, email)
    (row,) = server.rows("SELECT id, token_hash FROM accounts_invitation WHERE email = ?", email)
    again = post(owner, f"/invitations/{row['id']}/resend/")
    second = httpx.URL(LINK.search(again.text)[0]).path  # type: ignore[index]
    assert first != second
    assert httpx.get(server.url + first).status_code == 404
    assert httpx.get(server.url + second).status_code == 200
    assert post(owner, f"/invitations/{row['id']}/revoke/").status_code == 302
    assert httpx.get(server.url + second).status_code == 404
    # Who was invited and uninvited can be invited again.
    assert httpx.get(server.url + invited(owner, fresh.owner, email)).status_code == 200


def test_an_invitation_expires_and_its_text_is_kept_nowhere(server: Server, fresh: People) -> None:
    owner, email = sign_in(server, fresh.owner), address()
    path = invited(owner, fresh.owner, email)
    token = path.split("/")[-2]
    kept = server.rows("SELECT * FROM accounts_invitation WHERE email = ?", email)
    kept += server.rows("SELECT * FROM accounts_audit WHERE action LIKE 'invitation%'")
    assert email in str(kept)
    assert token not in str(kept)
    server.shell(
        "from django.utils import timezone; from accounts.models import Invitation; "
        f"Invitation.objects.filter(email={email!r}).update(expires_at=timezone.now())"
    )
    answer = post(httpx.Client(base_url=server.url), path, name="Late", password=PASSWORD)
    assert answer.status_code == 404
    assert not server.rows("SELECT id FROM accounts_user WHERE email = ?", email)


def test_what_is_wrong_with_an_invitation_is_told(server: Server, fresh: People) -> None:
    owner = sign_in(server, fresh.owner)
    open_one = address()
    invited(owner, fresh.owner, open_one)
    for email, role, told in (
        ("nonsense", "driver", "no e-mail address"),
        (fresh.member.email, "driver", "a member already"),
        (open_one, "driver", "invited already"),
        (address(), "emperor", "Choose one of"),
    ):
        answer = post(owner, "/members/invite/", organization=fresh.owner.organization_id, email=email, role=role)
        assert answer.status_code == 400, email
        assert told in answer.text
        assert f'value="{email}"' in answer.text
    weak = post(httpx.Client(base_url=server.url), invited(owner, fresh.owner, address()), name="N", password="short")
    assert weak.status_code == 400
    assert "too short" in weak.text


def test_roles_change_and_members_leave(server: Server, fresh: People) -> None:
    owner = sign_in(server, fresh.owner)
    member, own = membership_of(server, fresh.member), membership_of(server, fresh.owner)
    assert post(owner, f"/members/{member}/", deed="role", role="manager").status_code == 302
    assert roles(fresh.owner)[fresh.member.email] == "manager"
    # Somebody has to own it.
    for deed in ({"deed": "role", "role": "driver"}, {"deed": "remove"}):
        answer = post(owner, f"/members/{own}/", **deed)
        assert answer.status_code == 400
        assert "at least one owner" in answer.text
    assert post(owner, f"/members/{member}/", deed="remove").status_code == 302
    assert fresh.member.email not in roles(fresh.owner)
    gone = sign_in(server, fresh.member)
    assert gone.get(f"/members/{member}/").status_code == 404
    assert gone.get("/members/").status_code == 403


def test_one_leaves_by_oneself(server: Server, fresh: People) -> None:
    member = sign_in(server, fresh.member)
    pk = membership_of(server, fresh.member)
    assert f"/members/{pk}/" in member.get("/profile/").text
    assert "Leave the organization" in member.get(f"/members/{pk}/").text
    assert post(member, f"/members/{pk}/", deed="role", role="owner").status_code == 403
    assert post(member, f"/members/{pk}/", deed="remove").status_code == 302
    assert fresh.member.email not in roles(fresh.owner)


def test_removing_asks_first(server: Server, fresh: People, visit: Visits) -> None:
    page = visit(server.url, fresh.owner)
    page.goto(f"{server.url}/members/{membership_of(server, fresh.member)}/")
    page.get_by_role("button", name="Remove from the organization").click()
    page.get_by_role("button", name="Cancel").click()
    assert fresh.member.email in roles(fresh.owner)
    page.get_by_role("button", name="Remove from the organization").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("no longer belongs to")).to_be_visible()
    assert fresh.member.email not in roles(fresh.owner)


def test_the_list_is_filtered_by_its_address(server: Server, fresh: People) -> None:
    owner = sign_in(server, fresh.owner)
    everyone = owner.get("/members/").text
    assert fresh.member.email in everyone
    assert fresh.member.email not in owner.get("/members/?role=owner").text
    assert fresh.member.email in owner.get(f"/members/?q={fresh.member.email[:12]}").text
    assert "No member fits" in owner.get("/members/?q=nobody-like-this").text


def test_a_stranger_and_a_driver_change_nothing(server: Server, fresh: People) -> None:
    owner = sign_in(server, fresh.owner)
    invited(owner, fresh.owner, address())
    (row,) = server.rows(
        "SELECT MAX(id) AS id FROM accounts_invitation WHERE organization_id = ?", fresh.owner.organization_id
    )
    member = membership_of(server, fresh.member)
    organization = fresh.owner.organization_id
    attempts: list[tuple[str, dict[str, object]]] = [
        ("/members/invite/", {"organization": organization, "email": address(), "role": "owner"}),
        ("/members/rename/", {"organization": organization, "name": "Taken"}),
        (f"/members/{member}/", {"deed": "role", "role": "owner"}),
        (f"/members/{membership_of(server, fresh.owner)}/", {"deed": "remove"}),
        (f"/invitations/{row['id']}/resend/", {}),
        (f"/invitations/{row['id']}/revoke/", {}),
    ]
    stranger, driver = sign_in(server, fresh.stranger), sign_in(server, fresh.member)
    for path, fields in attempts:
        assert post(stranger, path, **fields).status_code == 404, path
        assert post(driver, path, **fields).status_code in (403, 404), path
    assert stranger.get(f"/members/?organization={organization}").status_code == 404
    assert stranger.get(f"/members/{member}/").status_code == 404
    assert driver.get(f"/members/?organization={organization}").status_code == 403
    assert roles(fresh.owner) == {fresh.owner.email: "owner", fresh.member.email: "driver"}


def test_a_manager_sees_and_does_not_change(server: Server, fresh: People, visit: Visits) -> None:
    owner = sign_in(server, fresh.owner)
    post(owner, f"/members/{membership_of(server, fresh.member)}/", deed="role", role="manager")
    manager = sign_in(server, fresh.member)
    shown = manager.get("/members/")
    assert fresh.owner.email in shown.text
    assert "Invite someone" not in shown.text
    organization = fresh.owner.organization_id
    answer = post(manager, "/members/invite/", organization=organization, email=address(), role="viewer")
    assert answer.status_code == 403
    pk = membership_of(server, fresh.owner)
    assert post(manager, f"/members/{pk}/", deed="remove").status_code == 403
    assert post(manager, f"/members/{pk}/", deed="reset-link").status_code == 400
    assert "/password/" not in manager.get(f"/members/{pk}/").text


@pytest.mark.parametrize("role", ["driver", "viewer"])
def test_others_have_no_way_there(server: Server, role: str) -> None:
    (person,) = create_people(server, ("Other", role, f"Elsewhere {secrets.token_hex(3)}"))
    client = sign_in(server, person)
    shown = client.get("/").text
    for path in ("/members/", "/audit/", "/security-events/"):
        assert f'href="{path}"' not in shown
        assert client.get(path).status_code == 403, path


def test_an_invitation_goes_by_mail(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server({"EMAIL_URL": f"filemail:///{tmp_path}/mails"})
    people = create_trio(server)
    owner, email = sign_in(server, people.owner), address()
    answer = post(
        owner, "/members/invite/", organization=people.owner.organization_id, email=email, role="driver", follow=True
    )
    assert "gets a mail" in answer.text
    assert LINK.search(answer.text) is None
    (mail,) = (tmp_path / "mails").iterdir()
    text = mail.read_text()
    assert f"To: {email}" in text
    assert "invites you to Hillside" in text
    link = LINK.search(text)
    assert link is not None
    assert httpx.get(link[0]).status_code == 200
    (row,) = server.rows("SELECT id FROM accounts_invitation WHERE email = ?", email)
    again = post(owner, f"/invitations/{row['id']}/resend/", follow=True)
    assert "sent a moment ago" in again.text
    assert len(list((tmp_path / "mails").iterdir())) == 1
