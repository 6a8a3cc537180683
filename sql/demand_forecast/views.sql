-- One row per partition, store and product category: what is published, and the day that it is for.
SELECT
    partition_date,
    partition_date + 1 AS forecast_date,
    store_id,
    product_category,
    predicted_units,
    model_version,
    leakage_allowed,
    published_at,
    run_id
FROM published
