-- Any cadence: a partition is told by its key, since a day may have many. Keys of a pipeline sort as its partitions do.

-- Until here every partition was a day, and the key that day.
ALTER TABLE ledger.publications ADD COLUMN partition_key text;
UPDATE ledger.publications SET partition_key = to_char(partition_date, 'YYYY-MM-DD');
ALTER TABLE ledger.publications ALTER COLUMN partition_key SET NOT NULL;
DROP INDEX ledger.one_current_publication;
CREATE UNIQUE INDEX one_current_publication ON ledger.publications (pipeline, partition_key) WHERE withdrawn_at IS NULL;
COMMENT ON TABLE ledger.publications IS 'One row per time that a run was made the current one of its partition.';
COMMENT ON COLUMN ledger.publications.partition_key IS 'The partition; of a day YYYY-MM-DD.';
COMMENT ON COLUMN ledger.publications.partition_date IS 'The local day that the partition begins in.';

ALTER TABLE ledger.performance ADD COLUMN partition_key text;
UPDATE ledger.performance SET partition_key = to_char(partition_date, 'YYYY-MM-DD');
ALTER TABLE ledger.performance ALTER COLUMN partition_key SET NOT NULL;
DROP INDEX ledger.performance_by_partition;
CREATE INDEX performance_by_partition ON ledger.performance (pipeline, partition_key);
COMMENT ON COLUMN ledger.performance.partition_key IS 'The partition; of a day YYYY-MM-DD.';
COMMENT ON COLUMN ledger.performance.partition_date IS 'The local day that the partition begins in.';

ALTER TABLE ledger.drift ADD COLUMN partition_key text;
UPDATE ledger.drift SET partition_key = to_char(partition_date, 'YYYY-MM-DD');
ALTER TABLE ledger.drift ALTER COLUMN partition_key SET NOT NULL;
DROP INDEX ledger.drift_by_partition;
CREATE INDEX drift_by_partition ON ledger.drift (pipeline, partition_key);
COMMENT ON COLUMN ledger.drift.partition_key IS 'The partition; of a day YYYY-MM-DD.';
COMMENT ON COLUMN ledger.drift.partition_date IS 'The local day that the partition begins in.';

ALTER TABLE ledger.retraining_requests ADD COLUMN partition_key text;
UPDATE ledger.retraining_requests SET partition_key = to_char(partition_date, 'YYYY-MM-DD');
ALTER TABLE ledger.retraining_requests
    ALTER COLUMN partition_key SET NOT NULL,
    DROP CONSTRAINT one_request_per_partition_and_version,
    ADD CONSTRAINT one_request_per_partition_and_version
        UNIQUE NULLS NOT DISTINCT (pipeline, partition_key, model_version);
COMMENT ON COLUMN ledger.retraining_requests.partition_key IS 'The partition that was watched; of a day YYYY-MM-DD.';
COMMENT ON COLUMN ledger.retraining_requests.partition_date IS 'The local day that the partition begins in.';

COMMENT ON COLUMN ledger.runs.partition_key IS 'The partition as it was asked for; of a day YYYY-MM-DD.';
COMMENT ON COLUMN ledger.runs.partition_date IS 'The local day that the partition begins in; empty where the key was refused.';
COMMENT ON COLUMN ledger.runs.window_start IS 'First instant of the partition.';
COMMENT ON COLUMN ledger.runs.window_end IS 'First instant after the partition.';

-- What the source lacked of the history that the query looks back on, where it lists the days that it has.
ALTER TABLE ledger.runs ADD COLUMN missing_days date[], ADD COLUMN waiting jsonb, ADD COLUMN source_state jsonb;
COMMENT ON COLUMN ledger.runs.missing_days IS
    'Days of the query''s history that the source does not have, and was to have; empty where coverage.sql lists no days.';
COMMENT ON COLUMN ledger.runs.waiting IS
    'While it waits for the source: what for, since when and until when. Empty when it goes on.';
COMMENT ON COLUMN ledger.runs.source_state IS
    'What changed.sql said of the source before the rows were read; empty where the pipeline has none.';
