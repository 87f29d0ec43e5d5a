"""A station's QR code leads to the drivers' app at that station; labels are printed for it and for its connectors."""

from collections.abc import Callable
from urllib.parse import quote_plus

import segno
from playwright.sync_api import Locator, Page, expect

from tests.portal.conftest import Garage, sign_in
from tests.portal.test_accessibility import violations
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server


def squares(text: str) -> list[str]:
    """The rows of a QR code, as `1010…`, with a quiet zone of 4."""
    return ["".join("1" if dark else "0" for dark in row) for row in segno.make(text, error="m").matrix_iter(border=4)]


def drawn(page: Page, frame: Locator, size: int) -> list[str]:
    """The same, read from the picture as it is painted: the colour in the middle of each square."""
    return frame.locator("svg").evaluate(
        """async (svg, size) => {
          const copy = svg.cloneNode(true);
          copy.setAttribute("width", size * 8);
          copy.setAttribute("height", size * 8);
          const image = new Image();
          image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
          await image.decode();
          const canvas = Object.assign(document.createElement("canvas"), { width: size * 8, height: size * 8 });
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          return Array.from({ length: size }, (_, y) => Array.from({ length: size }, (_, x) =>
            context.getImageData(x * 8 + 4, y * 8 + 4, 1, 1).data[0] < 128 ? "1" : "0").join(""));
        }""",
        size,
    )


def test_it_works(server: Server, garage: Garage, visit: Visits) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        for number in (1, 2):
            station.ok("StatusNotification", frames.status_16(number, "Available"))
    page = visit(server.url, garage.owner, color_scheme="dark")
    page.goto(f"{server.url}/stations/{garage.identity}/")
    app = f"http://localhost:{server.portal_port}/app/?station={garage.identity}"
    wanted = squares(app)
    assert drawn(page, page.locator(".qr-card .qr-frame"), len(wanted)) == wanted
    page.get_by_role("link", name="Labels to print").click()
    sheets = page.locator(".label-sheet")
    expect(sheets).to_have_count(3)
    assert violations(page) == []
    for at, more in ((0, ""), (1, "&connector=1-1"), (2, "&connector=2-1")):
        wanted = squares(app + more)
        assert drawn(page, sheets.nth(at).locator(".qr-frame"), len(wanted)) == wanted
    page.get_by_role("link", name="Connector 2").click()
    expect(sheets).to_have_count(1)
    expect(sheets).to_contain_text("Connector 2")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(sheets).to_be_visible()


def test_an_evse_with_two_connectors_names_both(server: Server, garage: Garage) -> None:
    with garage.connect(protocol="ocpp2.0.1") as station:
        station.ok("BootNotification", frames.boot("ocpp2.0.1"))
        for number in (1, 2):
            station.ok("StatusNotification", frames.status_2x(1, "Available", number))
    page = sign_in(server, garage.owner).get(f"/stations/{garage.identity}/label/")
    assert "Connector 1/1" in page.text
    assert "Connector 1/2" in page.text
    assert "connector=1-2" in page.text


def test_a_hostile_identity_is_text_and_one_parameter(
    server: Server, people: People, visit: Visits, unique: Callable[[str], str]
) -> None:
    identity = unique("<b>&x=\"'")
    people.owner.rest.create_station(identity)
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/stations/")
    page.get_by_role("link", name=identity).first.click()
    wanted = squares(f"http://localhost:{server.portal_port}/app/?station={quote_plus(identity)}")
    assert drawn(page, page.locator(".qr-card .qr-frame"), len(wanted)) == wanted
    page.get_by_role("link", name="Labels to print").click()
    expect(page.locator(".label-sheet h2")).to_have_text(identity)


def test_strangers_see_no_label(server: Server, people: People, garage: Garage) -> None:
    path = f"/stations/{garage.identity}/label/"
    assert sign_in(server, people.member).get(path).status_code == 200
    assert sign_in(server, people.stranger).get(path).status_code == 404
