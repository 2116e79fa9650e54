"""``faxbridge codes``: what the carrier's codes mean."""

import re
from typing import Annotated, Any

import typer

from bridge.cli.common import Json, UnreadConfig, print_json, print_table, read_or_fail
from bridge.fax import outcomes
from bridge.fax.outcomes import CodeRow

_CODE = re.compile(r"-?[0-9]{1,9}", re.ASCII)


def codes(
    wanted: Annotated[str | None, typer.Argument(metavar="[CODE]", help="One code; without it, all of them")] = None,
    *,
    as_json: Json = False,
    config: UnreadConfig = None,  # noqa: ARG001 - every command takes it
) -> None:
    """Explain result codes."""
    code: int | None = None if wanted is None else read_or_fail(_code, wanted, "CODE")
    rows = [row for row in outcomes.rows() if code is None or row.code == code]
    if not rows and code is not None:
        rows = [CodeRow(code, "", outcomes.look_up(code, None))]
    if as_json:
        print_json([_as_json(row) for row in rows])
    elif code is None:
        print_table(
            ["code", "class", "meaning", "iFax says"],
            [[str(row.code), row.cause.outcome_class, row.cause.title, row.text] for row in rows],
        )
    else:
        typer.echo("\n\n".join(_as_text(row) for row in rows))


def _code(written: str) -> int:
    if not _CODE.fullmatch(written):
        raise ValueError(f"{written!r} is not a code; write 3931 or -3")
    return int(written)


def _as_text(row: CodeRow) -> str:
    said = f"{row.code} {row.text}".rstrip()
    return "\n".join(
        [
            row.cause.title,
            "",
            row.cause.explanation,
            f"What to do: {row.cause.advice}",
            "",
            f"class {row.cause.outcome_class}, status {row.cause.status}, up to: {row.cause.who}; iFax says: {said}",
        ]
    )


def _as_json(row: CodeRow) -> dict[str, Any]:
    cause = row.cause
    return {
        "code": row.code,
        "text": row.text,
        "cause": cause.slug,
        "class": cause.outcome_class,
        "title": cause.title,
        "explanation": cause.explanation,
        "advice": cause.advice,
        "who": cause.who,
        "status": cause.status,
    }
