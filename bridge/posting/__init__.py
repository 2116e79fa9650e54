"""Mail leaves: the outbox's courier hands each mail to the relay, at least once, the same bytes each time."""
