"""Three roles: the owner migrates, the pipeline runs, the reader reads; none can do what another is there for."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from command_line import commands
from daybreak.warehouse.migrations import migrate
from daybreak.workspace import Workspace
from parcels import DAY, SHORT_DAY, Parcels

VIEW, AS_OF = "predictions.parcel_hours", "predictions.parcel_hours_as_of"


@pytest.fixture
def roles(parcels: Parcels) -> Iterator[dict[str, str]]:
    """Make the roles of the test's database, and take them away again."""
    parcels.execute("SELECT ledger.see_to_roles()")
    names = {kind: parcels.value(f"SELECT ledger.role_name('{kind}')") for kind in ("owner", "pipeline", "reader")}
    yield names
    for name in names.values():
        parcels.execute(f'REASSIGN OWNED BY "{name}" TO CURRENT_USER', f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"')


@contextmanager
def logged_in(parcels: Parcels, role: str) -> Iterator[Parcels]:
    """Do something as a login with one of the roles."""
    url = parcels.workspace.warehouse.url.set(username=role, password=None).render_as_string()
    workspace = Workspace(parcels.workspace.settings.model_copy(update={"warehouse_url": SecretStr(url)}))
    yield Parcels(workspace, parcels.pipeline)
    workspace.close()


@contextmanager
def denied(what: str) -> Iterator[None]:
    with pytest.raises(sa.exc.DBAPIError, match=what):
        yield


def test_each_role_can_do_what_it_is_there_for_and_no_more(parcels: Parcels, roles: dict[str, str]) -> None:
    assert set(roles.values()).isdisjoint({"postgres", "daybreak_reader"})  # named for their own database
    shown = parcels.shown()
    with logged_in(parcels, roles["reader"]) as reader:
        assert reader.shown() == shown
        assert len(reader.rows(f"SELECT * FROM {AS_OF}(now())")) == len(shown)
        for what in ("predictions.parcel_hours_runs", "ledger.runs", "ledger.publications", "parcels.handed_in"):
            with denied("permission denied"):
                reader.rows(f"SELECT * FROM {what}")
        for statement in (
            f"INSERT INTO {VIEW} (depot) VALUES ('north')",
            "CREATE TABLE predictions.mine (n int)",
            "CREATE SCHEMA mine",
            "COPY (SELECT 1) TO PROGRAM 'true'",
        ):
            with denied(r"permission denied|cannot insert|must be superuser"):
                reader.execute(statement)
    with logged_in(parcels, roles["pipeline"]) as pipeline:
        before = pipeline.current()
        pipeline.run(DAY)
        assert pipeline.current() != before
        assert pipeline.runner.publisher.roll_back(str(DAY)).run_id == before[0]
        pipeline.run(SHORT_DAY, allow_leakage=True)
        over, now = "withdrawn_at IS NOT NULL", "withdrawn_at IS NULL"
        for statement, what in {
            f"UPDATE ledger.publications SET withdrawn_at = now() WHERE {over}": "what is past in ledger.publications",
            f"UPDATE ledger.publications SET run_id = run_id WHERE {now}": "permission denied",
            "DELETE FROM ledger.publications": "permission denied",
            "TRUNCATE ledger.publications": "permission denied",
            "UPDATE ledger.alias_history SET version = 7": "permission denied",
            "DELETE FROM ledger.alias_history": "permission denied",
            "DELETE FROM ledger.runs": "permission denied",
            "DELETE FROM predictions.parcel_hours_runs": "what was published from predictions.parcel_hours_runs stays",
            "UPDATE predictions.parcel_hours_runs SET predicted_hours = 0": "permission denied",
            "UPDATE ledger.migrations SET digest = ''": "permission denied",
            "ALTER TABLE predictions.parcel_hours_runs ADD COLUMN n int": "must be owner",
            "DROP TRIGGER past_stays ON ledger.publications": "must be owner",
            "COPY (SELECT 1) TO PROGRAM 'true'": "permission denied",
        }.items():
            with denied(what):
                pipeline.execute(statement)
    with logged_in(parcels, roles["owner"]) as owner:
        sql = owner.workspace.settings.sql
        (sql / "ledger" / "900_more.sql").write_text("CREATE TABLE ledger.one_more (n int);\n")
        migrate(owner.workspace.warehouse, sql)
        owner.execute("CREATE SCHEMA one_more", "DROP SCHEMA one_more", "UPDATE ledger.alias_history SET version = 1")
        with denied("permission denied"):
            owner.execute("COPY (SELECT 1) TO PROGRAM 'true'")
    with logged_in(parcels, roles["pipeline"]) as pipeline:
        assert pipeline.rows("SELECT * FROM ledger.one_more") == []


def test_the_address_of_a_role_is_its_login_without_a_password(
    parcels: Parcels, roles: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    address = parcels.workspace.warehouse.url.set(password="s3cr3t").render_as_string(hide_password=False)
    settings = parcels.workspace.settings.model_copy(update={"warehouse_url": SecretStr(address)})
    for kind, name in roles.items():
        code, out, err = commands(monkeypatch, capfd, settings)("url", "--role", kind)
        found = sa.make_url(out.strip())
        assert (code, err, found.username, found.password) == (0, "", name, None)


def test_who_may_read_the_view_may_ask_for_the_past_and_nobody_else(parcels: Parcels, roles: dict[str, str]) -> None:
    analyst = f"analyst_of_{parcels.workspace.warehouse.url.database}"
    parcels.execute(f"CREATE ROLE {analyst} LOGIN", f"GRANT USAGE ON SCHEMA predictions TO {analyst}")
    with logged_in(parcels, analyst) as person:
        for relation in (VIEW, f"{AS_OF}(now())", "predictions.parcel_hours_ever"):
            with denied("permission denied for view .*parcel_hours"):
                person.rows(f"SELECT * FROM {relation}")
        parcels.execute(f"GRANT SELECT ON {VIEW} TO {analyst}")
        # A table of theirs that is called like ours is not what the function reads.
        person.rows("SELECT set_config('search_path', 'pg_temp, pg_catalog', false)")
        assert person.rows(f"SELECT count(*) FROM {AS_OF}(now())") == [(len(parcels.shown()),)]
        with denied("permission denied"):
            person.rows("SELECT * FROM predictions.parcel_hours_runs")
    parcels.execute(f"DROP OWNED BY {analyst}", f"DROP ROLE {analyst}")


def test_what_is_made_later_is_for_the_roles_too(parcels: Parcels, roles: dict[str, str]) -> None:
    with logged_in(parcels, roles["reader"]) as reader:
        parcels.shadowed(carries=("remark",))
        assert len(reader.rows(f"SELECT remark FROM {VIEW}")) == len(parcels.shown())
    assert (
        parcels.value("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'parcel_hours_shadow'")
        == (roles["owner"])
    )


def test_a_role_that_is_somebody_elses_is_left_alone(parcels: Parcels) -> None:
    name = parcels.value("SELECT ledger.role_name('reader')")
    parcels.execute(f'CREATE ROLE "{name}"')
    with denied("is there already, and is not Daybreak's"):
        parcels.execute("SELECT ledger.see_to_roles()")
    assert parcels.value(f"SELECT has_schema_privilege('{name}', 'predictions', 'USAGE')") is False
    parcels.execute(f'DROP ROLE "{name}"')
