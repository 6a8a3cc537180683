-- One row per version that a person was asked to approve and that nobody has decided about since.
SELECT approvals.pipeline, approvals.model_name, approvals.version, approvals.asked_by, approvals.asked_at
FROM (
    SELECT DISTINCT ON (asked.model_name) asked.*
    FROM ledger.approvals AS asked
    WHERE asked.pipeline = ANY (CAST(:pipelines AS text[]))
    ORDER BY asked.model_name, asked.approval_id DESC
) AS approvals
WHERE
    NOT EXISTS (
        SELECT
        FROM ledger.alias_history
        WHERE
            alias_history.model_name = approvals.model_name
            AND coalesce(alias_history.recorded_at, alias_history.since) > approvals.asked_at
    )
ORDER BY approvals.pipeline, approvals.model_name
