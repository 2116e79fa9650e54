"""The instants at which a process may die, by name: what ``docs/durability.md`` promises of them is tried at each.

At all of them nothing happens, unless the daemon was started with ``BRIDGE_TESTS_CRASH_AT=POINT:N`` in its
environment: then it kills itself (SIGKILL) as it passes that point for the Nth time, or, with ``POINT:N:freeze``,
stands still there (SIGSTOP) until somebody lets it go on. Only the tests do so.
"""

import os
import re
import signal
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

VARIABLE: Final = "BRIDGE_TESTS_CRASH_AT"
"""No setting: it stands outside of ``FAXBRIDGE_``, where a variable that is no setting is an error."""

_WRITTEN = re.compile(r"([a-z_.]+):([1-9][0-9]{0,5})(:freeze)?")


class Point(StrEnum):
    """Every named instant, in the order in which a fax meets them."""

    # a blob that is a file
    BLOB_WRITTEN = "blob.written"
    BLOB_SYNCED = "blob.synced"
    BLOB_NAMED = "blob.named"
    # any transaction
    STORE_RUN = "store.run"
    STORE_COMMITTED = "store.committed"
    # mail comes in
    INTAKE_READING = "intake.reading"
    INTAKE_STORED = "intake.stored"
    INTAKE_COMMITTED = "intake.committed"
    INTAKE_ANSWERED = "intake.answered"
    # pages are made
    PREPARE_CLAIMED = "prepare.claimed"
    PREPARE_JOINED = "prepare.joined"
    PREPARE_RENDERED = "prepare.rendered"
    PREPARE_STORED = "prepare.stored"
    PREPARE_COMMITTED = "prepare.committed"
    # pages are mailed back, and not faxed
    PREVIEW_CLAIMED = "preview.claimed"
    PREVIEW_RENDERED = "preview.rendered"
    PREVIEW_COMMITTED = "preview.committed"
    # the call
    SUBMIT_CLAIMED = "submit.claimed"
    SUBMIT_INTENDED = "submit.intended"
    CALL_UNSENT = "call.unsent"
    CALL_BEGUN = "call.begun"
    CALL_SENT = "call.sent"
    SUBMIT_ANSWERED = "submit.answered"
    SUBMIT_COMMITTED = "submit.committed"
    SETTLE_FOUND = "settle.found"
    SETTLE_COMMITTED = "settle.committed"
    # evidence
    INQUIRE_CLAIMED = "inquire.claimed"
    INQUIRE_ANSWERED = "inquire.answered"
    INQUIRE_COMMITTED = "inquire.committed"
    # the final word
    TRACK_CLAIMED = "track.claimed"
    TRACK_ANSWERED = "track.answered"
    TRACK_COMMITTED = "track.committed"
    NOTICE_STORED = "notice.stored"
    NOTICE_COMMITTED = "notice.committed"
    # mail leaves
    POST_CLAIMED = "post.claimed"
    POST_TAKEN = "post.taken"
    POST_COMMITTED = "post.committed"
    # a fax comes in
    HOOK_READ = "hook.read"
    HOOK_COMMITTED = "hook.committed"
    POLL_READ = "poll.read"
    POLL_RECORDED = "poll.recorded"
    FETCH_CLAIMED = "fetch.claimed"
    FETCH_DOWNLOADED = "fetch.downloaded"
    FETCH_STORED = "fetch.stored"
    FETCH_COMMITTED = "fetch.committed"
    ROUTE_DRAFTED = "route.drafted"
    ROUTE_COMMITTED = "route.committed"
    REPLY_CLAIMED = "reply.claimed"
    REPLY_ACTED = "reply.acted"
    REPLY_TOLD = "reply.told"
    BOUNCE_CLAIMED = "bounce.claimed"
    BOUNCE_COMMITTED = "bounce.committed"
    # what an operator asks for
    COMMAND_CLAIMED = "command.claimed"
    COMMAND_COMMITTED = "command.committed"
    ORDER_CLAIMED = "order.claimed"
    ORDER_COMMITTED = "order.committed"
    # what a dead process had in hand
    TRIAL_BEGUN = "trial.begun"
    TRIAL_WORKED = "trial.worked"
    # start
    START_MIGRATED = "start.migrated"
    START_FREED = "start.freed"


class _Fuse:
    """Which point this process is to die at, and at which passing from now; none, as in every process of a user's."""

    point: Point | None = None
    passings = 0
    signal = signal.SIGKILL


_fuse = _Fuse()


def arm(environment: Mapping[str, str]) -> None:
    """What the environment asks for: nothing, unless it names a point of ours and a passing."""
    written = _WRITTEN.fullmatch(environment.get(VARIABLE, ""))
    known = written is not None and written[1] in set(Point)
    _fuse.point = Point(written[1]) if written is not None and known else None
    _fuse.passings = int(written[2]) if written is not None and known else 0
    _fuse.signal = signal.SIGSTOP if written is not None and written[3] else signal.SIGKILL


def crash_point(point: Point) -> None:
    """Nothing; or, in a process that a test started to die here, its end, or a stop."""
    if point is _fuse.point:
        _fuse.passings -= 1
        if _fuse.passings == 0:
            os.kill(os.getpid(), _fuse.signal)
