"""Sentences that may be read in another language than English, marked where they are written.

They are kept, logged and shown to operators in English; mail puts them into its reader's language when it is written
(``mail/tongues.py``, docs/decisions/0027). What is marked has its place in the table of every language; a test sees to
it. Fields stand in them as ``{name}``, to be filled by ``str.format``, or, in what mail alone says, as ``%(name)s``.
"""


def phrase(english: str) -> str:
    """The same text: one that mail will say."""
    return english


def name_of_part(english: str) -> str:
    """The same text: a name of ours for a part of a mail. Others are names of files, which stay as they are."""
    return english
