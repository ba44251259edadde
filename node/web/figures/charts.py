"""Drawings of a page: bars and curves as plain SVG, with the same figures in words or a table beside them.

Invariant: no script, no inline style, no outside reference; colours are classes of the one style sheet.
Invariant: text in a drawing is escaped; a drawing never carries a figure that the page does not also say in words.
"""

from collections.abc import Sequence
from math import log10

from markupsafe import Markup

from protocol.core.quantities import divide_up

BAR_WIDTH = 360
BAR_HEIGHT = 34
SEGMENT_CLASSES = 12
LABELLED_SEGMENT_WIDTH = 16
CURVE_WIDTH = 360
CURVE_HEIGHT = 200
CURVE_LEFT = 48
CURVE_RIGHT = 10
CURVE_TOP = 14
CURVE_BOTTOM = 30
CURVE_LABELS_MAX = 8
SHARE_WIDTH = 100
SHARE_HEIGHT = 10
PPM_WHOLE = 1_000_000
PPM_LOWEST = 100


def draw_stacked_bar(parts: Sequence[tuple[str, int]], title: str) -> Markup:
    """One bar of consecutive segments; `parts` are (label, amount >= 0) in the order of the table beside it."""
    total = sum(amount for _, amount in parts)
    pieces: list[Markup] = []
    before = 0
    for number, (label, amount) in enumerate(parts):
        if amount <= 0 or total <= 0:
            continue
        left = before * BAR_WIDTH / total
        width = amount * BAR_WIDTH / total
        before += amount
        pieces.append(_draw_segment(number, label, left, width))
    return _draw_frame("stacked", BAR_WIDTH, BAR_HEIGHT, title, pieces)


def _draw_segment(number: int, label: str, left: float, width: float) -> Markup:
    rect = Markup(
        '<g><title>{}</title><rect class="segment part-{}" x="{:.2f}" y="0" width="{:.2f}" height="{}"/>'
    ).format(label, number % SEGMENT_CLASSES + 1, left, width, BAR_HEIGHT)
    if width < LABELLED_SEGMENT_WIDTH:
        return rect + Markup("</g>")
    text = Markup('<text class="segment-number" x="{:.2f}" y="{}">{}</text></g>').format(
        left + width / 2, BAR_HEIGHT / 2 + 4, number + 1
    )
    return rect + text


def draw_swatch(number: int) -> Markup:
    """The key of segment `number` (from 0) for the table beside a stacked bar; a decoration."""
    return Markup(
        '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">'
        '<rect class="segment part-{}" width="10" height="10"/></svg>'
    ).format(number % SEGMENT_CLASSES + 1)


def draw_share(share_ppm: int, title: str) -> Markup:
    """A small bar that is filled to a share of the whole (parts per million, held to 0..1)."""
    held = min(max(share_ppm, 0), PPM_WHOLE)
    track = Markup('<rect class="track" width="{}" height="{}"/>').format(SHARE_WIDTH, SHARE_HEIGHT)
    fill = Markup('<rect class="fill" width="{:.2f}" height="{}"/>').format(
        held * SHARE_WIDTH / PPM_WHOLE, SHARE_HEIGHT
    )
    return _draw_frame("share", SHARE_WIDTH, SHARE_HEIGHT, title, [track, fill])


def draw_curve(worst_ppm: Sequence[int], tolerance_ppm: int, title: str) -> Markup:
    """How the worst good shrinks round by round, on a logarithmic scale, with the line that ends the rounds."""
    floor_ppm = max(PPM_LOWEST, min([*worst_ppm, tolerance_ppm], default=PPM_LOWEST) // 2)
    top, bottom = _decades(max([*worst_ppm, tolerance_ppm], default=PPM_WHOLE), floor_ppm)
    points = [(_across(place, len(worst_ppm)), _down(value, top, bottom)) for place, value in enumerate(worst_ppm)]
    pieces = [_draw_gridline(decade, top, bottom) for decade in range(bottom, top + 1)]
    pieces.append(_draw_tolerance(_down(tolerance_ppm, top, bottom)))
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    pieces.append(Markup('<polyline class="curve" points="{}"/>').format(path))
    pieces += [Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(*point) for point in points]
    pieces += _draw_round_numbers(len(worst_ppm))
    return _draw_frame("rounds", CURVE_WIDTH, CURVE_HEIGHT, title, pieces)


def _decades(highest_ppm: int, lowest_ppm: int) -> tuple[int, int]:
    top = 1
    while 10**top < highest_ppm:
        top += 1
    bottom = top - 1
    while bottom > 0 and 10**bottom > lowest_ppm:
        bottom -= 1
    return top, bottom


def _across(place: int, count: int) -> float:
    room = CURVE_WIDTH - CURVE_LEFT - CURVE_RIGHT - 8
    return CURVE_LEFT + 4 + (room * place / (count - 1) if count > 1 else room / 2)


def _down(value_ppm: int, top: int, bottom: int) -> float:
    height = CURVE_HEIGHT - CURVE_TOP - CURVE_BOTTOM
    share = (top - log10(max(value_ppm, 10**bottom))) / (top - bottom)
    return CURVE_TOP + height * min(max(share, 0.0), 1.0)


def _draw_gridline(decade: int, top: int, bottom: int) -> Markup:
    down = _down(10**decade, top, bottom)
    percent = f"{10 ** (decade - 4)} %" if decade >= 4 else f"{10 ** (decade - 4):g} %"
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text class="axis end" x="{}" y="{:.1f}">{}</text>'
    ).format(CURVE_LEFT, CURVE_WIDTH - CURVE_RIGHT, down, down, CURVE_LEFT - 6, down + 4, percent)


def _draw_tolerance(down: float) -> Markup:
    return Markup('<line class="tolerance" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
        CURVE_LEFT, CURVE_WIDTH - CURVE_RIGHT, down, down
    )


def _draw_round_numbers(count: int) -> list[Markup]:
    step = max(1, divide_up(count, CURVE_LABELS_MAX))
    return [
        Markup('<text class="axis middle" x="{:.1f}" y="{}">{}</text>').format(
            _across(place, count), CURVE_HEIGHT - 10, place + 1
        )
        for place in range(0, count, step)
    ]


def _draw_frame(kind: str, width: int, height: int, title: str, pieces: Sequence[Markup]) -> Markup:
    opening = Markup('<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        kind, width, height, title
    )
    return opening + Markup("").join(pieces) + Markup("</svg>")
