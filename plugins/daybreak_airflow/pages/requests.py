"""Requests: a change is made only by who has this page before him, not by a page of another site.

Airflow's login cookie is sent along with requests of other sites, so it alone says nothing. A form carries what only a
page of ours can know: a signed note of who is logged in, and by which login.
"""

from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.configuration import conf
from fastapi import HTTPException, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from daybreak_airflow.pages.access import User

_HOURS = 8 * 3600
_STALE = "The page is from before your last login, or too old. Go back, load it again, and repeat what you did."
_FOREIGN = "The request came from another site: nothing was done."


def token_for(request: Request, user: User) -> str:
    """Return what a form of this user has to carry."""
    return str(_signer("daybreak-form").dumps(_login(request, user)))


async def refuse_foreign(request: Request, user: User) -> None:
    """Refuse a request that no page of ours has made for this login; one with a token of its own is a program's."""
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or not _same_origin(request):
        raise HTTPException(403, _FOREIGN)
    form = await request.form()
    try:
        known = _signer("daybreak-form").loads(str(form.get("token", "")), max_age=_HOURS)
    except BadSignature:
        raise HTTPException(403, _STALE) from None
    if known != _login(request, user):
        raise HTTPException(403, _STALE)


def noted(text: str) -> str:
    """Sign what the next page is to say, so that no link can make it say something else."""
    return str(_signer("daybreak-note").dumps(text))


def note_of(request: Request) -> str | None:
    """Return what the page before wanted to be said; None where it is nothing, or was not signed here."""
    try:
        said: Any = _signer("daybreak-note").loads(request.query_params.get("said", ""), max_age=600)
    except BadSignature:
        return None
    return str(said)


def _same_origin(request: Request) -> bool:
    origin = request.headers.get("origin")
    if origin is None:
        return True
    # Behind what ends TLS the scheme is another one, and the host that people see is the configured one.
    known = {request.headers.get("host", ""), urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    return urlsplit(origin).netloc in known - {""}


def _login(request: Request, user: User) -> list[str]:
    cookie = request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    return [str(user.get_id()), sha256(cookie.encode()).hexdigest()]


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(get_signing_key("api", "secret_key"), salt=purpose)
