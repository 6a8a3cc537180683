"""Daybreak on a server of one's own: a login that has the rights of the page and no others gets everything done."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from command_line import commands
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import PROJECT, Settings
from daybreak.starting.databases import prepare
from daybreak.starting.doctor import Finding, examine
from daybreak.training.train import train
from daybreak.warehouse.roles import role_statements
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS
from parcels import DAY, MADE, Parcels, administer, make_settings

PAGE = (PROJECT / "docs" / "your-postgresql.md").read_text()
RIGHTS = re.findall(r"```sql\n(.+?)```", PAGE, re.S)[0]


@dataclass
class Company:
    """A company's database with its data, and a login of Daybreak's."""

    server: EmbeddedPostgres
    settings: Settings
    names: dict[str, str]

    @property
    def rights(self) -> list[str]:
        """The statements of the page, for this test's database and login."""
        renamed = RIGHTS
        for name, own in self.names.items():
            renamed = re.sub(rf"\b{name}\b", own, renamed)
        return [statement.strip() for statement in renamed.split(";") if statement.strip()]

    def administer(self, *statements: str, database: str | None = None) -> None:
        engine = sa.create_engine(
            self.server.url(database or self.names["company"]), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def open(self) -> Workspace:
        return Workspace(self.settings)

    def examined(self) -> list[Finding]:
        workspace = self.open()
        found = list(examine(workspace))
        workspace.close()
        return found


@pytest.fixture
def company(
    postgres: EmbeddedPostgres, project: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Company]:
    names = {name: f"{name}_{abs(hash(request.node.name)) % 10**8}" for name in ("company", "mlflow", "daybreak_app")}
    with administer(postgres) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {names['company']}")
    url = sa.make_url(postgres.url(names["company"])).set(username=names["daybreak_app"])
    settings = make_settings(tmp_path, project, url.render_as_string()).model_copy(
        update={
            "registry_url": SecretStr(url.set(database=names["mlflow"]).render_as_string()),
            "pipelines": "fixture_pipelines.shadowed",
        }
    )
    found = Company(postgres, settings, names)
    found.administer(*load_sql(MADE / "source.sql").text.split(";\n"))
    yield found
    with administer(postgres) as connection:
        for database in (names["company"], names["mlflow"]):
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        for role in connection.exec_driver_sql(
            f"SELECT rolname FROM pg_roles WHERE rolname LIKE 'daybreak%%{names['company']}%%' "
            f"OR rolname = '{names['daybreak_app']}'"
        ).scalars():
            connection.exec_driver_sql(f"DROP ROLE {role}")


def missing(findings: list[Finding]) -> dict[str, str]:
    return {f"{finding.what}: {finding.found}": finding.next_step for finding in findings if finding.next_step}


def test_a_login_with_the_rights_of_the_page_and_no_others_gets_everything_done(company: Company) -> None:
    company.administer(*company.rights)
    before = missing(company.examined())
    assert list(before.values()) == ["run `daybreak init`."]
    workspace = company.open()
    steps = prepare(workspace)
    assert [step.statements for step in steps] == [()] * len(steps)
    assert "`daybreak roles` prints the statements" in steps[-1].says
    train(workspace, PARCEL_HOURS, through=DAY)
    parcels = Parcels(workspace)
    parcels.run(DAY, allow_leakage=True)
    assert len(parcels.shown()) > 100
    assert parcels.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
    # Somebody who may make roles runs what is printed, and the login goes on.
    company.administer(*(statement for statement in role_statements(workspace.warehouse)))
    workspace.close()
    assert missing(company.examined()) == {}


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ("GRANT CONNECT, CREATE", r"have this run: GRANT CONNECT, CREATE ON DATABASE"),
        ("GRANT USAGE", r"have this run: GRANT USAGE ON SCHEMA \"?parcels\"? TO"),
        ("GRANT SELECT", r"have this run: GRANT SELECT ON parcels\..?\w+.? TO"),
        ("CREATE DATABASE", r"run `daybreak init`, which makes it or says how"),
    ],
)
def test_each_right_that_is_missing_is_named_with_the_grant_that_gives_it(
    company: Company, lacking: str, told: str
) -> None:
    left_out = [statement for statement in company.rights if statement.startswith(lacking)]
    company.administer(*(statement for statement in company.rights if statement not in left_out))
    found = missing(company.examined())
    assert any(re.search(told, step) for step in found.values()), found
    workspace = company.open()
    steps = prepare(workspace)
    workspace.close()
    if lacking.startswith(("CREATE", "GRANT CONNECT")):
        (statements,) = [step.statements for step in steps if step.statements]
        company.administer(*statements)
        workspace = company.open()
        assert [step.statements for step in prepare(workspace) if step.statements] == []
        workspace.close()
    else:
        granted = next(step for step in found.values() if re.search(told, step)).partition("run: ")[2]
        company.administer(*granted.rstrip(";").split("; "))
        assert not any(re.search(told, step) for step in missing(company.examined()).values())


def test_an_address_goes_without_its_password_and_with_what_stands_behind_it(
    company: Company, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    company.administer(*company.rights)
    address = sa.make_url(company.settings.warehouse_url.get_secret_value() if company.settings.warehouse_url else "")
    address = address.set(password="s3cr3t").update_query_dict({"sslmode": "prefer"})
    monkeypatch.setenv("DAYBREAK_WAREHOUSE_URL", address.render_as_string(hide_password=False))

    daybreak = commands(monkeypatch, capsys)

    def printed(*options: str) -> str:
        code, out, err = daybreak("url", *options)
        assert code == 0, err
        return out

    assert ":s3cr3t@" in printed()
    for option in ("--no-password", "--service"):
        found = printed(option)
        assert "s3cr3t" not in found
        assert "sslmode=prefer" in found
    assert f"user={company.names['daybreak_app']}\n" in printed("--service")


def test_one_who_cannot_get_in_is_told_so(company: Company) -> None:
    looks: Callable[[], list[Finding]] = company.examined
    found = missing(looks())
    assert any("does not exist" in what for what in found), found


def test_what_the_login_may_not_make_is_printed_and_made_by_who_may(
    company: Company, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daybreak = commands(monkeypatch, capsys, company.settings)
    company.administer(*(statement for statement in company.rights if not statement.startswith("CREATE DATABASE")))
    code, out, err = daybreak("init")
    assert code == 1
    assert "Some of it this login may not make. Next: have the statements above run" in err
    [statement] = re.findall(r"^CREATE DATABASE .*(?=;$)", out, re.M)
    company.administer(statement)
    code, out, _ = daybreak("init")
    assert (code, "CREATE" in out) == (0, False)


def test_a_login_that_has_no_role_of_the_ledger_is_told_so(company: Company) -> None:
    company.administer(*company.rights)
    others = company.settings.model_copy(
        update={"warehouse_url": SecretStr(company.server.url(company.names["company"]))}
    )
    workspace = Workspace(others)
    prepare(workspace)
    workspace.close()
    login = company.names["daybreak_app"]
    found = missing(company.examined())
    assert "`daybreak roles`" in found[f"warehouse: {login} may not use schema ledger"]


def test_a_login_that_may_neither_make_nor_write_the_registrys_tables_is_told_so(company: Company) -> None:
    company.administer(*company.rights)
    login, registry = company.names["daybreak_app"], company.names["mlflow"]
    company.administer(f"ALTER DATABASE {registry} OWNER TO postgres")
    step = missing(company.examined())[f"registry: {login} may not make MLflow's tables in {registry}"]
    company.administer(step.partition(f"run in {registry}: ")[2], database=registry)
    assert not any(what.startswith("registry") for what in missing(company.examined()))
    company.administer("CREATE TABLE registered_models (name text)", database=registry)
    assert "`daybreak roles`" in missing(company.examined())[f"registry: {login} may not write MLflow's tables"]
