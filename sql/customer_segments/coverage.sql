-- One row: the first and last local day that the source holds sales of; all pipelines read the same sales.
\ir ../demand_forecast/coverage.sql
