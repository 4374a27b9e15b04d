"""The line: its truth in the database, turns, estimates, admission; and the dispatchers that hand it to workers."""
