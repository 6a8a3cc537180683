"""Airflow is imported with a home of its own."""

from airflow_home import prepare_airflow

prepare_airflow()
