"""German for whoever wants it, page by page and live, while someone else reads English at the same station."""

import io
import re

import httpx
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.portal.conftest import Garage, sign_in
from tests.portal.test_pages import PATHS, settled
from tests.support import catalog, frames
from tests.support.browser import Visits
from tests.support.people import People, create_people
from tests.support.server import Server
from tests.support.workbook import Workbook

#: Words that no name and no station says, but many English texts of these pages.
TELLTALE = re.compile(
    r"\b(sessions?|stations(?!-)|settings|yours|please|every|nobody|nothing|shown|cannot|cost so far)\b", re.I
)
#: The texts of a page, one line each, without what stations say, what is hidden, and what a person was told earlier, in
#: the language of then.
TEXTS = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (!parent.closest('script, style, template, .icon, .mono, pre, code, option, .records dl, .told .break')) {
      found.push(walk.currentNode.textContent.trim().replace(/\\s+/g, ' '));
    }
  }
  for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]')) {
    found.push(element.title, element.ariaLabel || '', element.placeholder || '');
  }
  return found.filter(Boolean);
}"""


def english() -> set[str]:
    """What the catalog has another word for, but for what people are called here."""
    entries = catalog.catalog()
    return {entry.msgid for entry in entries} - {entry.msgstr for entry in entries} - {"Owner", "Card", "Main fuse"}


def remnants(page: Page, sources: set[str]) -> list[str]:
    return [text for text in page.evaluate(TEXTS) if text in sources or TELLTALE.search(text)]


def test_every_page_and_what_comes_live(
    server: Server, people: People, filled: dict[str, str], garage: Garage, visit: Visits
) -> None:
    german = visit(server.url, people.owner, locale="de-DE", viewport={"width": 360, "height": 800})
    sources, left = english(), list[str]()
    for path in PATHS:
        german.goto(server.url + path.format(**filled))
        settled(german)
        assert german.locator("html").get_attribute("lang") == "de"
        left += [f"{path}: {text}" for text in remnants(german, sources)]
        beyond = german.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, f"{path} is {beyond} px too wide in German"
    assert not left, "\n".join(left)

    british = visit(server.url, people.member, locale="en-GB")
    for page in (german, british):
        page.goto(f"{server.url}/stations/{garage.identity}/")
        settled(page)
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 1000))["transactionId"]
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        station.ok("MeterValues", frames.meter_16(1_503_000, 7400, transaction_id=started))
        expect(german.locator("[data-status]").first).to_have_text(re.compile("Lädt"))
        expect(german.locator("[data-figure=power]").first).to_have_text("7,4 kW")
        expect(german.locator("[data-figure=energy]").first).to_have_text("1.502,00 kWh")
        expect(british.locator("[data-status]").first).to_have_text(re.compile("Charging"))
        expect(british.locator("[data-figure=power]").first).to_have_text("7.4 kW")
        expect(german.get_by_role("button", name="Entriegeln").first).to_be_visible()
        station.ok("StopTransaction", frames.stop_16(started, 1_503_000))
        expect(german.locator("[data-figure]")).to_have_count(0)


def test_remnants_are_found(server: Server, visit: Visits) -> None:
    page = visit(server.url + "/login/", locale="de-DE")
    assert remnants(page, english()) == []
    page.evaluate("document.body.append('Password', document.createElement('hr'), 'No such sessions')")
    assert remnants(page, english()) == ["Password", "No such sessions"]


def test_the_door_speaks_as_the_browser_asks(server: Server) -> None:
    for asked, said in (("de-AT,en;q=0.5", "Anmelden"), ("en-GB,de;q=0.5", "Sign in"), ("fr", "Sign in")):
        page = httpx.get(f"{server.url}/login/", headers={"Accept-Language": asked}).text
        assert f"<h1>{said}</h1>" in page, asked


def test_a_chosen_language_outweighs_the_browsers(server: Server) -> None:
    (person,) = create_people(server, ("Greta", "manager", "Languages of Greta"))
    person.rest.patch("me/", {"language": "de", "time_zone": "Europe/Berlin"})
    client = sign_in(server, person)
    page = client.get("/stations/", headers={"Accept-Language": "en"}).text
    assert '<html lang="de"' in page
    assert 'data-zone="Europe/Berlin"' in page
    refused = client.get("/stations/NOT-THERE/", headers={"Accept-Language": "en"})
    assert (refused.status_code, "Nicht gefunden: Station." in refused.text) == (404, True)


def test_errors_of_the_api_follow_the_request(server: Server, people: People) -> None:
    rest = people.owner.rest
    told = {}
    for language in ("de", "en"):
        answer = rest.send("POST", "stations/", {"identity": "a/b"}, headers={"Accept-Language": language})
        told[language] = answer.json()
    assert told["de"]["code"] == told["en"]["code"]
    assert told["en"]["fields"] == {"identity": "An identity contains neither ':' nor '/'."}
    assert told["de"]["fields"] == {"identity": "Eine Kennung enthält weder „:“ noch „/“."}
    documents = {httpx.get(f"{server.url}/api/schema/", headers={"Accept-Language": of}).text for of in ("de", "en")}
    assert len(documents) == 1


def test_what_is_taken_along(server: Server, people: People, filled: dict[str, str]) -> None:
    client = sign_in(server, people.owner)
    client.headers["Accept-Language"] = "de"
    receipt = client.get(f"/transactions/{filled['transaction']}/receipt.pdf").content
    text = PdfReader(io.BytesIO(receipt)).pages[0].extract_text()
    assert "Beleg" in text
    assert re.search(r"3,000 kWh", text), text
    heading = Workbook(client.get("/transactions/export.xlsx").content).sheets["Ladevorgänge"][0]
    assert {"Ladevorgang", "Ladekarte", "Energie (kWh)"} <= {text for _kind, text in heading.values()}
