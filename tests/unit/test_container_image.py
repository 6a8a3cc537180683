"""The image that the Dockerfile makes, held against the repository, the lock and the settings; none is built."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from container_files import BUILT, IMAGES, ROOT, SERVICES, ignored, mounts
from daybreak.local.airflow_environment import write_local_settings

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_image_is_made_of_what_is_in_the_repository_and_of_nothing_private() -> None:
    sources = {source for stage in IMAGES.stages for source, _ in IMAGES.copies(stage)}
    assert {"requirements.txt", "pyproject.toml", PROJECT["readme"], *PROJECT["license-files"]} <= sources
    assert [source for source in sources if not (ROOT / source).exists() or ignored(source)] == []
    assert not ignored("include/daybreak/settings.py")
    private = (".env", "include/.env", ".git/config", ".venv/bin/python", ".daybreak/postgres/log", "tests/unit")
    assert all(map(ignored, private))


def test_the_image_holds_the_project_where_its_settings_look_for_it(tmp_path: Path) -> None:
    home, image = tmp_path / "opt" / "daybreak", IMAGES.environment("airflow")
    for source, target in IMAGES.copies("airflow"):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target.relative_to("/"))
    code = "from daybreak.settings import Settings; print(Settings().project, Settings().sql.is_dir())"
    given = image | {"PYTHONPATH": str(home / "include")}
    found = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(home), "True"]
    for folder in ("dags", "plugins"):
        assert tmp_path / image[f"AIRFLOW__CORE__{folder.upper()}_FOLDER"][1:] == home / folder
        assert (home / folder).is_dir()
    assert any("pip install --no-deps --no-build-isolation --editable ." in run for run in IMAGES.all("airflow", "RUN"))


def test_the_image_has_the_local_settings_where_airflow_reads_them(tmp_path: Path) -> None:
    assert any("write_local_settings(Path('/opt'))" in run for run in IMAGES.all("airflow", "RUN"))
    write_local_settings(tmp_path / "opt")
    assert (tmp_path / IMAGES.environment("airflow")["AIRFLOW_HOME"][1:] / "config/airflow_local_settings.py").is_file()


@pytest.mark.parametrize("service", BUILT)
def test_a_container_has_the_right_python_and_no_privileges(service: str) -> None:
    stage = BUILT[service]
    [version] = re.findall(r"^python:(\d+\.\d+)\.\d+-slim-[a-z]+$", IMAGES.all(stage, "FROM")[0])
    assert f"{version}.0" in SpecifierSet(PROJECT["requires-python"])
    user = IMAGES.all(stage, "USER")[-1]
    [creation] = [run for run in IMAGES.all(stage, "RUN") if re.search(rf"useradd --uid [1-9]\d+ .*\b{user}\b", run)]
    # A new volume takes over the owner of the folder it is mounted on.
    [owned] = re.findall(rf"install --directory --owner={user} --group={user} (.*)", creation)
    assert mounts(SERVICES[service]).keys() <= set(owned.split())
    assert (SERVICES[service]["cap_drop"], SERVICES[service]["security_opt"]) == (["ALL"], ["no-new-privileges:true"])


def pins(file: Path) -> dict[str, str]:
    requirements = [Requirement(line.rstrip(" \\")) for line in file.read_text().splitlines() if line[:1].isalnum()]
    return {requirement.name: str(requirement.specifier) for requirement in requirements}


def test_each_image_installs_its_lock_and_the_server_has_the_clients_mlflow() -> None:
    lock, server = pins(ROOT / "requirements.txt"), pins(ROOT / "requirements-mlflow.txt")
    assert "mlflow" not in lock, "full MLflow does not fit into Airflow's environment"
    assert server["mlflow"] == server["mlflow-skinny"] == lock["mlflow-skinny"]
    assert server["psycopg2-binary"] == lock["psycopg2-binary"]
    assert "flask-wtf" in server, "without it MLflow's server has no login"
    for stage, file in {"airflow": "requirements.txt", "mlflow": "requirements-mlflow.txt"}.items():
        installs = [run for run in IMAGES.all(stage, "RUN") if "pip install" in run and "--editable" not in run]
        assert len(installs) == 1
        assert f"pip install --no-deps --require-hashes --requirement {file} && pip check" in installs[0]


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-mlflow.txt"])
def test_a_lock_has_hashes_for_every_package_and_names_no_host(file: str) -> None:
    text = (ROOT / file).read_text()
    entries = re.split(r"\n(?=[a-zA-Z0-9])", re.sub(r"(?m)^#.*\n", "", text))
    assert {entry.partition("==")[0] for entry in entries} == pins(ROOT / file).keys()
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+( ; .+?)? \\\n    --hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


def test_the_lock_is_installed_by_its_hashes_and_brings_what_builds_the_project() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes -r requirements.txt" in makefile
    assert "--no-build-isolation --editable ." in makefile
    assert "--generate-hashes" in makefile
    assert "hatchling" in pins(ROOT / "requirements.txt")
