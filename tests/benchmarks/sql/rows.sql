-- One row per partition, store, product category and copy, none at first: the table that all ways read.
-- Its columns are the demand forecast's features.
CREATE TABLE bench.features (
    day date NOT NULL,
    store_id integer NOT NULL,
    product_category text NOT NULL,
    copy integer NOT NULL,
    weekday integer,
    units_1d_back double precision,
    units_7d_back double precision,
    units_14d_back double precision,
    units_28d_back double precision,
    mean_units_7d double precision,
    mean_units_14d double precision,
    mean_units_28d double precision,
    sale_days_7d integer,
    sale_days_14d integer,
    sale_days_28d integer,
    days_since_last_sale integer,
    discount_share_28d double precision,
    average_price_28d double precision
)
