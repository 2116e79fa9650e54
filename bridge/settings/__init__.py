"""All configuration: read once, checked whole, then handed to the rooms as frozen options.

``load`` gives Settings or raises BadConfiguration with every problem found, each with its place and a way out.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.settings import rules, sections, sources
from bridge.settings.sections import StoreSection
from bridge.settings.sources import Path_, Source, SourceError
from bridge.settings.units import show_duration

DEFAULT_CONFIG = Path("/etc/faxbridge/faxbridge.toml")
MASK = "********"


class Settings(BaseSettings):
    """The whole configuration, as the file has it."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what it is given: pydantic's own reading of the environment knows no section of ours."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    ifax: sections.Ifax = sections.Ifax()
    smtp: sections.Smtp = sections.Smtp()
    relay: sections.Relay = sections.Relay()
    http: sections.Http = sections.Http()
    admin: sections.Admin = sections.Admin()
    store: sections.StoreSection = sections.StoreSection()
    policy: sections.Policy = sections.Policy()
    receiving: sections.Receiving = sections.Receiving()
    notices: sections.Notices = sections.Notices()
    log: sections.Log = sections.Log()
    service: sections.Service = sections.Service()


SECTIONS: dict[str, type[sections.Section]] = {
    name: info.annotation
    for name, info in Settings.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, sections.Section)
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where it stands, the key, what is the matter and what to do."""

    where: str
    key: str
    text: str

    def __str__(self) -> str:
        return ": ".join(piece for piece in (self.where, self.key, self.text) if piece)


class BadConfiguration(Exception):
    """The configuration cannot be used; ``problems`` says all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each value came from (``default`` for those written nowhere)."""

    settings: Settings
    origins: dict[Path_, str]

    def show(self) -> list[tuple[str, str, str]]:
        """Every value as (key, value, origin), secrets masked."""
        return [
            (f"{section}.{key}", _shown(_value(self.settings, section, key)), self._origin(section, key))
            for section, model in SECTIONS.items()
            for key in sources.key_names(model)
        ]

    def _origin(self, section: str, key: str) -> str:
        return self.origins.get((section, key), "default")


class _Given(PydanticBaseSettingsSource):
    """Hands pydantic-settings the values of one of our sources."""

    def __init__(self, source: Source) -> None:
        super().__init__(Settings)
        self._source = source

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - its signature
        return self._source.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._source.values


def load(config: Path | None, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Read, check and judge the whole configuration; raises BadConfiguration."""
    try:
        given = _sources(config, environment, secrets=True)
    except SourceError as error:
        raise BadConfiguration([Problem("", "", str(error))]) from error
    origins = {key: place for source in reversed(given) for key, place in source.origins.items()}

    class FromSources(Settings):
        @classmethod
        def settings_customise_sources(cls, *_: Any, **__: Any) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(_Given(source) for source in given)

    try:
        settings = FromSources()
    except ValidationError as error:
        raise BadConfiguration([_problem(details, origins) for details in error.errors()]) from error
    loaded = Loaded(settings, origins)
    if broken := rules.broken(settings):
        raise BadConfiguration([Problem(_place(key, origins), _dotted(key), text) for key, text in broken])
    return loaded


def load_store(config: Path | None, environment: Mapping[str, str] = os.environ) -> StoreSection:
    """``[store]`` alone, for commands that need nothing else and read no secret; raises BadConfiguration."""
    try:
        given = _sources(config, environment, secrets=False)
        values = {key: value for source in reversed(given) for key, value in source.values.get("store", {}).items()}
        store = StoreSection(**values)
    except SourceError as error:
        raise BadConfiguration([Problem("", "", str(error))]) from error
    except ValidationError as error:
        origins = {key: place for source in reversed(given) for key, place in source.origins.items()}
        problems = [_problem({**details, "loc": ("store", *details["loc"])}, origins) for details in error.errors()]
        raise BadConfiguration(problems) from error
    if broken := rules.broken_store(store):
        raise BadConfiguration([Problem("", _dotted(key), text) for key, text in broken])
    return store


def config_path(config: Path | None, environment: Mapping[str, str]) -> tuple[Path, bool]:
    """The file to read, and whether it was named (a missing default file counts as empty)."""
    if config is not None:
        return config, True
    named = environment.get(sources.CONFIG_VARIABLE)
    return (Path(named), True) if named else (DEFAULT_CONFIG, False)


def _sources(config: Path | None, environment: Mapping[str, str], *, secrets: bool) -> list[Source]:
    """All sources, strongest first."""
    path, named = config_path(config, environment)
    given = [sources.from_environment(environment, SECTIONS)]
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if secrets and folder:
        given.append(sources.from_credentials(Path(folder), SECTIONS))
    if named or path.exists():
        given.append(sources.from_file(path))
    return given


def _problem(details: Mapping[str, Any], origins: Mapping[Path_, str]) -> Problem:
    """A validation error in the operator's terms."""
    key: Path_ = tuple(details["loc"])
    text = str(details["msg"]).removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        text = f"unknown {'section' if len(key) == 1 else 'key'}{_nearest(key)}"
    elif details["type"] == "missing":
        text = "must be set"
    return Problem(_place(key, origins), _dotted(key), text)


def _nearest(key: Path_) -> str:
    """``; did you mean ...`` where a right name is near."""
    if len(key) == 1:
        known = list(SECTIONS)
    elif len(key) == 2:  # noqa: PLR2004 - section and key
        known = sources.key_names(SECTIONS[str(key[0])])
    else:
        rows: dict[str, type[sections.Section]] = {"listeners": sections.Listener, "routes": sections.Route}
        known = sources.key_names(rows[str(key[1])]) if str(key[1]) in rows else []
    name = str(key[-1])
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    elsewhere = [f"{section}.{name}" for section, model in SECTIONS.items() if name in sources.key_names(model)]
    if close:
        return f"; did you mean {close[0]}?"
    return f"; did you mean {elsewhere[0]}?" if elsewhere else f"; known are {', '.join(known)}"


def _place(key: Path_, origins: Mapping[Path_, str]) -> str:
    """Where the key, or the nearest thing around it, was written."""
    for length in range(len(key), 0, -1):
        if origin := origins.get(key[:length]):
            return origin
    return ""


def _dotted(key: Path_) -> str:
    """``receiving.routes[1].number``; list positions count from one, as people do."""
    return "".join(f"[{piece + 1}]" if isinstance(piece, int) else f".{piece}" for piece in key).lstrip(".")


def _value(settings: Settings, section: str, key: str) -> Any:
    model = getattr(settings, section)
    name = next(name for name, info in type(model).model_fields.items() if (info.alias or name) == key)
    return getattr(model, name)


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else '""'
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, sections.Section):
        pairs = (f"{name} = {_shown(getattr(value, name))}" for name in type(value).model_fields)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'
