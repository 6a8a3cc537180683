"""Lineage events: a run as OpenLineage's events, made from the ledger and the declaration.

This module loads OpenLineage's client: it is imported where lineage is asked for.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from openlineage.client import facet_v2
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

from daybreak.declaration.pipeline import Pipeline
from daybreak.ledger.tables import expectation_results
from daybreak.monitoring.lineage_facets import PRODUCER, run_facets
from daybreak.push.runner import OFFERS
from daybreak.run.plan import query_binds
from daybreak.sources.datasets import DatasetName, postgres_namespace, table_name
from daybreak.sources.queries import EXTRACT
from daybreak.tables.names import SCHEMA, runs_name
from daybreak.workspace import Workspace


class RunLineage:
    """Tell of one run of a pipeline; ``receiver`` is the address that it pushes to, if it is not the settings'."""

    def __init__(self, workspace: Workspace, pipeline: Pipeline, run_id: int, receiver: str | None = None) -> None:
        self._workspace = workspace
        self._pipeline = pipeline
        self._run_id = run_id
        self._receiver = receiver or workspace.settings.push_url

    def event(self, state: RunState) -> RunEvent:
        """Return an event with all that is known of the run by now."""
        run = self.recorded()
        warehouse = self._workspace.warehouse
        # Another warehouse, or the same one made anew, has runs of the same numbers.
        told = f"{postgres_namespace(warehouse.url)}/{warehouse.url.database}/{self._run_id}/{run['started_at']}"
        return RunEvent(
            eventType=state,
            eventTime=datetime.now(UTC).isoformat(),
            run=Run(str(uuid5(NAMESPACE_URL, told)), self.run_facets()),
            job=Job(self._workspace.settings.lineage_namespace, self._pipeline.name, self._job_facets()),
            inputs=self.inputs(),
            outputs=self.outputs(),
            producer=PRODUCER,
        )

    def recorded(self) -> dict[str, Any]:
        """Return the run's row in the ledger."""
        return dict(self._workspace.ledger.get(self._run_id))

    def run_facets(self) -> dict[str, Any]:
        """Return the facets of the run."""
        wanted = sa.select(expectation_results).where(expectation_results.c.run_id == self._run_id)
        with self._workspace.warehouse.begin() as connection:
            said = connection.execute(wanted.order_by(expectation_results.c.position)).mappings().all()
        return run_facets(self.recorded(), [dict(one) for one in said])

    def inputs(self) -> list[InputDataset]:
        """Return what extract.sql reads, as far as the source can tell.

        An upstream's predictions are named as its own events name them, and the ledger is left out.
        """
        run, queries = self.recorded(), self._workspace.queries(self._pipeline)
        if run["window_start"] is None:
            return []
        partition = self._pipeline.calendar.partition(run["partition_key"])
        upstream = run["upstream_run_id"] or (0 if self._pipeline.upstream else None)
        found = queries.source.datasets(queries.file(EXTRACT), query_binds(partition, upstream))
        ledger = f"{self._workspace.warehouse.url.database}.ledger."
        shown = dict.fromkeys(self._shown(name) for name in found if not name.name.startswith(ledger))
        return [InputDataset(name.namespace, name.name) for name in shown]

    def outputs(self) -> list[OutputDataset]:
        """Return the table of predictions, or the receiver, with how many rows it was given."""
        run = self.recorded()
        rows = run["rows_scored"] if run["rows_kept"] is None else run["rows_kept"]
        if self._pipeline.push:
            return [] if self._receiver is None else [_named(_receiver(self._receiver), {}, {})]
        statistics = facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=rows, producer=PRODUCER
        )
        version = facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(str(self._run_id), producer=PRODUCER)
        published = run["state"] == "published"
        return [
            _named(
                table_name(self._workspace.warehouse, SCHEMA, self._pipeline.name),
                {"version": version} if published else {},
                {"outputStatistics": statistics} if published else {},
            )
        ]

    def _shown(self, found: DatasetName) -> DatasetName:
        of_predictions = {
            table_name(self._workspace.warehouse, SCHEMA, runs_name(upstream)): upstream
            for upstream in self._workspace.pipelines.values()
            if upstream.name == self._pipeline.upstream
        }
        upstream = of_predictions.get(found)
        return table_name(self._workspace.warehouse, SCHEMA, upstream.name) if upstream else found

    def _job_facets(self) -> dict[str, Any]:
        text = self._workspace.queries(self._pipeline).file(EXTRACT).text
        kind = facet_v2.job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="DAYBREAK", jobType="PIPELINE", producer=PRODUCER
        )
        return {"jobType": kind, "sql": facet_v2.sql_job.SQLJobFacet(text, producer=PRODUCER)}


def _named(name: DatasetName, facets: dict[str, Any], output_facets: dict[str, Any]) -> OutputDataset:
    return OutputDataset(name.namespace, name.name, outputFacets=output_facets, facets=facets)


def _receiver(url: str) -> DatasetName:
    address = urlsplit(url)
    # Whatever stands before an @ is a login.
    return DatasetName(f"{address.scheme}://{address.netloc.rpartition('@')[2]}", OFFERS)
