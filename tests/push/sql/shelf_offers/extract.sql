-- One row per product on the shelves on the partition's day, in the order of its entity key.
SELECT product_id, department, units, price, discount_share_28d, mean_stores_28d
FROM shelves.daily
WHERE day = :first_day
ORDER BY product_id
