-- One row per stage and reason of the first rows of a run in quarantine, the most frequent first, with two of its rows.
-- What differs from row to row is left out of a reason, so that rows of one kind stand together and no value is told.
WITH looked_at AS (
    SELECT quarantine.row_number, quarantine.stage, quarantine.reasons
    FROM ledger.quarantine
    WHERE quarantine.run_id = :run
    ORDER BY quarantine.row_number
    LIMIT :sample
),

told AS (
    SELECT DISTINCT
        looked_at.row_number,
        looked_at.stage,
        regexp_replace(
            regexp_replace(reasons.reason, 'no model for segment ''.*''$', 'no model for its segment'),
            '[0-9,]+ (bytes|characters), ', 'too many \1, '
        ) AS reason
    FROM looked_at CROSS JOIN unnest(looked_at.reasons) AS reasons (reason)
)

SELECT
    told.stage,
    told.reason,
    count(*) AS rows,
    (SELECT count(*) FROM looked_at) AS looked_at,
    (array_agg(told.row_number ORDER BY told.row_number))[1:2] AS examples
FROM told
GROUP BY told.stage, told.reason
ORDER BY count(*) DESC, told.stage, told.reason
LIMIT 20
