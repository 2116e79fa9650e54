"""What the carrier can be told to do instead of what is right: one vocabulary, for scripts and the table of numbers.

On any call:

    {"delay": 3}                            the answer comes three seconds late; the work is done at once
    {"refuse": {"code": -22}}               a refusal; with "message", else the page's text; "flat": code beside it
    {"http": 500, "body": "..."}            this HTTP status
    {"429": 5}                              too many requests, Retry-After: 5
    {"nonsense": "html"}                    200 with "html", "cut-json", "empty" or "array"
    {"drop": "before"}, {"drop": "after"}   the connection is gone before or after the work was done
    {"hang": "before"}, {"hang": "after"}   no answer ever
    {"shape": ["job-id-text"]}              the right answer in an odd shape (``shapes.py``)

On fax-send "taken" may stand beside refuse, http, 429 and nonsense. On fax-download:

    {"data": "empty"}                       or "data-uri", "raw-pdf", "gone", "garbage"

On hook (the webhook of one fax; "delay" and "shape" too):

    {"withhold": true}                      never sent
    {"repeat": 2}                           sent twice in all
    {"reorder": true}                       held until the next webhook was sent; for ever if none is
    {"form": "multipart"}                   or "json"
    {"early": true}                         the fax ends, and is told of, before fax-send answers

On end (the call to the fax machine, when it is over):

    {"fail": {"code": 263}}                 it fails with this code of the page; with "went": "all" or "all but one",
                                            so many of its pages went over, else none
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.sandbox.codes import code_rows
from bridge.sandbox.options import HookForm
from bridge.sandbox.shapes import Shape

On = Literal["fax-send", "fax-status", "fax-download", "fax-list-all", "hook", "end"]
When = Literal["before", "after"]
Nonsense = Literal["html", "cut-json", "empty", "array"]
Data = Literal["empty", "data-uri", "raw-pdf", "gone", "garbage"]
Transferred = Literal["all", "all but one", "none"]

Seconds = Annotated[float, Field(ge=0, le=86_400)]

_FROZEN = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

# Of these an action can have one only: each is a whole answer (or webhook) of its own.
_INSTEAD = ("refuse", "http", "too_many", "nonsense", "drop", "hang", "data", "withhold")

_ANSWERS = frozenset({"delay", "refuse", "http", "body", "too_many", "nonsense", "drop", "hang", "taken", "shape"})
_ALLOWED: Mapping[On, frozenset[str]] = {
    "fax-send": _ANSWERS,
    "fax-status": _ANSWERS - {"taken"},
    "fax-download": (_ANSWERS - {"taken"}) | {"data"},
    "fax-list-all": _ANSWERS - {"taken"},
    "hook": frozenset({"delay", "withhold", "repeat", "reorder", "form", "early", "shape"}),
    "end": frozenset({"fail"}),
}


class Refuse(BaseModel):
    """A refusal; without ``message`` the page's text for the code, ``flat`` puts the code beside the message."""

    model_config = _FROZEN

    code: int
    message: str | None = None
    flat: bool = False


class Fail(BaseModel):
    """How a call to a fax machine fails: the page's code, and how much of the fax went over."""

    model_config = _FROZEN

    code: int
    went: Transferred = "none"

    @model_validator(mode="after")
    def _is_on_the_page(self) -> Self:
        if all(row.code != self.code for row in code_rows()):
            raise ValueError(f"the page has no code {self.code}")
        return self


class Action(BaseModel):
    """One thing to do; ``delay``, ``shape`` and ``taken`` go with others.

    An answer's ``delay`` makes the answer late, the work is done at once. ``taken`` says whether ``http``, ``429``,
    ``refuse`` and ``nonsense`` come after the fax was taken: else nonsense does, the others don't.
    """

    model_config = _FROZEN

    delay: Seconds = 0
    refuse: Refuse | None = None
    http: Annotated[int | None, Field(ge=200, le=599)] = None
    body: str = ""
    too_many: Annotated[float | None, Field(ge=0, alias="429")] = None
    nonsense: Nonsense | None = None
    drop: When | None = None
    hang: When | None = None
    taken: bool | None = None
    shape: tuple[Shape, ...] = ()
    data: Data | None = None
    withhold: bool = False
    repeat: Annotated[int, Field(ge=1, le=100)] = 1
    reorder: bool = False
    form: HookForm | None = None
    early: bool = False
    fail: Fail | None = None

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to do")
        given = [_spoken(name) for name in _INSTEAD if name in self.model_fields_set]
        if len(given) > 1:
            raise ValueError(f"can't do at once: {', '.join(given)}")
        return self

    @property
    def works(self) -> bool:
        """Whether what was asked for is done at all, whatever is answered."""
        if self.drop or self.hang:
            return "after" in {self.drop, self.hang}
        if self.taken is not None:
            return self.taken
        return self.refuse is None and self.http is None and self.too_many is None

    def strange_on(self, on: On) -> str:
        """What of this action makes no sense there, in words; empty when all does."""
        strange = sorted(_spoken(name) for name in self.model_fields_set - _ALLOWED[on])
        if not strange:
            return ""
        allowed = ", ".join(sorted(_spoken(name) for name in _ALLOWED[on]))
        return f"{', '.join(strange)} can't be done on {on}; there is: {allowed}"


def _spoken(name: str) -> str:
    return "429" if name == "too_many" else name


assert set(get_args(On)) == set(_ALLOWED)
