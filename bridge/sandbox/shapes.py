"""The odd shapes in which the same facts have been seen, or must be feared, on this wire."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]

Shape = Literal[
    "job-id-text",
    "no-job-id",
    "status-text",
    "capitals",
    "no-plus",
    "bare",
    "no-transaction-id",
    "direction-sent",
    "wrapped",
    "counts-text",
]


def reshape(message: Json, shapes: Iterable[Shape]) -> Json:
    """``message`` as an answer or a webhook would carry it, with these oddities; the original stays as it is.

    The facts of a fax lie under ``data`` in an answer and at the top of a webhook; each oddity works on both.
    """
    for shape in shapes:
        message = _SHAPES[shape](message)
    return message


def _on_facts(change: Callable[[Json], Json]) -> Callable[[Json], Json]:
    def changed(message: Json) -> Json:
        data = message.get("data")
        return {**message, "data": change(data)} if isinstance(data, dict) else change(message)

    return changed


def _without(*names: str) -> Callable[[Json], Json]:
    return _on_facts(lambda facts: {name: value for name, value in facts.items() if name not in names})


def _with(**changes: Callable[[Any], Any]) -> Callable[[Json], Json]:
    return _on_facts(
        lambda facts: {name: changes[name](value) if name in changes else value for name, value in facts.items()}
    )


def _strip_plus(number: Any) -> Any:
    return number.removeprefix("+") if isinstance(number, str) else number


def _counts_as_text(facts: Json) -> Json:
    return {name: str(value) if type(value) is int else value for name, value in facts.items()}


_SHAPES: Mapping[Shape, Callable[[Json], Json]] = {
    "job-id-text": _with(jobId=str),
    "no-job-id": _without("jobId"),
    "status-text": lambda message: {**message, "status": str(message["status"])} if "status" in message else message,
    "capitals": _with(faxStatus=str.capitalize),
    "no-plus": _with(fromNumber=_strip_plus, toNumber=_strip_plus),
    "bare": _without("code", "message"),
    "no-transaction-id": _without("transactionId"),
    "direction-sent": _with(direction=lambda _: "sent"),
    "wrapped": lambda message: {"data": message},
    "counts-text": _on_facts(_counts_as_text),
}
