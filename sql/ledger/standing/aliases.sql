-- One row per model and alias that points to a version now.
SELECT alias_history.model_name, alias_history.alias, alias_history.version, alias_history.since
FROM ledger.alias_history
WHERE
    alias_history.model_name = ANY (CAST(:models AS text[]))
    AND alias_history.until IS NULL
    AND alias_history.outcome = 'moved'
ORDER BY alias_history.model_name, alias_history.alias
