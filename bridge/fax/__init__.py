"""The subject matter, pure: numbers, addresses, jobs and their state table, outcomes, policy, routes."""
