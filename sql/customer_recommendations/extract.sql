-- One row per household that bought anything in the 90 days before the partition's end, and product category candidate.
-- The segment is the one that was published when the run was planned: all rows come from that one publication, whatever
-- is published meanwhile. It is null for a household that is in none.
-- Ordered by entity key, so that the rows of a household follow each other.
SELECT
    features.*,
    segments.segment
FROM (
    \ir features.sql
) AS features
LEFT JOIN predictions.customer_segments_runs AS segments
    ON
        segments.run_id = :upstream_run_id
        AND segments.household_id = features.household_id
ORDER BY features.household_id, features.product_category
