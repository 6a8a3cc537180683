"""The process of a running PostgreSQL, as the file says that it writes into its folder."""

import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

_WAIT_SECONDS = 5


@dataclass(frozen=True)
class Postmaster:
    """What ``postmaster.pid`` tells of a server that accepts connections, or did."""

    pid: int
    port: int
    socket_folder: Path

    @staticmethod
    def read(folder: Path) -> "Postmaster | None":
        """Read the file; None where it is not there, or not complete."""
        try:
            lines = (folder / "postmaster.pid").read_text().splitlines()
            return Postmaster(int(lines[0]), int(lines[3]), Path(lines[4])) if lines[4] else None
        except (OSError, ValueError, IndexError):
            return None

    def runs(self) -> bool:
        """Tell whether the server runs: the number alone may belong to another process by now."""
        return self.answers() or self.process_is_a_server()

    def answers(self) -> bool:
        """Tell whether somebody listens on the socket."""
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as client:
            client.settimeout(_WAIT_SECONDS)
            try:
                client.connect(str(self.socket_folder / f".s.PGSQL.{self.port}"))
            except OSError:
                return False
            return True

    def process_is_a_server(self) -> bool:
        """Tell whether the process of that number is a PostgreSQL."""
        try:
            process = psutil.Process(self.pid)
            return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
