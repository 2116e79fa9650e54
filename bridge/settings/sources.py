"""Where values come from, strongest first: environment, credentials, file. Each remembers the origin of every value.

pydantic-settings' own sources ignore unknown sections and variables, can't split commas and find no credential of a
nested section; these do what the contract says, each with a test.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, SecretStr

ENV_PREFIX = "FAXBRIDGE_"
CONFIG_VARIABLE = "FAXBRIDGE_CONFIG"

Path_ = tuple[str | int, ...]
"""A key's path: ``("ifax", "quality")``, ``("receiving", "routes", 0, "number")``."""

_NAME = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*"
_TABLE = re.compile(rf"\s*\[{_DOTTED}\]\s*(?:#.*)?")
_TABLES = re.compile(rf"\s*\[\[{_DOTTED}\]\]\s*(?:#.*)?")
_KEY = re.compile(rf"{_DOTTED}=")


class SourceError(Exception):
    """A source that cannot be read at all; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Values as a nested mapping, and for each path where it was written."""

    values: dict[str, Any]
    origins: dict[Path_, str] = field(default_factory=dict)
    lost: list[tuple[Path_, str]] = field(default_factory=list)
    """What was written and could not be put among the values, with the reason."""


def from_file(path: Path, *, may_be_missing: bool = False) -> Source:
    """The TOML file; origins are ``FILE:LINE``. A file that may be missing and is counts as empty."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except FileNotFoundError as error:
        if may_be_missing:
            return Source({})
        raise SourceError(f"{path}: {error.strerror}") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # also of a number too long to be one, and of bytes that are no text
        raise SourceError(f"{path}: not TOML: {error}") from error
    except RecursionError as error:
        raise SourceError(f"{path}: not TOML: nested too deep") from error
    lines = {key: f"{path}:{line}" for key, line in _lines(text).items()}
    # keys of an inline table have no line of their own, and those named with a dot only a part of one
    keys = ((section, key) for section, inside in values.items() if isinstance(inside, dict) for key in inside)
    return Source(values, {key: place(key, lines) or str(path) for key in keys} | lines)


def from_environment(environment: Mapping[str, str], sections: Mapping[str, type[BaseModel]]) -> Source:
    """``FAXBRIDGE_SECTION__KEY``, and a list of tables that is no section's whole, as JSON.

    Unknown names pass on, to be refused with the rest.
    """
    source = Source({})
    for name, written in sorted(environment.items()):
        if not name.startswith(ENV_PREFIX) or name == CONFIG_VARIABLE:
            continue
        keys = tuple(name.removeprefix(ENV_PREFIX).lower().split("__"))
        section = sections.get(keys[0])
        if len(keys) == 1:
            value = _from_json(written)
        else:
            for key in keys[1:-1]:
                section = _table_named(section, key)
            value = _typed(written, section, keys[-1]) if section else written
        _put(source, keys, value, f"environment {name}")
    return source


def from_credentials(folder: Path, sections: Mapping[str, type[BaseModel]]) -> Source:
    """Files ``SECTION_KEY`` of systemd's credentials folder. Names of other sections belong to others."""
    source = Source({})
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise SourceError(f"{folder}: {error.strerror}") from error
    for path in files:
        section, _, key = path.name.partition("_")
        if section not in sections:
            continue
        keys = (section, key)
        try:
            written = path.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"credential {path.name}: {error}") from error
        if not is_secret(sections[section], key):
            raise SourceError(f"credential {path.name}: {section}.{key} is no secret; known are {_secrets(sections)}")
        _put(source, keys, _typed(written, sections[section], key), f"credential {path.name}")
    return source


def place(key: Path_, origins: Mapping[Path_, str]) -> str:
    """Where the key was written, or the first thing within it, or the nearest thing around it."""
    if key in origins:
        return origins[key]
    within = (origin for other, origin in origins.items() if other[: len(key)] == key)
    around = (origins[key[:length]] for length in range(len(key) - 1, 0, -1) if key[:length] in origins)
    return next(within, "") or next(around, "")


def field_named(section: type[BaseModel], key: str) -> Any:
    """The annotation of a section's key; None if it has no such key. Where keys are free all have the same."""
    for name, info in section.model_fields.items():
        if (info.alias or name) == key:
            return info.annotation
    if section.model_config.get("extra") != "allow":
        return None
    annotation = get_args(section.__annotations__["__pydantic_extra__"])[1]
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _table_named(section: type[BaseModel] | None, key: str) -> type[BaseModel] | None:
    """A table within a section; None if it has no such table."""
    annotation = None if section is None else field_named(section, key)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def key_names(section: type[BaseModel]) -> list[str]:
    """The keys of a section as they are written."""
    return [info.alias or name for name, info in section.model_fields.items()]


def is_secret(section: type[BaseModel], key: str) -> bool:
    """Whether a key's value is a secret, or a list of them."""
    return SecretStr in _types_within(field_named(section, key))


def _secrets(sections: Mapping[str, type[BaseModel]]) -> str:
    names = (f"{name}_{key}" for name, model in sections.items() for key in key_names(model) if is_secret(model, key))
    return ", ".join(names)


def _types_within(annotation: Any) -> set[Any]:
    found = {annotation}
    for inner in get_args(annotation):
        found |= _types_within(inner)
    return found


def _typed(written: str, section: type[BaseModel], key: str) -> Any:
    """Text as the key wants it: lists as JSON or with commas, all else as it is (pydantic reads numbers and truth)."""
    if get_origin(field_named(section, key)) is not tuple:
        return written
    if written.lstrip().startswith("["):
        return _from_json(written)
    return [piece.strip() for piece in written.split(",") if piece.strip()]


def _from_json(written: str) -> Any:
    """A list that is written as JSON; all else as it is."""
    if not written.lstrip().startswith("["):
        return written
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return written


def _put(source: Source, keys: tuple[str, ...], value: Any, origin: str) -> None:
    """Into the nested values. Under a plain value there is no room; of a section's it is told as the section's."""
    if keys in source.origins:
        source.lost.append((keys, f"is set twice, by {source.origins[keys]} and {origin}"))
    inner = source.values
    for depth, key in enumerate(keys[:-1]):
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            if depth > 0 or isinstance(inner, list):
                source.lost.append((keys, "unknown key: what it stands in has no keys of its own"))
                source.origins[keys] = origin
            return
    inner[keys[-1]] = value
    source.origins[keys] = origin


def _lines(text: str) -> dict[Path_, int]:
    """The line of each table and key. A scan by eye, not a parser: the parser has accepted the text already."""
    found: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    here: Path_ = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLES.fullmatch(line):
            base = tuple(_names(match[1]))
            counts[base] = counts.get(base, -1) + 1
            here = (*base, counts[base])
            found.setdefault(base, number)
            found[here] = number
        elif match := _TABLE.fullmatch(line):
            here = tuple(_names(match[1]))
            found.setdefault(here, number)
        elif match := _KEY.match(line):
            found.setdefault((*here, *_names(match[1])), number)
    return found


def _names(dotted: str) -> Iterable[str]:
    return (piece[1:-1] if piece[0] in "\"'" else piece for piece in re.findall(_NAME, dotted))
