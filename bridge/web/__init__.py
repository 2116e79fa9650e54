"""The HTTP servers: the public one for the carrier's hooks, the operator's for health and metrics."""
