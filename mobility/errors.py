"""One family of errors for all edges: a code for machines, a sentence for people, and the fields it is about.

HTMX views turn a Problem into form errors or a toast, the REST API into `{code, message, fields}` with its
HTTP status, Celery tasks into retry or give up, and the OCPP gateway into Rejected or a CALLERROR.
"""

from collections.abc import Mapping


class Problem(Exception):
    """What went wrong, why, and what to do about it.

    Attributes:
        code: stable, machine-readable, snake_case.
        message: one or two sentences for a person; a lazy one is said in the language of whom it is raised for.
        fields: per field name, what is wrong with it.
        status: the HTTP status that fits.
        retry: whether the same request may succeed later without a change.
    """

    code = "problem"
    status = 400
    retry = False

    def __init__(
        self,
        message: object,
        *,
        code: str | None = None,
        fields: Mapping[str, object] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = str(message)
        self.fields: dict[str, str] = {name: str(why) for name, why in (fields or {}).items()}
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status

    def as_dict(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message, "fields": self.fields}


class Invalid(Problem):
    """The request cannot be understood or breaks a rule; `fields` says where."""

    code = "invalid"
    status = 400


class NotSignedIn(Problem):
    code = "not_authenticated"
    status = 401


class Forbidden(Problem):
    """The actor may see the thing but not do this to it."""

    code = "forbidden"
    status = 403


class NotFound(Problem):
    """It does not exist, or it is not the actor's: the two are never told apart."""

    code = "not_found"
    status = 404


class Conflict(Problem):
    """The thing is in a state that does not allow this now."""

    code = "conflict"
    status = 409


class TooMany(Problem):
    code = "too_many_requests"
    status = 429
    retry = True


class Unavailable(Problem):
    """Something this depends on is away for the moment."""

    code = "unavailable"
    status = 503
    retry = True
