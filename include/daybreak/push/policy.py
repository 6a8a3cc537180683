"""What follows from how a request went: settled, tried again, or given up."""

import ssl
from collections.abc import Collection

import httpx

from daybreak.push.answer import Results, presentable, read_results, retry_after
from daybreak.push.records import Trouble

# Beside all of 5xx.
_TRIED_AGAIN = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)
_NEXT_STEPS = {
    401: "compare token and signing key with the receiver's, and this machine's clock with the time.",
    403: "ask the receiver to allow this token, or use one that may send.",
    404: "correct the connection's host and path.",
    405: "correct the connection's host and path.",
    409: "run the partition again from plan: what is sent differs from what was sent under the same key.",
    413: "make the chunks smaller.",
}
CHECK_CERTIFICATE = (
    "check that the host is the receiver's; if its certificate is signed by your own authority, name that in the CA "
    "file."
)
_REDIRECTED = "give the connection the receiver's final address, if it is one that may have the offers."
_MEND = "mend what the answer names, then push again."


def judge_answer(
    response: httpx.Response, body: bytes | None, items: Collection[str], secrets: Collection[str]
) -> Results | Trouble:
    """Say what an answer means; its body is None where it was longer than is read."""
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.MULTI_STATUS):
        results = None if body is None else read_results(body, items, secrets)
        # Its text is not shown: what cannot be read may be anything.
        return results or Trouble(f"answered {status} without the result of every item", status)
    if body is None:
        said = "with more text than is read"
    else:
        said = presentable(body.decode(errors="replace"), secrets) or "without a text"
    problem = f"answered {status}: {said}"
    if httpx.codes.is_server_error(status) or status in _TRIED_AGAIN:
        pause = retry_after(response.headers)
        asked = "" if pause is None else f" (asks to wait {pause:,.0f} s)"
        return Trouble(problem + asked, status, pause=pause)
    if httpx.codes.is_redirect(status):
        host = presentable(_host(response.headers.get("location", "")), secrets)
        return Trouble(f"answered {status}, a redirect to {host}, which is not followed", status, next_step=_REDIRECTED)
    if httpx.codes.is_success(status):
        return Trouble(f"answered {status} without the result of every item", status)
    return Trouble(problem, status, next_step=_NEXT_STEPS.get(status, _MEND))


def judge_failure(error: Exception) -> Trouble:
    """Say what a request means that got no answer. Texts from outside are not repeated."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Trouble("gave no whole answer in time")
    if isinstance(error, httpx.TransportError | OSError):
        if certificate := _refused_certificate(error):
            return Trouble(f"has no valid certificate ({certificate})", next_step=CHECK_CERTIFICATE)
        return Trouble(f"could not be reached or cut the connection ({type(error).__name__})")
    # Not expected; its text may hold anything that was sent.
    return Trouble(f"could not be asked ({type(error).__name__})", next_step="report this as a bug of Daybreak.")


def _host(location: str) -> str:
    try:
        return httpx.URL(location).host or "another path"
    except (httpx.InvalidURL, ValueError):
        return "an unreadable address"


def _refused_certificate(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
