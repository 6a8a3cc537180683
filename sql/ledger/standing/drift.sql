-- One row per column, segment and partition that was held against its training, the newest partitions first.
SELECT drift.partition_key, drift.segment, drift.column_name, drift.divergence, drift.threshold, drift.drifted
FROM ledger.drift
WHERE drift.pipeline = :pipeline AND drift.partition_key >= :first
ORDER BY drift.partition_key DESC, drift.column_name, drift.segment, drift.run_id
LIMIT 3000
