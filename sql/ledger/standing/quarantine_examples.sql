-- One row per row of a run in quarantine that is asked for by its number.
SELECT quarantine.row_number, quarantine.stage, quarantine.entity_key, quarantine.reasons, quarantine.payload
FROM ledger.quarantine
WHERE quarantine.run_id = :run AND quarantine.row_number = ANY (CAST(:rows AS bigint[]))
ORDER BY quarantine.row_number
