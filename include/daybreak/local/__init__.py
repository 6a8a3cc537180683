"""The embedded default: PostgreSQL, a local Airflow and the demonstration data, with nothing to install."""
