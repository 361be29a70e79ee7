"""What happened to each operator, and what it costs."""
