"""Faxbridge: a daemon between mail and the fax network."""
