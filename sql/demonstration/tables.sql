-- The retailer's own tables, as a source system would hold them: nothing is cleaned here.
-- Loaded into schema retail_loading; what is complete is handed over to schema retail in one transaction.

CREATE SCHEMA retail_loading;

-- One row per product on a basket's receipt. The source has no key: identical lines are separate purchases.
CREATE TABLE retail_loading.transactions (
    household_id integer NOT NULL,
    store_id integer NOT NULL,
    basket_id bigint NOT NULL,
    product_id integer NOT NULL,
    quantity bigint NOT NULL,
    sales_value double precision NOT NULL,
    retail_disc double precision NOT NULL,
    coupon_disc double precision NOT NULL,
    coupon_match_disc double precision NOT NULL,
    week smallint NOT NULL,
    transaction_timestamp timestamp NOT NULL
);
COMMENT ON TABLE retail_loading.transactions IS 'One row per product on a receipt.';
COMMENT ON COLUMN retail_loading.transactions.household_id IS 'The household that bought.';
COMMENT ON COLUMN retail_loading.transactions.store_id IS 'The store it was bought in.';
COMMENT ON COLUMN retail_loading.transactions.basket_id IS 'The receipt.';
COMMENT ON COLUMN retail_loading.transactions.product_id IS 'The product; 17 products sold are missing from products.';
COMMENT ON COLUMN retail_loading.transactions.quantity IS
    'Units, 0 on some lines. Fuel (product type GASOLINE-REG UNLEADED) is counted by volume, not in units.';
COMMENT ON COLUMN retail_loading.transactions.sales_value IS 'Dollars the retailer received for the line.';
COMMENT ON COLUMN retail_loading.transactions.retail_disc IS 'Dollars of loyalty-card discount on the line.';
COMMENT ON COLUMN retail_loading.transactions.coupon_disc IS 'Dollars of manufacturer''s coupon on the line.';
COMMENT ON COLUMN retail_loading.transactions.coupon_match_disc IS 'Dollars of coupon matched by the retailer.';
COMMENT ON COLUMN retail_loading.transactions.week IS 'Week of the data, 1 to 53.';
COMMENT ON COLUMN retail_loading.transactions.transaction_timestamp IS
    'When it was bought: UTC, without a zone. The stores live in America/New_York, often on another calendar day.';

-- One row per product.
CREATE TABLE retail_loading.products (
    product_id integer NOT NULL,
    manufacturer_id integer NOT NULL,
    department text NOT NULL,
    brand text NOT NULL,
    product_category text,
    product_type text,
    package_size text
);
COMMENT ON TABLE retail_loading.products IS 'One row per product.';
COMMENT ON COLUMN retail_loading.products.product_id IS 'The product.';
COMMENT ON COLUMN retail_loading.products.manufacturer_id IS 'Who makes it.';
COMMENT ON COLUMN retail_loading.products.department IS 'Department, the coarsest grouping.';
COMMENT ON COLUMN retail_loading.products.brand IS 'National or Private.';
COMMENT ON COLUMN retail_loading.products.product_category IS 'Category, the grain of the demand forecast; 540 have none.';
COMMENT ON COLUMN retail_loading.products.product_type IS 'Type, the finest grouping.';
COMMENT ON COLUMN retail_loading.products.package_size IS 'Size as printed, free text.';

-- One row per household that told about itself (801 of 2,469).
CREATE TABLE retail_loading.demographics (
    household_id integer NOT NULL,
    age text,
    income text,
    home_ownership text,
    marital_status text,
    household_size text,
    household_comp text,
    kids_count text
);
COMMENT ON TABLE retail_loading.demographics IS 'One row per household that told about itself.';
COMMENT ON COLUMN retail_loading.demographics.household_id IS 'The household.';
COMMENT ON COLUMN retail_loading.demographics.age IS 'Age band.';
COMMENT ON COLUMN retail_loading.demographics.income IS 'Income band in dollars a year.';
COMMENT ON COLUMN retail_loading.demographics.home_ownership IS 'Homeowner, renter or unknown.';
COMMENT ON COLUMN retail_loading.demographics.marital_status IS 'Married, unmarried or unknown.';
COMMENT ON COLUMN retail_loading.demographics.household_size IS 'People in the household; 5 means five or more.';
COMMENT ON COLUMN retail_loading.demographics.household_comp IS 'Who lives there.';
COMMENT ON COLUMN retail_loading.demographics.kids_count IS 'Children in the household; 3 means three or more.';

-- One row per product, store and week on display or in a mailer. Empty unless promotions are asked for (20.9 million).
CREATE TABLE retail_loading.promotions (
    product_id integer NOT NULL,
    store_id integer NOT NULL,
    display_location text NOT NULL,
    mailer_location text NOT NULL,
    week smallint NOT NULL
);
COMMENT ON TABLE retail_loading.promotions IS 'One row per product, store and week on promotion; empty unless asked for.';
COMMENT ON COLUMN retail_loading.promotions.product_id IS 'The product.';
COMMENT ON COLUMN retail_loading.promotions.store_id IS 'The store.';
COMMENT ON COLUMN retail_loading.promotions.display_location IS 'Code of the place in the store, 0 for none.';
COMMENT ON COLUMN retail_loading.promotions.mailer_location IS 'Code of the place in the mailer, 0 for none.';
COMMENT ON COLUMN retail_loading.promotions.week IS 'Week of the data, 1 to 53.';
