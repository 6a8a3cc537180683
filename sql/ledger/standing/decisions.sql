-- One row per decision about an alias of the models, the newest first.
SELECT
    alias_history.model_name,
    alias_history.alias,
    alias_history.version,
    alias_history.from_version,
    alias_history.outcome,
    alias_history.since,
    alias_history.until,
    alias_history.recorded_at,
    alias_history.decided_by,
    alias_history.reason,
    alias_history.reasons
FROM ledger.alias_history
WHERE alias_history.model_name = ANY (CAST(:models AS text[]))
ORDER BY coalesce(alias_history.recorded_at, alias_history.since) DESC
LIMIT 60
