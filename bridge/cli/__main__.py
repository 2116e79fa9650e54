"""``python -m bridge.cli``: the same as ``faxbridge``."""

from bridge.cli import main

main()
