"""Environments of models' own that need no installing: a Python that finds what this one does, and what a test adds."""

import sys
import sysconfig
from pathlib import Path

from daybreak.models.environments import Environment

# A stand-in for MLflow's loader: a model is what its file says.
_LOADER = """
from pathlib import Path

def load_model(folder):
    found = {}
    exec(Path(folder, "model.py").read_text(), found)
    return found["Model"]()
"""


def laid_out(folder: Path, packages: tuple[str, ...] = ("python==3",), *, loader: bool = False) -> Environment:
    """Lay an environment out at a folder, with the libraries of this process."""
    base = Path(sys.executable).resolve()
    own = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    own.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(base)
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (own / "installed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "packages.txt").write_text("\n".join(packages) + "\n")
    if loader:
        (own / "mlflow").mkdir()
        (own / "mlflow" / "__init__.py").write_text("")
        (own / "mlflow" / "pyfunc.py").write_text(_LOADER)
    return Environment(folder, packages)
