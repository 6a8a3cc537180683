-- One row per partition, store, product category and copy: the real rows again and again until there are :rows.
-- `copy` is the place of the real row among those of its store and category, plus a fixed step for each round.
INSERT INTO bench.features
SELECT
    :partition::date,
    real_rows.store_id,
    real_rows.product_category,
    (real_rows.place + rounds.round * :places)::integer AS copy,
    real_rows.weekday,
    real_rows.units_1d_back,
    real_rows.units_7d_back,
    real_rows.units_14d_back,
    real_rows.units_28d_back,
    real_rows.mean_units_7d,
    real_rows.mean_units_14d,
    real_rows.mean_units_28d,
    real_rows.sale_days_7d,
    real_rows.sale_days_14d,
    real_rows.sale_days_28d,
    real_rows.days_since_last_sale,
    real_rows.discount_share_28d,
    real_rows.average_price_28d
FROM bench.real_rows
INNER JOIN generate_series(0, (:rows - 1) / :real) AS rounds (round)
    ON real_rows.number + rounds.round * :real <= :rows
ORDER BY real_rows.store_id, real_rows.product_category, copy
