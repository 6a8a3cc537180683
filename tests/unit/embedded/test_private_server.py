"""An embedded PostgreSQL is its owner's alone, however long its path is: tried as two accounts of this machine."""

import json
import os
import pwd
import shutil
import socket
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from daybreak.embedded.account import Account, account_of
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.embedded.socket_folder import socket_folder
from daybreak.errors import ConfigurationError

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two accounts")
OWNER, OTHER = "daemon", "nobody"


@contextmanager
def as_account(name: str, do: Callable[[], Iterator[object]]) -> Iterator[Callable[[], object]]:
    """Do something in a process of another account, step by step; what it yields is asked for, and travels as JSON."""
    entry = pwd.getpwnam(name)
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            for told in do():
                theirs.sendall(json.dumps(told).encode() + b"\n")
                theirs.recv(1)  # also where the other side has ended
        except BaseException:
            theirs.sendall(json.dumps(traceback.format_exc()).encode() + b"\n")
        finally:
            os._exit(0)
    theirs.close()

    def ask() -> object:
        found = json.loads(lines.readline())
        ours.sendall(b".")
        return found

    with ours, ours.makefile() as lines:
        yield ask
    os.waitpid(child, 0)


@pytest.fixture
def long_home() -> Iterator[Path]:
    """Make a folder of one account's, with a path that no socket fits behind."""
    top = Path(tempfile.mkdtemp(prefix="daybreak-accounts-"))
    top.chmod(0o755)
    home = top / ("a home with a long name and 'quotes' $HOME " * 3)
    home.mkdir()
    os.chown(home, pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(OWNER).pw_gid)
    yield home
    shutil.rmtree(top)


@root_only
def test_a_second_account_has_a_server_of_its_own_that_nobody_else_gets_at(
    postgres: EmbeddedPostgres, long_home: Path
) -> None:
    # The fixture's server is root's: whoever came first had taken the lock of the whole machine before.
    assert len(str(long_home)) > 100
    of_root = postgres.url()

    def refused(url: str) -> str:
        try:
            psycopg2.connect(host=sa.make_url(url).query["host"], user="postgres", dbname="postgres").close()
        except psycopg2.OperationalError as error:
            return str(error)
        return "let in"

    def own() -> Iterator[dict[str, object]]:
        server = EmbeddedPostgres(long_home).use()
        engine = sa.create_engine(server.url(), poolclass=sa.NullPool)
        with engine.connect() as connection:
            data = connection.scalar(sa.text("SELECT current_setting('data_directory')"))
        listens = Path(str(sa.make_url(server.url()).query["host"]))
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (listens, server.folder, listens / ".s.PGSQL.5432")]
        yield {"data": data, "modes": modes, "url": server.url(), "other server": refused(of_root)}
        server.release()
        yield {"runs": server.running()}

    with as_account(OWNER, own) as owner:
        found = owner()
        assert isinstance(found, dict), found
        with as_account(OTHER, lambda: iter([refused(found["url"])])) as other:
            assert "Permission denied" in str(other())
        assert owner() == {"runs": False}
    assert found["data"] == str(long_home / "postgres")
    assert found["modes"] == [0o700, 0o700, 0o700]
    assert "Permission denied" in found["other server"]


@root_only
def test_a_home_of_somebody_else_is_refused_by_name(long_home: Path) -> None:
    def use() -> Iterator[str]:
        with pytest.raises(ConfigurationError) as caught:
            EmbeddedPostgres(long_home).use()
        yield str(caught.value)

    with as_account(OTHER, use) as other:
        told = str(other())
    assert f"belongs to {OWNER}, and an embedded PostgreSQL is its owner's alone. Next: name a folder" in told


@root_only
def test_root_runs_the_server_of_somebody_elses_home_as_them(long_home: Path) -> None:
    account = account_of(long_home, long_home / "postgres")
    assert account == Account(pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(OWNER).pw_gid, other=True)


def own_account() -> Account:
    return Account(os.geteuid(), os.getegid())


def too_long(folder: Path) -> Path:
    made = folder / ("x" * 100)
    made.mkdir(parents=True)
    return made


def test_a_short_path_has_its_socket_in_the_servers_own_folder(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as short:
        assert socket_folder(Path(short), own_account()) == Path(short)


@pytest.mark.parametrize("name", ["it's", "a,b", 'say "so"', "$HOME", "naïve", "x" * 90])
def test_a_path_that_a_socket_cannot_have_leads_to_the_same_private_folder_each_time(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    found = socket_folder(folder, own_account())
    assert found != folder
    assert found == socket_folder(folder, own_account())
    assert found.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    found.rmdir()


def test_who_sits_under_its_name_does_not_get_the_socket(tmp_path: Path) -> None:
    folder = too_long(tmp_path)
    wanted = socket_folder(folder, own_account())
    wanted.rmdir()
    wanted.symlink_to(tmp_path)
    found = socket_folder(folder, own_account())
    assert found.parent == wanted.parent
    assert not found.is_symlink()
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    wanted.unlink()
    wanted.mkdir()
    wanted.chmod(0o777)
    assert socket_folder(folder, own_account()) == wanted
    assert stat.S_IMODE(wanted.stat().st_mode) == 0o700
    wanted.rmdir()
    found.rmdir()
