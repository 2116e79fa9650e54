"""Scripts: what the carrier shall do at the next calls and webhooks, in this order, before it behaves again."""

from collections.abc import Collection
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bridge.sandbox.actions import Action, On
from bridge.sandbox.numbers import is_e164
from bridge.sandbox.shapes import Json


class Step(BaseModel):
    """One line of a script: where, for which number (the fax's caller or callee; none: any), how often, what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: On
    number: str | None = None
    times: Annotated[int, Field(ge=1)] = 1
    do: Action

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if strange := self.do.strange_on(self.on):
            raise ValueError(strange)
        if self.number is not None and self.on == "fax-list-all":
            raise ValueError("fax-list-all is for no number")
        if self.number is not None and not is_e164(self.number):
            raise ValueError(f"{self.number!r} is not an E.164 number")
        return self


class Script(BaseModel):
    """What is posted to ``/sandbox/plan``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...] = ()
    page_size: Annotated[int, Field(ge=1, le=1000)] | None = None


class Plan:
    """The steps that are left."""

    def __init__(self) -> None:
        self._left: list[tuple[Step, int]] = []
        self.page_size = 10

    def add(self, script: Script) -> None:
        """Put these steps after those that are left."""
        self._left += [(step, step.times) for step in script.steps]
        self.page_size = script.page_size or self.page_size

    def clear(self) -> None:
        self._left = []
        self.page_size = 10

    def peek(self, on: On, numbers: Collection[str | None]) -> Action | None:
        """What would be done there."""
        at = self._find(on, numbers)
        return None if at is None else self._left[at][0].do

    def take(self, on: On, numbers: Collection[str | None]) -> Action | None:
        """What is to be done there, which uses the step up by one."""
        at = self._find(on, numbers)
        if at is None:
            return None
        step, left = self._left[at]
        self._left[at : at + 1] = [(step, left - 1)] if left > 1 else []
        return step.do

    def seen(self) -> Json:
        """What is left."""
        steps = [
            {**step.model_dump(mode="json", by_alias=True, exclude_unset=True), "times": left}
            for step, left in self._left
        ]
        return {"steps": steps, "page_size": self.page_size}

    def _find(self, on: On, numbers: Collection[str | None]) -> int | None:
        for at, (step, _) in enumerate(self._left):
            if step.on == on and (step.number is None or step.number in numbers):
                return at
        return None


def complaint(error: ValidationError) -> str:
    """What is wrong with a posted document, in a line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in flaw['loc']) or 'document'}: {flaw['msg'].removeprefix('Value error, ')}"
        for flaw in error.errors()
    )
