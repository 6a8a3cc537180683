# Never seen to pass whole; it is run by name: `pytest tests/end_to_end/test_daily_promotions.py`.
collect_ignore = ["test_daily_promotions.py"]
