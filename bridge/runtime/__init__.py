"""What every room may lean on: clock, ids, text from strangers, the worker loop, the vocabulary of log events."""
