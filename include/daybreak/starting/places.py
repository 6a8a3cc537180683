"""Places: the folders that a new pipeline's files go to.

In a project they lie below one folder. Beside an Airflow that is already there the package of the pipelines holds their
SQL files, and DAG files go to the folder that this Airflow reads, which may be on another file system.
"""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

from daybreak.errors import ConfigurationError
from daybreak.settings import Settings


@dataclass(frozen=True)
class Places:
    """Where the files of the pipelines of one module are; ``root`` is where new ones are put together."""

    module: str
    root: Path
    package: Path
    sql: Path
    dags: Path

    @staticmethod
    def in_project(project: Path, module: str) -> "Places":
        """Return the places of a project: include/, sql/ and dags/."""
        package = project / "include" / module.replace(".", "/")
        return Places(module, project, package, project / "sql", project / "dags")

    @staticmethod
    def of(settings: Settings) -> "Places":
        """Return the places that the settings name. Raises ConfigurationError where it is not said where DAGs go."""
        if settings.dags is not None and not settings.dags.is_dir():
            raise ConfigurationError(
                f"There is no folder {settings.dags}, where DAG files would go.",
                next_step="make it, or correct DAYBREAK_DAGS.",
            )
        if settings.project is not None:
            found = Places.in_project(settings.project, settings.pipelines)
            return found if settings.dags is None else Places(**{**vars(found), "dags": settings.dags})
        if settings.dags is None:
            raise ConfigurationError(
                "It is not said where DAG files go.",
                next_step="set DAYBREAK_DAGS to the folder that Airflow reads them from.",
            )
        return Places(settings.pipelines, settings.package, settings.package, settings.sql, settings.dags)

    @property
    def register(self) -> Path:
        """The module that names the pipelines."""
        return self.package / "__init__.py"

    def place(self, path: Path | str) -> Path:
        """Return where a file goes that is named as in a project, such as ``sql/churn/extract.sql``."""
        kind, *below = Path(path).parts
        if kind == "include":
            below = below[len(self.module.split(".")) :]
        return {"include": self.package, "sql": self.sql, "dags": self.dags}[kind].joinpath(*below)

    def shown(self, path: Path) -> str:
        """Name a file as it is written to a person: as below the project or beside the package, else in full."""
        above = self.root.parent if self.root == self.package else self.root
        return str(path.relative_to(above) if path.is_relative_to(above) else path)


def move(source: Path, target: Path) -> None:
    """Move a file or a folder in one step: there is the old or the whole new one, on whichever file system."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, beside)
        beside.replace(target)
        source.unlink()
