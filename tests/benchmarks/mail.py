"""The envelope of every mail of the benchmark."""

SENDER = "a@example.org"
RECIPIENT = "+14155550123@fax.local"
