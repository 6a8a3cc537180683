-- One row per run and parcel: the class that each run gave it, and what of it is current.

CREATE TABLE IF NOT EXISTS predictions.parcel_classes_runs (
    run_id bigint NOT NULL,
    depot text NOT NULL,
    parcel_id integer NOT NULL,
    parcel_class text NOT NULL,
    PRIMARY KEY (run_id, depot, parcel_id)
);

-- One row per partition and parcel: the current publications.
CREATE OR REPLACE VIEW predictions.parcel_classes AS
SELECT publications.partition_date, predicted.*
FROM ledger.publications
INNER JOIN predictions.parcel_classes_runs AS predicted USING (run_id)
WHERE publications.pipeline = 'parcel_classes' AND publications.withdrawn_at IS NULL;
