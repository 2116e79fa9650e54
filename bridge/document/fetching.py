"""What an HTML text may draw on: parts of its own mail, and what stands in the address itself. Runs in the child."""

from collections.abc import Mapping

from weasyprint.urls import URLFetcher, URLFetcherResponse

from bridge.document import references


class PartsOnly(URLFetcher):  # type: ignore[misc]
    """Hands out ``parts`` (by what the text names them by) and ``data:`` addresses; opens no file and no connection.

    The names of parts that were asked for, each when it is drawn, join ``given``.
    """

    def __init__(self, parts: Mapping[str, bytes], given: set[str]) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)
        self._parts = parts
        self._given = given

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """Raises ValueError for whatever would have to be fetched."""
        key = references.key_of(url)
        if (part := self._parts.get(key)) is not None:
            self._given.add(key)
            return URLFetcherResponse(url, part)
        return super().fetch(url, headers)
