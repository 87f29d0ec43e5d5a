"""The audit: who did what, and when."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import audit as records
from accounts import organizations
from accounts.audit_words import NOUNS, words_of
from accounts.listing import Listing
from accounts.requests import PageRequest, signed_in


@require_GET
@signed_in
def audit(request: PageRequest) -> HttpResponse:
    """The latest first. Without an organization named, those of all that one manages."""
    listing = Listing(request, "q", "noun", "from", "to")
    wanted = listing["organization"]
    # Raises for those who manage nothing, or not this.
    organization = organizations.managed_one(request.actor, wanted)
    rows = records.of(request.actor, organization if wanted else None)
    if listing["q"]:
        rows = records.said(rows, listing["q"])
    if listing["noun"] in records.nouns():
        rows = rows.filter(action__startswith=f"{listing['noun']}.")
    page = listing.paginate(listing.between(rows, "at"))
    for row in page:
        row.words = words_of(row.action)
    context = {
        "page": page,
        "listing": listing,
        "board": listing,
        "nouns": sorted(((noun, NOUNS.get(noun, noun)) for noun in records.nouns()), key=lambda pair: str(pair[1])),
        "organization": organization,
        "organizations": organizations.managed(request.actor)[:200],
    }
    return render(request, "accounts/audit.html", context)
