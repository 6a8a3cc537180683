"""Whether a server runs is asked of its socket and its process: a number alone may be another's by now."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.embedded.postmaster import Postmaster


def written(folder: Path, pid: int) -> Path:
    (folder / "postmaster.pid").write_text(f"{pid}\n{folder}\n1700000000\n5432\n{folder}\n\n  1  2\nready   \n")
    return folder


def test_a_number_that_is_another_processs_by_now_is_no_server(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    written(tmp_path / "postgres", os.getpid())
    assert not EmbeddedPostgres(tmp_path).running()


def test_a_server_whose_number_means_nothing_here_runs_where_it_answers() -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{short}/.s.PGSQL.5432")
        listening.listen()
        found = Postmaster.read(written(Path(short), 999_999_999))
        assert found is not None
        assert found.runs()


@pytest.mark.parametrize("text", ["", "-123\n/x\n", "what\never\n1\nis\nthere\n", "12\n/x\n17\n5432\n\n"])
def test_a_file_that_is_not_complete_tells_of_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / "postmaster.pid").write_text(text)
    assert Postmaster.read(tmp_path) is None
