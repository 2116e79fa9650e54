"""A TIFF's directories (TIFF 6.0, and BigTIFF): what each says of one picture, and each picture as a file of its own.

Runs in the child. Pillow reads most pictures; this reads the words in which a picture is described, so that what
Pillow does not know can be put in words that it knows.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
KIND, OLD_KIND = 254, 255
FILL_ORDER, STRIPS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 266, 273, 277, 278, 279
ORIENTATION, HIGHEST, ACROSS, DOWN, UNIT = 274, 281, 282, 283, 296
PLANAR, PREDICTOR, COLOURS = 284, 317, 320
TILE_WIDTH, TILE_LENGTH, TILES, TILE_BYTES = 322, 323, 324, 325
CHILDREN, EXTRA_SAMPLES, FORMAT = 330, 338, 339
JPEG, JPEG_BYTES = 513, 514

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
"""Types of field that hold whole numbers, by their length and as ``struct`` has them; of a fraction its two."""
_FRACTION = 5

_BIG = {b"+\0", b"\0+"}
_MOST_DIRECTORIES = 5000
_MOST_FIELDS = 1000
_MOST_CHILDREN = 20
_MOST_VALUES = 1_000_000
_WHITE_IS_NOUGHT, _BLACK_IS_NOUGHT = 0, 1
_GUESSED = {3: 2, 4: 5}
"""Three numbers a dot are red, green and blue, and four are inks."""
_OF_FAXES = {2, 3, 4}
_REDUCED = 1
_OLD_REDUCED = 2
_DEFAULTS = {BITS: 1, COMPRESSION: 1, SAMPLES: 1, FILL_ORDER: 1, PLANAR: 1, PREDICTOR: 1, FORMAT: 1}


class Unreadable(ValueError):
    """The file does not hold what its beginning says."""


@dataclass(frozen=True, slots=True)
class Directory:
    """What is said of one picture: its fields that hold whole numbers, by tag."""

    order: str
    at: int
    fields: Mapping[int, tuple[int, ...]]
    is_big: bool = False
    children: tuple["Directory", ...] = ()

    def value(self, tag: int, default: int = 0) -> int:
        """The field's first number."""
        return (self.fields.get(tag) or (_DEFAULTS.get(tag, default),))[0]

    @property
    def space(self) -> int:
        """What its numbers mean, by PhotometricInterpretation; where that is not told, as libtiff guesses it."""
        if told := self.fields.get(PHOTOMETRIC):
            return told[0]
        colours = self.value(SAMPLES) - len(self.fields.get(EXTRA_SAMPLES, ()))
        if colours == 1:
            return _WHITE_IS_NOUGHT if self.value(COMPRESSION) in _OF_FAXES else _BLACK_IS_NOUGHT
        return _GUESSED.get(colours, _BLACK_IS_NOUGHT)

    @property
    def size(self) -> tuple[int, int]:
        """Width and length, as it is stored."""
        return self.value(WIDTH), self.value(LENGTH)

    @property
    def is_reduced(self) -> bool:
        """Whether it is said to be another picture once more, with fewer dots."""
        return bool(self.value(KIND) & _REDUCED) or self.value(OLD_KIND) == _OLD_REDUCED

    def blocks(self, content: bytes) -> list[bytes]:
        """The coded bytes of its strips or tiles, in order; those of which no length is told, up to what follows."""
        starts = self.fields.get(TILES) or self.fields.get(STRIPS, ())
        lengths = self.fields.get(TILE_BYTES) or self.fields.get(STRIP_BYTES, ())
        if len(lengths) != len(starts) or (len(starts) == 1 and lengths[0] == 0):
            ends = sorted({*starts, len(content)})
            lengths = tuple(next((end for end in ends if end > start), start) - start for start in starts)
        return [content[start : start + length] for start, length in zip(starts, lengths, strict=True)]


def directories(content: bytes) -> list[Directory]:
    """Of all pictures that are pages, in order. Raises Unreadable.

    Where a page is said to be reduced and hangs its whole picture below itself, as cameras do, that stands for it.
    """
    try:
        reader = _Reader(content)
        return [_whole(found) for found in reader.chain(reader.first)]
    except (struct.error, KeyError, OverflowError) as error:
        raise Unreadable("not a TIFF") from error


def _whole(found: Directory) -> Directory:
    if not found.is_reduced:
        return found
    return next((child for child in found.children if not child.is_reduced), found)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._order = {b"II": "<", b"MM": ">"}[content[:2]]
        self._big = content[2:4] in _BIG
        (self.first,) = self._numbers("Q", 8) if self._big else self._numbers("I", 4)

    def _numbers(self, code: str, at: int, count: int = 1) -> tuple[int, ...]:
        return struct.unpack_from(f"{self._order}{count}{code}", self._content, at)

    def chain(self, at: int) -> Iterator[Directory]:
        """From one directory to the next; one that was seen ends it."""
        seen: set[int] = set()
        while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
            seen.add(at)
            fields, following = self._directory(at)
            children = (self._child(child) for child in fields.get(CHILDREN, ())[:_MOST_CHILDREN])
            yield Directory(self._order, at, fields, self._big, tuple(child for child in children if child is not None))
            at = following

    def _child(self, at: int) -> Directory | None:
        try:
            return Directory(self._order, at, self._directory(at)[0], self._big)
        except (struct.error, Unreadable):
            return None  # what it hangs on is read without it

    def _directory(self, at: int) -> tuple[dict[int, tuple[int, ...]], int]:
        """The fields of one, and where the next is."""
        (count,) = self._numbers("Q", at) if self._big else self._numbers("H", at)
        head, entry = (8, 20) if self._big else (2, 12)
        if count > _MOST_FIELDS:
            raise Unreadable("too many fields")
        fields: dict[int, tuple[int, ...]] = {}
        for place in range(at + head, at + head + count * entry, entry):
            tag, kind = self._numbers("H", place, 2)
            if kind in _SIZES and tag not in fields and (values := self._values(kind, place + 4)):
                fields[tag] = values
        try:
            (following,) = self._numbers("Q" if self._big else "I", at + head + count * entry)
        except struct.error:
            following = 0  # cut off behind the last one
        return fields, following

    def _values(self, kind: int, at: int) -> tuple[int, ...]:
        """Those of a field; none where they are not in the file."""
        (count,) = self._numbers("Q" if self._big else "I", at)
        at += 8 if self._big else 4
        size, room = _SIZES[kind] * count, 8 if self._big else 4
        if count > _MOST_VALUES:
            return ()
        if size > room:
            (at,) = self._numbers("Q" if self._big else "I", at)
        numbers = 2 * count if kind == _FRACTION else count
        return self._numbers(_CODES[kind], at, numbers) if at + size <= len(self._content) else ()


def beginning_with(content: bytes, page: Directory) -> bytes:
    """The same file, with that picture as its first, and what its numbers mean said."""
    big = content[2:4] in _BIG
    at = page.at
    if PHOTOMETRIC not in page.fields:
        at = len(content) + len(content) % 2
        content = content.ljust(at, b"\0") + _with_space(content, page)
    if big:
        return content[:8] + struct.pack(page.order + "Q", at) + content[16:]
    return content[:4] + struct.pack(page.order + "I", at) + content[8:]


def _with_space(content: bytes, page: Directory) -> bytes:
    """The directory, in which PhotometricInterpretation is not told, with that."""
    head, entry = ("Q", "HHQH6x") if page.is_big else ("H", "HHIH2x")
    order, size = page.order, struct.calcsize("<" + entry)
    (count,) = struct.unpack_from(order + head, content, page.at)
    first = page.at + struct.calcsize("<" + head)
    fields = [content[at : at + size] for at in range(first, first + count * size, size)]
    fields.append(struct.pack(order + entry, PHOTOMETRIC, 3, 1, page.space))
    fields.sort(key=lambda field: struct.unpack_from(order + "H", field))
    return struct.pack(order + head, count + 1) + b"".join(fields) + bytes(8)


def written(fields: Mapping[int, Sequence[int]], blocks: Sequence[bytes], *, tiled: bool, order: str) -> bytes:
    """A file of one picture: these fields, and these strips or tiles."""
    said = {tag: list(values) for tag, values in fields.items()}
    said[TILE_BYTES if tiled else STRIP_BYTES] = [len(block) for block in blocks]
    where = said[TILES if tiled else STRIPS] = [0] * len(blocks)
    data = 8 + 2 + 12 * len(said) + 4
    far = data + sum(4 * len(values) for values in said.values() if len(values) > 1)
    for at, block in enumerate(blocks):
        where[at] = far
        far += len(block)
    entries, values_apart = [struct.pack(order + "H", len(said))], []
    for tag in sorted(said):
        values = said[tag]
        short = tag == BITS
        apart = struct.pack(f"{order}{len(values)}{'H' if short else 'I'}", *values)
        entries.append(struct.pack(order + "HHI", tag, 3 if short else 4, len(values)))
        if len(apart) <= 4:  # noqa: PLR2004 - what fits into the entry itself
            entries.append(apart.ljust(4, b"\0"))
            continue
        entries.append(struct.pack(order + "I", data))
        values_apart.append(apart)
        data += len(apart)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    laid = b"".join((head, *entries, bytes(4), *values_apart))
    return laid + bytes(max(0, (where[0] if where else 0) - len(laid))) + b"".join(blocks)
