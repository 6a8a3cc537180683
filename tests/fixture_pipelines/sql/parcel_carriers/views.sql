-- One row per run, parcel and carrier among the parcel's two best, and what of it is current.

CREATE TABLE IF NOT EXISTS predictions.parcel_carriers_runs (
    run_id bigint NOT NULL,
    depot text NOT NULL,
    parcel_id integer NOT NULL,
    carrier integer NOT NULL,
    parcel_class text,
    rank integer NOT NULL,
    likelihood double precision NOT NULL,
    PRIMARY KEY (run_id, depot, parcel_id, carrier)
);

-- One row per partition, parcel and carrier: the current publications.
CREATE OR REPLACE VIEW predictions.parcel_carriers AS
SELECT publications.partition_date, predicted.*
FROM ledger.publications
INNER JOIN predictions.parcel_carriers_runs AS predicted USING (run_id)
WHERE publications.pipeline = 'parcel_carriers' AND publications.withdrawn_at IS NULL;
