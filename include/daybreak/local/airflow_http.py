"""Requests to Airflow's REST API: logged in, and answered with JSON or with one of our errors."""

from typing import Any

import httpx

from daybreak.errors import TerminalError, TransientError


class AirflowHttp:
    """A session with one Airflow; it logs in at the first request that needs it."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._credentials = {"username": user, "password": password}
        # Without trust_env, so that a proxy of the environment is not asked for an address of this machine.
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def look(self, path: str) -> dict[str, Any] | None:
        """Read what needs no user, or None while nobody answers."""
        try:
            answer: dict[str, Any] = self._http.get(path).raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return None
        return answer

    def send(
        self, method: str, path: str, *, absent_ok: bool = False, conflict_ok: bool = False, **content: Any
    ) -> Any:
        """Send a request as the user; an absence or a conflict that is allowed for gives None, as no content does."""
        try:
            response = self._http.request(method, path, **content)
            if response.status_code == httpx.codes.UNAUTHORIZED:
                self._log_in()
                response = self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise TransientError(
                f"Airflow at {self._url} does not answer ({error or type(error).__name__}).",
                next_step="see whether it runs: `daybreak local status`.",
            ) from error
        if (absent_ok and response.status_code == httpx.codes.NOT_FOUND) or (
            conflict_ok and response.status_code == httpx.codes.CONFLICT
        ):
            return None
        _raise_if_refused(response)
        return response.json() if response.content else None

    def _log_in(self) -> None:
        response = self._http.post("/auth/token", json=self._credentials)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise TerminalError(
                f"Airflow at {self._url} does not know this user and password.",
                next_step="stop the Airflow that runs there: it belongs to another DAYBREAK_HOME.",
            )
        _raise_if_refused(response)
        self._http.headers["Authorization"] = f"Bearer {response.json()['access_token']}"


def _raise_if_refused(response: httpx.Response) -> None:
    if response.is_success:
        return
    request = f"{response.request.method} {response.request.url.path}"
    try:
        detail = response.json().get("detail", "")
    except ValueError:
        detail = response.text[:300]
    if response.is_server_error:
        raise TransientError(
            f"Airflow failed at {request}: {detail}",
            next_step="try again; if it lasts, read airflow/logs/api-server.log in DAYBREAK_HOME.",
        )
    raise TerminalError(f"Airflow refused {request}: {detail}", next_step="mend what it names, then ask again.")
