"""Own package: a package for one's pipelines, made beside an Airflow that is already there."""

import sys
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from daybreak.errors import ConfigurationError
from daybreak.settings import Settings
from daybreak.starting.scaffold_files import with_name

_REGISTER = '''"""The pipelines that Daybreak runs. `daybreak new` adds to them; each is imported when it is used."""

PIPELINES = ()
'''
# Airflow looks for DAGs in every module below its DAGs folder.
_IGNORE = "*\n"


def see_to_package(settings: Settings, folder: Path, dags: Path | None, *, dry_run: bool) -> str:
    """Make the package where it is missing, and say what was done; what is there stays as it is."""
    folder, dags = folder.absolute(), dags and dags.absolute()
    _refuse_folder(settings, folder)
    if dags is not None and not dags.is_dir():
        raise ConfigurationError(f"There is no folder {dags}.", next_step="name the one that Airflow reads DAGs from.")
    register = folder / "__init__.py"
    if register.exists():
        with_name(register.read_text(encoding="utf-8"), folder.name, "any")  # refuses what `new` could not add to
        return f"Package {folder} is there."
    if dry_run:
        return f"Package {folder} would be made."
    try:
        (folder / "sql").mkdir(parents=True, exist_ok=True)
        if dags is not None and folder.is_relative_to(dags):
            (folder / ".airflowignore").write_text(_IGNORE, encoding="utf-8")
        written = folder / ".register.part"
        written.write_text(_REGISTER, encoding="utf-8")
        written.replace(register)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written ({error.strerror}).", next_step="name a folder that this login may write to."
        ) from error
    return f"Package {folder} was made."


def to_be_set(settings: Settings, folder: Path, dags: Path | None) -> dict[str, str]:
    """Return the variables that Airflow's processes and the shell lack, so that both find the package."""
    folder = folder.absolute()
    wanted = {}
    if settings.pipelines != folder.name:
        wanted["DAYBREAK_PIPELINES"] = folder.name
    if dags is not None and (settings.dags is None or settings.dags.absolute() != dags.absolute()):
        wanted["DAYBREAK_DAGS"] = str(dags.absolute())
    # The DAGs folder is on the path of Airflow's processes, and not on that of the command line.
    if not _found(folder):
        wanted["PYTHONPATH"] = str(folder.parent)
    return wanted


def _refuse_folder(settings: Settings, folder: Path) -> None:
    name = folder.name
    if not name.isidentifier() or not name.isascii() or iskeyword(name):
        raise ConfigurationError(
            f"'{name}' cannot name a package.",
            next_step="name a folder of letters, digits and _, such as my_pipelines.",
        )
    if name in sys.stdlib_module_names or (find_spec(name) is not None and not _found(folder)):
        raise ConfigurationError(
            f"'{name}' already means something else in Python.", next_step="name the folder otherwise."
        )
    if settings.project is not None and folder.parent != (settings.project / "include").absolute():
        raise ConfigurationError(
            f"The packages of this project are in {settings.project / 'include'}.", next_step="name a folder there."
        )


def _found(folder: Path) -> bool:
    """Say whether Python finds the package by its name, in this folder."""
    if folder.parent.resolve() in {Path(entry or ".").resolve() for entry in sys.path}:
        found = find_spec(folder.name)
        return found is None or folder.resolve() in {
            Path(at).resolve() for at in found.submodule_search_locations or ()
        }
    return False
