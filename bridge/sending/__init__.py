"""A fax goes out: prepare, submit, track, report. Each step is one transaction that moves one row."""
