-- One row per row of a run in quarantine, the first few: how many there are is in the ledger's counts.
SELECT quarantine.row_number, quarantine.stage, quarantine.entity_key, quarantine.reasons, quarantine.payload
FROM ledger.quarantine
WHERE quarantine.run_id = :run
ORDER BY quarantine.row_number
LIMIT 8
