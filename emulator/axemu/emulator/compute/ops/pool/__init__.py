"""`max_pool` and `avg_pool`."""
