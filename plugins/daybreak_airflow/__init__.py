"""The adapter between the engine and Airflow: schedules, assets, tasks. Nothing else imports airflow."""
