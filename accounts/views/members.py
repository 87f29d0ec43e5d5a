"""Who belongs to an organization, and who is invited to it."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import invitations, mails, organizations, passwords
from accounts.actors import Role
from accounts.forms import Form
from accounts.listing import Listing
from accounts.models import Membership, Organization
from accounts.requests import PageRequest, signed_in
from mobility.errors import Forbidden, Invalid, NotFound, Problem


@require_GET
@signed_in
def member_list(request: PageRequest) -> HttpResponse:
    return page(request, organizations.managed_one(request.actor, request.GET.get("organization", "")))


def page(request: PageRequest, organization: Organization, form: Form | None = None, link: Any = None) -> HttpResponse:
    """The list, with the invitation form as it was refused, or the one link that was just made."""
    listing = Listing(request, "q", "role")
    rows = organizations.members(request.actor, organization).order_by("user__name", "user__email")
    if listing["q"]:
        rows = rows.filter(Q(user__name__icontains=listing["q"]) | Q(user__email__icontains=listing["q"]))
    if listing["role"] in Role.values:
        rows = rows.filter(role=listing["role"])
    form = form or Form({"role": Role.DRIVER})
    context = {
        "organization": organization,
        "organizations": organizations.managed(request.actor)[:200],
        "owns": request.actor.can(Role.OWNER, organization.pk),
        "page": listing.paginate(rows),
        "listing": listing,
        "board": listing,
        "roles": Role.choices,
        "invitations": invitations.visible(request.actor).filter(organization=organization)[:200],
        "form": form,
        "link": link,
        "sends_mail": mails.configured(),
    }
    return render(request, "accounts/members.html", context, status=form.status)


def back_to(organization: Organization) -> HttpResponse:
    return redirect(f"{reverse('members')}?organization={organization.pk}")


@require_POST
@signed_in
def invite(request: PageRequest) -> HttpResponse:
    organization = organizations.managed_one(request.actor, request.POST.get("organization", ""))
    try:
        invited = invitations.invite_person(
            request.actor,
            organization=organization,
            email=request.POST.get("email", ""),
            role=request.POST.get("role", ""),
        )
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        return page(request, organization, Form.refused(request, problem))
    return delivered(request, invited)


def delivered(request: PageRequest, invited: invitations.Invited) -> HttpResponse:
    """Mail the link; where that cannot be, show it this one time."""
    organization = invited.invitation.organization
    if invitations.deliver(invited, request.user):
        messages.success(request, _("%(email)s gets a mail with the invitation.") % {"email": invited.invitation.email})
        return back_to(organization)
    return page(request, organization, link=invited)


@require_POST
@signed_in
def invitation_resend(request: PageRequest, pk: int) -> HttpResponse:
    invitation = invitations.get(request.actor, pk)
    try:
        invited = invitations.resend_invitation(request.actor, invitation=invitation)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
        return back_to(invitation.organization)
    return delivered(request, invited)


@require_POST
@signed_in
def invitation_revoke(request: PageRequest, pk: int) -> HttpResponse:
    invitation = invitations.get(request.actor, pk)
    invitations.revoke_invitation(request.actor, invitation=invitation)
    messages.success(request, _("The invitation of %(email)s is taken back.") % {"email": invitation.email})
    return back_to(invitation.organization)


@require_POST
@signed_in
def rename(request: PageRequest) -> HttpResponse:
    organization = organizations.managed_one(request.actor, request.POST.get("organization", ""))
    try:
        organizations.rename_organization(request.actor, organization=organization, name=request.POST.get("name", ""))
    except Invalid as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("The organization is called %(name)s now.") % {"name": organization})
    return back_to(organization)


# --- One member ------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@signed_in
def member(request: PageRequest, pk: int) -> HttpResponse:
    """One member: the role, a link for a new password, the end of the membership."""
    membership = organizations.membership(request.actor, pk)
    if request.method == "GET":
        return member_page(request, membership)
    deed = DEEDS.get(request.POST.get("deed", ""))
    if deed is None:
        raise Invalid(_("There is nothing like this to do with a member."))
    try:
        return deed(request, membership)
    except (Forbidden, NotFound) as problem:
        if deed is not reset_link:
            raise
        refused = problem.message
    except Problem as problem:
        refused = problem.message
    return member_page(request, organizations.membership(request.actor, pk), Form({}, refused))


def member_page(
    request: PageRequest, membership: Membership, form: Form | None = None, link: Any = None
) -> HttpResponse:
    context = {
        "membership": membership,
        "form": form or Form(),
        "roles": Role.choices,
        "owns": request.actor.can(Role.OWNER, membership.organization_id),
        "manages": request.actor.can(Role.MANAGER, membership.organization_id),
        "oneself": membership.user_id == request.user.pk,
        "link": link,
    }
    return render(request, "accounts/member.html", context, status=context["form"].status)


def change_role(request: PageRequest, membership: Membership) -> HttpResponse:
    organizations.change_role(request.actor, membership=membership, role=request.POST.get("role", ""))
    said = _("%(person)s is %(role)s now.")
    messages.success(request, said % {"person": membership.user.display_name, "role": membership.get_role_display()})
    return back_to(membership.organization) if membership.user_id != request.user.pk else redirect("dashboard")


def remove(request: PageRequest, membership: Membership) -> HttpResponse:
    person, organization = membership.user, membership.organization
    organizations.remove_member(request.actor, membership=membership)
    if person.pk == request.user.pk:
        messages.success(request, _("You have left %(organization)s.") % {"organization": organization})
        return redirect("profile")
    said = _("%(person)s no longer belongs to %(organization)s.")
    messages.success(request, said % {"person": person.display_name, "organization": organization})
    return back_to(organization)


def reset_link(request: PageRequest, membership: Membership) -> HttpResponse:
    return member_page(request, membership, link=passwords.issue_link(request.actor, membership=membership))


DEEDS = {"role": change_role, "remove": remove, "reset-link": reset_link}
