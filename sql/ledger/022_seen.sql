-- What the pages and `daybreak status` show: who asked for a change, what training measured, and what is open.

ALTER TABLE ledger.runs ADD COLUMN asked_by text;
COMMENT ON COLUMN ledger.runs.asked_by IS 'Who asked for the run on a page or in Airflow''s UI; empty where nobody did.';
ALTER TABLE ledger.publications ADD COLUMN asked_by text;
COMMENT ON COLUMN ledger.publications.asked_by IS 'Who asked for it to be current on a page; empty where a run or a command made it.';
ALTER TABLE ledger.trusted_versions ADD COLUMN metrics jsonb;
COMMENT ON COLUMN ledger.trusted_versions.metrics IS
    'What was measured on the held-out days of its training, by metric; empty of versions from before this was kept.';

-- A look asks for what is open, and for the newest of all rows, over and over.
CREATE INDEX deliveries_open ON ledger.deliveries (pipeline, partition_date) WHERE state = 'open';
CREATE INDEX performance_of_all_rows ON ledger.performance (pipeline, metric, partition_key) WHERE segment_by = '';
