-- One row per day, store and product category: real feature rows of the demand forecast, numbered from 1.
-- `place` numbers the rows of one store and category from 0.
CREATE TABLE bench.real_rows AS
SELECT
    features.*,
    row_number() OVER (ORDER BY day, store_id, product_category) AS number,
    row_number() OVER (PARTITION BY store_id, product_category ORDER BY day) - 1 AS place
FROM (
    \ir ../../../sql/demand_forecast/features.sql
) AS features
