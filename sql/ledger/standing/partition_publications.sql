-- One row per time that a run of a partition was made the current one, the newest first.
SELECT
    publications.run_id,
    publications.reason,
    publications.asked_by,
    publications.published_at,
    publications.withdrawn_at
FROM ledger.publications
WHERE publications.pipeline = :pipeline AND publications.partition_key = :key
ORDER BY publications.publication_id DESC
LIMIT 50
