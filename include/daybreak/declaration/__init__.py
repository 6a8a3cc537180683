"""Declaration: what a pipeline's author writes. Light to import, since Airflow reads it whenever it parses a DAG."""
