"""What the service tells, and what it can be told."""
