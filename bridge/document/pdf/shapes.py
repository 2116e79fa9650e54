"""Lines and outlines as instructions of a PDF's content stream, and how far these reach. Runs in the child."""

import math

Point = tuple[float, float]
Points = list[Point]
Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""

_ROUND = 0.5523
"""Part of a radius by which a Bézier curve's handles reach out to make a quarter of a circle."""
_ENDING = 9.0
"""Times the line's width that what ends it is long; for a closed figure, a little less across."""
_SPREAD = 0.5
"""Radians between a line and each side of its arrow's head."""
_SLANT = math.radians(60)


def path(points: Points) -> bytes:
    """From point to point; to be painted."""
    first, *others = (b"%.2f %.2f" % point for point in points)
    return b" ".join([first + b" m", *(each + b" l" for each in others)])


def rectangle(box: Box, inset: float) -> bytes:
    """So far within a box."""
    left, bottom, right, top = box
    return b"%.2f %.2f %.2f %.2f re" % (
        *(left + inset, bottom + inset),
        *(right - left - 2 * inset, top - bottom - 2 * inset),
    )


def ellipse(box: Box) -> bytes:
    """That touches the sides of a box."""
    left, bottom, right, top = box
    x, y, across, up = (left + right) / 2, (bottom + top) / 2, (right - left) / 2, (top - bottom) / 2
    drawn = b"%.2f %.2f m " % (x + across, y)
    for turn in range(4):
        begin, end = math.radians(90 * turn), math.radians(90 * (turn + 1))
        handles = (
            (math.cos(begin) - _ROUND * math.sin(begin), math.sin(begin) + _ROUND * math.cos(begin)),
            (math.cos(end) + _ROUND * math.sin(end), math.sin(end) - _ROUND * math.cos(end)),
            (math.cos(end), math.sin(end)),
        )
        drawn += b"%.2f %.2f %.2f %.2f %.2f %.2f c " % tuple(
            each for h, v in handles for each in (x + across * h, y + up * v)
        )
    return drawn + b"h"


def ending(style: str, tip: Point, tail: Point, width: float) -> bytes:
    """What a line from ``tail`` has at its ``tip`` (ISO 32000-1, table 176); painted with the colours that are set."""
    long = max(width, 1.0) * _ENDING
    angle = math.atan2(tail[1] - tip[1], tail[0] - tip[0])
    half = long / 3
    match style.lstrip("/"):
        case "OpenArrow":
            return path(_head(tip, angle, long)) + b" S "
        case "ClosedArrow":
            return path(_head(tip, angle, long)) + b" h B "
        case "ROpenArrow":
            return path(_head(tip, angle + math.pi, long)) + b" S "
        case "RClosedArrow":
            return path(_head(tip, angle + math.pi, long)) + b" h B "
        case "Butt":
            return path([_away(tip, angle + math.pi / 2, half), _away(tip, angle - math.pi / 2, half)]) + b" S "
        case "Slash":
            return path([_away(tip, angle + _SLANT, half), _away(tip, angle + _SLANT + math.pi, half)]) + b" S "
        case "Circle":
            return ellipse((tip[0] - half, tip[1] - half, tip[0] + half, tip[1] + half)) + b" B "
        case "Square":
            return rectangle((tip[0] - half, tip[1] - half, tip[0] + half, tip[1] + half), 0.0) + b" B "
        case "Diamond":
            return path([_away(tip, math.pi / 2 * side, half) for side in range(4)]) + b" h B "
    return b""


def beside(begin: Point, end: Point, distance: float) -> tuple[Point, Point]:
    """The line so far to the left of another, as one goes along it."""
    angle = math.atan2(end[1] - begin[1], end[0] - begin[0]) + math.pi / 2
    return _away(begin, angle, distance), _away(end, angle, distance)


def union(one: Box, other: Box) -> Box:
    """The box around two."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def reach(content: bytes, box: Box) -> Box:
    """The box, made as large as what these instructions paint."""
    left, bottom, right, top = box
    operands: list[float] = []
    width = 1.0
    for token in content.split():
        try:
            operands.append(float(token))
        except ValueError:
            if token == b"w":
                width = operands[-1]
            elif token == b"re":
                x, y, across, up = operands[-4:]
                operands = [x, y, x + across, y + up]
            if token in {b"m", b"l", b"c", b"re"}:
                xs, ys = operands[::2], operands[1::2]
                left, right = min(left, *(x - width for x in xs)), max(right, *(x + width for x in xs))
                bottom, top = min(bottom, *(y - width for y in ys)), max(top, *(y + width for y in ys))
            operands = []
    return left, bottom, right, top


def _away(point: Point, angle: float, distance: float) -> Point:
    return point[0] + distance * math.cos(angle), point[1] + distance * math.sin(angle)


def _head(tip: Point, angle: float, long: float) -> Points:
    return [_away(tip, angle + _SPREAD, long), tip, _away(tip, angle - _SPREAD, long)]
