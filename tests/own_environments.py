"""Environments of models' own that need no installing: a Python that finds what this one does, and what a test adds."""

import sys
import sysconfig
from pathlib import Path

from daybreak.declaration.segments import ModelRef
from daybreak.models.environments import Environment
from daybreak.models.requirements import Requirements
from parcels import Parcels

PACKAGES = ("numpy==2.0.0", "python==3.11.7")

# A stand-in for MLflow's loader: a model is what its file says.
_LOADER = """
from pathlib import Path

def load_model(folder):
    found = {"folder": folder}
    exec(Path(folder, "model.py").read_text(), found)
    return found["Model"]()
"""


def laid_out(folder: Path, packages: tuple[str, ...] = PACKAGES, *, loader: bool = False) -> Environment:
    """Lay an environment out at a folder, with the libraries of this process."""
    base = Path(sys.executable).resolve()
    own = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    own.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(base)
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
    (own / "installed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "packages.txt").write_text("\n".join(packages) + "\n")
    if loader:
        (own / "mlflow").mkdir()
        (own / "mlflow" / "__init__.py").write_text("")
        (own / "mlflow" / "pyfunc.py").write_text(_LOADER)
    return Environment(folder, packages)


def install(parcels: Parcels, wanted: Requirements | None = None, *, loader: bool = False) -> None:
    """Lay out what would be installed for the champion, or for what is required."""
    registry, environments = parcels.workspace.registry, parcels.workspace.own_environments.environments
    wanted = wanted or registry.loader.required(registry.resolve(parcels.pipeline.single_ref))
    laid_out(environments.folder / wanted.digest[:32], loader=loader)


def owning(parcels: Parcels) -> Parcels:
    """Declare that the model has an environment of its own, and have it installed."""
    found = parcels.declared(model=ModelRef(parcels.pipeline.single_ref.name, environment="own"))
    install(found)
    return found
