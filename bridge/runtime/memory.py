"""How the process keeps its memory: what start-up made is never looked through again by the garbage collector."""

import gc

YOUNG_OBJECTS = 20_000
"""New objects between two looks at the youngest; Python's own 700 is reached with every mail."""


def settle() -> None:
    """Called once, when everything is built and before work begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
