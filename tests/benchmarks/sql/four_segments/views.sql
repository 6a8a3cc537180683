-- One row per run, store, product category and copy: what each run predicted.

CREATE TABLE IF NOT EXISTS predictions.four_segments_runs (
    run_id bigint NOT NULL,
    store_id integer NOT NULL,
    product_category text NOT NULL,
    copy integer NOT NULL,
    segment text NOT NULL,
    predicted_units double precision NOT NULL,
    PRIMARY KEY (run_id, store_id, product_category, copy)
);
COMMENT ON TABLE predictions.four_segments_runs IS 'Predictions of every run of the benchmark.';
