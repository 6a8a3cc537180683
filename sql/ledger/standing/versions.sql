-- One row per version of the models, the newest first.
SELECT
    trusted_versions.model_name,
    trusted_versions.version,
    trusted_versions.trained_through,
    trusted_versions.metrics,
    trusted_versions.how,
    trusted_versions.recorded_at
FROM ledger.trusted_versions
WHERE trusted_versions.model_name = ANY (CAST(:models AS text[]))
ORDER BY trusted_versions.model_name, trusted_versions.version DESC
LIMIT 60
