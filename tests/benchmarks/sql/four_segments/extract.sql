-- One row per store, product category and copy of the partition, with its segment.
\ir ../throughput/segmented.sql
