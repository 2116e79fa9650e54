"""``faxbridge codes``: what the carrier's codes mean, one by one, all, or those in whose words something is found."""

import re
from dataclasses import replace
from typing import Annotated, Any

import typer

from bridge.cli.common import Json, UnreadConfig, fail, print_json, print_table, read_or_fail
from bridge.fax import outcomes
from bridge.fax.options import LANGUAGES, Language
from bridge.fax.outcomes import CodeRow, in_language
from bridge.mail import tongues
from bridge.runtime.phrases import phrase

WHAT_TO_DO = phrase("What to do:")
WHAT_WE_DO = phrase("What we do:")

_CODE = re.compile(r"-?[0-9]{1,9}", re.ASCII)


def codes(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODE|WORDS]", help="One code, or words to look for; without it, all of them"),
    ] = None,
    *,
    language: Annotated[str, typer.Option("--language", metavar="|".join(LANGUAGES), help="In which words")] = "en",
    as_json: Json = False,
    config: UnreadConfig = None,  # noqa: ARG001 - every command takes it
) -> None:
    """Explain result codes."""
    said = " ".join(wanted or ())
    code = int(said) if _CODE.fullmatch(said) else None
    known = read_or_fail(_language, language, "--language")
    rows = [replace(row, cause=in_language(row.cause, known)) for row in _rows(code)]
    if said and code is None:
        rows = [row for row in rows if _holds(row, said)]
        if not rows:
            fail(f"no code has {said!r} in its number, its text or its meaning")
    if as_json:
        print_json([_as_json(row, known) for row in rows])
    elif code is None:
        print_table(
            ["code", "class", "meaning", "iFax says"],
            [[str(row.code), row.cause.outcome_class, row.cause.title, row.text] for row in rows],
        )
    else:
        typer.echo("\n\n".join(_as_text(row, known) for row in rows))


def _rows(code: int | None) -> list[CodeRow]:
    """All of them, or those of a code, be it one that nobody knows."""
    if code is None:
        return list(outcomes.rows())
    return [row for row in outcomes.rows() if row.code == code] or [CodeRow(code, "", outcomes.look_up(code, None))]


def _holds(row: CodeRow, said: str) -> bool:
    """Whether each of the words stands somewhere in what is known of it."""
    cause = row.cause
    there = f"{row.code} {row.text} {cause.slug} {cause.outcome_class} {cause.title} {cause.explanation} {cause.advice}"
    return all(word in there.casefold() for word in said.casefold().split())


def _language(written: str) -> Language:
    for known in LANGUAGES:
        if written == known:
            return known
    raise ValueError(f"{written!r} is no language here; there are {', '.join(LANGUAGES)}")


def _as_text(row: CodeRow, language: Language) -> str:
    said, tongue = f"{row.code} {row.text}".rstrip(), tongues.of(language)
    return "\n".join(
        [
            row.cause.title,
            "",
            row.cause.explanation,
            f"{tongue.say(WHAT_TO_DO)} {row.cause.advice}",
            f"{tongue.say(WHAT_WE_DO)} {outcomes.what_we_do(row.cause, language)}",
            "",
            f"class {row.cause.outcome_class}, status {row.cause.status}, up to: {row.cause.who}; iFax says: {said}",
        ]
    )


def _as_json(row: CodeRow, language: Language) -> dict[str, Any]:
    cause = row.cause
    return {
        "code": row.code,
        "text": row.text,
        "cause": cause.slug,
        "class": cause.outcome_class,
        "title": cause.title,
        "explanation": cause.explanation,
        "advice": cause.advice,
        "we_do": outcomes.what_we_do(cause, language),
        "who": cause.who,
        "status": cause.status,
        "calls": cause.calls,
        "wait_seconds": int(cause.wait.total_seconds()),
    }
