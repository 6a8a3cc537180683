-- Indexes on the tables as they were loaded, one statement each.
-- Lines arrive in order of time, so a range of days is a narrow range of the first index and of the table.

CREATE INDEX transactions_by_time ON retail_loading.transactions (transaction_timestamp);
CREATE INDEX transactions_by_product ON retail_loading.transactions (product_id, transaction_timestamp);
CREATE INDEX transactions_by_household ON retail_loading.transactions (household_id, transaction_timestamp);
ALTER TABLE retail_loading.products ADD PRIMARY KEY (product_id);
ALTER TABLE retail_loading.demographics ADD PRIMARY KEY (household_id);
CREATE INDEX promotions_by_week ON retail_loading.promotions (week, product_id);
ANALYZE retail_loading.transactions, retail_loading.products, retail_loading.demographics, retail_loading.promotions;
