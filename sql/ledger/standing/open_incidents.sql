-- One row per open incident of the pipelines, and of what is about none.
SELECT
    incidents.incident_id,
    incidents.cause,
    incidents.kind,
    incidents.pipeline,
    incidents.partition_key,
    incidents.problem,
    incidents.next_step,
    incidents.command,
    incidents.opened_at
FROM ledger.incidents
WHERE incidents.closed_at IS NULL
ORDER BY incidents.incident_id
