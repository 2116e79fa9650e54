"""All configuration: read once, checked whole, then handed to the rooms as frozen options.

``load`` gives Settings or raises BadConfiguration with every problem found, each with its place and a way out.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.settings import problems, rules, sections, sources
from bridge.settings.problems import BadConfiguration, Problem
from bridge.settings.sections import StoreSection
from bridge.settings.sources import Path_, Source, SourceError
from bridge.settings.units import show_duration

DEFAULT_CONFIG = Path("/etc/faxbridge/faxbridge.toml")
MASK = "********"

__all__ = [
    "DEFAULT_CONFIG",
    "MASK",
    "SECTIONS",
    "BadConfiguration",
    "Loaded",
    "Problem",
    "Settings",
    "load",
    "load_store",
]


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
    identities: tuple[sections.Identity, ...] = ()
    aliases: sections.Aliases = sections.Aliases()
    limits: sections.Limits = sections.Limits()
    document: sections.Document = sections.Document()
    retry: sections.Retry = sections.Retry()
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
class Loaded:
    """Settings, and where each value came from (``default`` for those written nowhere)."""

    settings: Settings
    origins: dict[Path_, str]

    def show(self) -> list[tuple[str, str, str]]:
        """Every value as (key, value, origin), secrets masked; of identities and aliases each one whole."""
        return [(problems.dotted(key), _shown(value), self._origin(key)) for key, value in self._values()]

    def _values(self) -> Iterator[tuple[Path_, Any]]:
        for name in Settings.model_fields:
            found = getattr(self.settings, name)
            if isinstance(found, tuple):
                yield from (((name, index), row) for index, row in enumerate(found)) if found else [((name,), found)]
            elif isinstance(found, sections.Aliases):
                numbers = found.numbers
                yield from (((name, alias), numbers[alias]) for alias in numbers) if numbers else [((name,), found)]
            else:
                yield from (((name, key), _value(found, key)) for key in sources.key_names(SECTIONS[name]))

    def _origin(self, key: Path_) -> str:
        whole = key[:1] if isinstance(key[-1], int) else key
        return self.origins.get(key) or self.origins.get(whole, "default")


class _Given(PydanticBaseSettingsSource):
    """Hands pydantic-settings the values of one of our sources."""

    def __init__(self, source: Source) -> None:
        super().__init__(Settings)
        self._source = source

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - its signature
        return self._source.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._source.values


Alone = TypeVar("Alone", bound=BaseModel)


class _StoreAlone(sections.Section):
    """The configuration as commands see it that read nothing else."""

    store: StoreSection = StoreSection()


class _PolicyAlone(sections.Section):
    """The same for those that ask who may fax to where."""

    policy: sections.Policy = sections.Policy()


class _DocumentAlone(sections.Section):
    """The same for those that make pages."""

    document: sections.Document = sections.Document()


def load(config: Path | None, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Read, check and judge the whole configuration; raises BadConfiguration."""
    given = _sources(config, environment, secrets=True)
    origins = problems.origins_of(given)
    found = _misshapen(Settings, given)

    class FromSources(Settings):
        @classmethod
        def settings_customise_sources(cls, *_: Any, **__: Any) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(_Given(source) for source in given)

    try:
        settings = FromSources()
    except ValidationError as error:
        raise BadConfiguration(found + _wrong(error, origins)) from error
    if not found:
        found = [problems.at(key, text, origins) for key, text in rules.broken(settings)]
    if found:
        raise BadConfiguration(found)
    return Loaded(settings, origins)


def load_store(config: Path | None, environment: Mapping[str, str] = os.environ) -> StoreSection:
    """``[store]`` alone, for commands that need nothing else and read no secret; raises BadConfiguration."""
    alone, origins = _load_alone(_StoreAlone, "store", config, environment)
    if broken := rules.broken_store(alone.store):
        raise BadConfiguration([problems.at(key, text, origins) for key, text in broken])
    return alone.store


def load_document(config: Path | None, environment: Mapping[str, str] = os.environ) -> sections.Document:
    """``[document]`` alone, for what only makes pages; raises BadConfiguration."""
    return _load_alone(_DocumentAlone, "document", config, environment)[0].document


def load_policy(config: Path | None, environment: Mapping[str, str] = os.environ) -> sections.Policy:
    """``[policy]`` alone; raises BadConfiguration."""
    return _load_alone(_PolicyAlone, "policy", config, environment)[0].policy


def _load_alone(
    model: type[Alone], section: str, config: Path | None, environment: Mapping[str, str]
) -> tuple[Alone, dict[Path_, str]]:
    """One section, checked, and where its values are from; of the others not even the names are looked at."""
    given = [
        Source({section: source.values[section]} if section in source.values else {}, source.origins)
        for source in _sources(config, environment, secrets=False)
    ]
    if found := _misshapen(model, given):
        raise BadConfiguration(found)
    origins = problems.origins_of(given)
    values = {key: value for source in reversed(given) for key, value in source.values.get(section, {}).items()}
    try:
        return model.model_validate({section: values}), origins
    except ValidationError as error:
        raise BadConfiguration(_wrong(error, origins)) from error


def _misshapen(model: type[BaseModel], given: list[Source]) -> list[Problem]:
    """Wrong names and wrong tables of each source by itself: no stronger source makes them right."""
    found: list[Problem] = []
    for source in given:
        found += [problems.at(key, text, source.origins) for key, text in source.lost]
        try:
            model.model_validate(source.values)
        except ValidationError as error:
            wrong = [details for details in error.errors() if problems.is_of_shape(details)]
            found += [problems.told(details, source.origins, SECTIONS) for details in wrong]
    return found


def _wrong(error: ValidationError, origins: Mapping[Path_, str]) -> list[Problem]:
    """Wrong values, once the sources are joined."""
    wrong = [details for details in error.errors() if not problems.is_of_shape(details)]
    return [problems.told(details, origins, SECTIONS) for details in wrong]


def config_path(config: Path | None, environment: Mapping[str, str]) -> tuple[Path, bool]:
    """The file to read, and whether it was named (a missing default file counts as empty)."""
    if config is not None:
        return config, True
    named = environment.get(sources.CONFIG_VARIABLE)
    return (Path(named), True) if named else (DEFAULT_CONFIG, False)


def _sources(config: Path | None, environment: Mapping[str, str], *, secrets: bool) -> list[Source]:
    """All sources, strongest first; raises BadConfiguration where one cannot be read."""
    path, named = config_path(config, environment)
    given = [sources.from_environment(environment, SECTIONS)]
    folder = environment.get("CREDENTIALS_DIRECTORY")
    try:
        if secrets and folder:
            given.append(sources.from_credentials(Path(folder), SECTIONS))
        given.append(sources.from_file(path, may_be_missing=not named))
    except SourceError as error:
        raise BadConfiguration([Problem("", "", str(error))]) from error
    return given


def _value(section: sections.Section, key: str) -> Any:
    name = next(name for name, info in type(section).model_fields.items() if (info.alias or name) == key)
    return getattr(section, name)


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else '""'
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, sections.Section):
        pairs = (f"{name} = {_shown(getattr(value, name))}" for name in type(value).model_fields)
        return f"{{ {', '.join(pairs)} }}" if type(value).model_fields else "{}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)
