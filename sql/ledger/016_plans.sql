-- One row of ledger.runs keeps the digest of its plan: what tasks hand each other is compared with it.

ALTER TABLE ledger.runs ADD COLUMN plan_digest text;
COMMENT ON COLUMN ledger.runs.plan_digest IS
    'SHA-256 of the plan; empty where the run was refused before it had one, or is older than this column.';
