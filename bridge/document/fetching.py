"""What an HTML text may draw on: parts of its own mail, and what stands in the address itself. Runs in the child."""

from collections.abc import Mapping

from weasyprint.urls import URLFetcher, URLFetcherResponse

from bridge.document import references


class PartsOnly(URLFetcher):  # type: ignore[misc]
    """Hands out ``parts`` (by what the text names them by) and ``data:`` addresses; opens no file and no connection."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)
        self._parts = parts

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """Raises ValueError for whatever would have to be fetched."""
        if (part := self._parts.get(references.key_of(url))) is not None:
            return URLFetcherResponse(url, part)
        return super().fetch(url, headers)
