"""JSON Web Tokens: a short access token, and a refresh token that works once.

Every refresh token that descends from one sign-in belongs to a family. The family names the one refresh token that
works; a refresh exchanges it by compare-and-set, so that of several at once exactly one wins. A used-up token that
comes again means that two parties hold it: the family dies, and with it every access token of it.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import jwt
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.models import TokenFamily, User
from accounts.sealing import seal, unseal
from mobility.errors import NotSignedIn

FAMILY, VERSION = "fam", "ver"
SEALED_FOR = "token answer"
#: How long the same Idempotency-Key gets the same pair again.
REPEAT_S = 60
#: The winner's answer is held back for a moment. Whoever presents the old token before it leaves cannot have seen it,
#: and so raced; whoever presents the old token afterwards is reusing it.
HOLD_S = 0.2
#: A winner that dies before its answer leaves is waited for this long.
UNSENT_S = 10


@dataclass(frozen=True, slots=True)
class Pair:
    access: str
    refresh: str

    def as_dict(self) -> dict[str, str]:
        return {"access": self.access, "refresh": self.refresh}


def lifetime() -> timedelta:
    return cast(timedelta, settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"])


def pair_of(family: TokenFamily, refresh: RefreshToken) -> Pair:
    """Both tokens, bound to the family and to the user's present password."""
    refresh[FAMILY], refresh[VERSION] = family.pk, family.auth_version
    access = AccessToken.for_user(family.user)
    access[FAMILY], access[VERSION] = family.pk, family.auth_version
    return Pair(str(access), str(refresh))


def start_family(user: User, *, device: str = "", source_ip: str = "") -> Pair:
    """The first pair of a sign-in."""
    refresh = RefreshToken.for_user(user)
    family = TokenFamily.objects.create(
        user=user,
        current_jti=refresh["jti"],
        auth_version=user.auth_version,
        device=device.replace("\x00", "")[:200],
        source_ip=source_ip[:64],
        expires_at=timezone.now() + lifetime(),
    )
    return pair_of(family, refresh)


def read(kind: type[Token], raw: str | bytes) -> Token:
    """The token, if it was signed here, is of that kind and has not expired.

    Raises:
        NotSignedIn: for everything else. A critical header is one that we do not know (RFC 7515 §4.1.11).
    """
    try:
        header = jwt.get_unverified_header(raw)
        if "crit" in header or header.get("alg") != settings.SIMPLE_JWT["ALGORITHM"]:
            raise TokenError(_("The token's header is not acceptable."))
        return kind(raw)  # type: ignore[arg-type]
    except (TokenError, jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise NotSignedIn(_("The token is not valid, or it has expired."), code="token_not_valid") from error


def family_of(token: Token) -> TokenFamily:
    """The living family that a token belongs to, with its user.

    Raises:
        NotSignedIn: it was revoked, or the user is gone, inactive, or has another password now.
    """
    pk = token.get(FAMILY)
    family = TokenFamily.objects.select_related("user").filter(pk=pk).first() if isinstance(pk, int) else None
    if (
        family is None
        or family.revoked_at is not None
        or not family.user.is_active
        or str(family.user_id) != str(token.get("user_id"))
        or not family.auth_version == family.user.auth_version == token.get(VERSION)
    ):
        raise NotSignedIn(_("This sign-in has ended; sign in again."), code="signed_out")
    return family


def family_id_of(token: object) -> int | None:
    """The family that an access token belongs to."""
    pk = token.get(FAMILY) if isinstance(token, Token) else None
    return pk if isinstance(pk, int) else None


def user_of_access(raw: str | bytes) -> tuple[User, Token]:
    """Who an access token speaks for. Raises NotSignedIn."""
    token = read(AccessToken, raw)
    return family_of(token).user, token


def refresh(raw: str, *, arrived_at: datetime, idempotency_key: str = "", hold_s: float = HOLD_S) -> Pair:
    """Exchange a refresh token for a new pair.

    Args:
        arrived_at: when the request came in; compared with when the answer left, it tells a race from a reuse.
        idempotency_key: the same key gets the same pair for a minute, for a client that lost the answer.

    Raises:
        NotSignedIn: the token does not work (any more). A reuse revokes the family; losing a race does not.
    """
    token = read(RefreshToken, raw)
    family = family_of(token)
    key = hashlib.sha256(idempotency_key.encode(errors="replace")).hexdigest() if idempotency_key else ""
    if token["jti"] == family.current_jti:
        pair = rotate(family, key)
        if pair is not None:
            time.sleep(hold_s)
            TokenFamily.objects.filter(pk=family.pk, previous_jti=token["jti"]).update(rotated_at=timezone.now())
            return pair
        family = family_of(token)
        if token["jti"] == family.previous_jti and (repeated := same_answer(family, key)):
            return repeated
        raise lost_race()
    if token["jti"] == family.previous_jti and family.rotated_at is not None:
        if repeated := same_answer(family, key):
            return repeated
        if arrived_at < family.rotated_at:
            raise lost_race()
    revoke(family)
    raise NotSignedIn(
        _("This refresh token was used before: everyone who holds one is signed out."), code="token_reused"
    )


def rotate(family: TokenFamily, key: str) -> Pair | None:
    """Make the next pair the family's current one; None when someone else was faster."""
    token = RefreshToken.for_user(family.user)
    pair = pair_of(family, token)
    now = timezone.now()
    changed = TokenFamily.objects.filter(
        pk=family.pk, current_jti=family.current_jti, revoked_at=None, auth_version=family.auth_version
    ).update(
        current_jti=token["jti"],
        previous_jti=family.current_jti,
        rotated_at=now + timedelta(seconds=UNSENT_S),
        expires_at=now + lifetime(),
        idempotency_key=key,
        answer=seal(SEALED_FOR, json.dumps(pair.as_dict())) if key else "",
    )
    return pair if changed else None


def same_answer(family: TokenFamily, key: str) -> Pair | None:
    if not key or key != family.idempotency_key or family.rotated_at is None:
        return None
    if timezone.now() > family.rotated_at + timedelta(seconds=REPEAT_S):
        return None
    opened = unseal(SEALED_FOR, family.answer)
    return Pair(**json.loads(opened)) if opened else None


def lost_race() -> NotSignedIn:
    return NotSignedIn(_("Another refresh with this token was faster; use its answer."), code="token_already_rotated")


def revoke(family: TokenFamily) -> None:
    TokenFamily.objects.filter(pk=family.pk, revoked_at=None).update(
        revoked_at=timezone.now(), answer="", idempotency_key=""
    )


def revoke_all(user: User) -> None:
    """End every sign-in of a user."""
    TokenFamily.objects.filter(user=user, revoked_at=None).update(
        revoked_at=timezone.now(), answer="", idempotency_key=""
    )
