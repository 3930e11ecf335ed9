"""What a place's detectability says, as JSON, CSV and a drawing."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape

from detectors.sensitivity.detectability import BUILDING, WALL, Curve, CurvePoint, ProbeKind

PIXEL_M2, PIXEL_M = 100, 10
PANEL_W, PANEL_H, LEFT, TOP, GAP_X, GAP_Y = 260, 170, 60, 84, 56, 74
COLOURS = ("#0b5394", "#e08214", "#6a3d9a")  # told apart without red and green, and by their marks
SENSOR_WORDS = {"sentinel-2": "Sentinel-2 alone", "sentinel-1": "Sentinel-1 alone", "both": "both together"}
COLUMNS = (
    "sensors", "what", "material", "share_of_pixel", "size_px", "size", "unit", "tried", "seen", "confirmed",
    "chance", "low", "high", "days_to_first_seen", "days_to_confirmation", "simulated",
)  # fmt: skip


@dataclass(frozen=True)
class Detectability:
    """What was found for one area: `curves` by sensors (``sentinel-2``, ``sentinel-1``, ``both``), and how."""

    area_id: str
    first: str
    last: str
    history_from: str
    scenes: int
    rounds: int
    within_days: int
    goal: float
    ground_km2: float
    curves: dict[str, tuple[Curve, ...]]
    simulated: bool = False


def size_words(kind: ProbeKind, size_px: int) -> tuple[int, str]:
    """A size in m² for a building, in m for a wall."""
    return (size_px * PIXEL_M, "m") if kind.what == WALL else (size_px * PIXEL_M2, "m²")


def kind_words(kind: ProbeKind) -> str:
    """A kind in words."""
    if kind.what == WALL:
        return f"wall covering {kind.share:.1f} of a pixel"
    return f"{kind.material} over {kind.share:.1f} of a pixel"


def smallest_words(curve: Curve, goal: float) -> str:
    """What one curve comes to, in a line."""
    words = kind_words(curve.kind)
    if curve.smallest_px is None:
        largest = curve.sizes[-1]
        size, unit = size_words(curve.kind, largest.size_px)
        return f"{words}: not reached; {largest.seen} of {largest.tried} of {size:,} {unit} seen"
    size, unit = size_words(curve.kind, curve.smallest_px)
    rows = [row for row in curve.sizes if row.size_px >= curve.smallest_px]
    seen, sure = _late(rows)
    held = f"{rows[0].seen} of {rows[0].tried} seen"
    return f"{words}: {size:,} {unit} ({held}), first seen after {seen}, confirmed after {sure}"


def _late(rows: Sequence[CurvePoint]) -> tuple[str, str]:
    """Medians of the medians: how late what is large enough was seen, and confirmed."""
    out = []
    for days in ([r.seen_days for r in rows], [r.confirmed_days for r in rows]):
        known = sorted(d for d in days if d is not None)
        out.append(f"{known[len(known) // 2]:.0f} days" if known else "no time within reach")
    return out[0], out[1]


def to_json(found: Detectability) -> str:
    """Everything, with the smallest size of every curve."""
    head = {k: v for k, v in asdict(found).items() if k != "curves"}
    curves = [{"sensors": name, **asdict(c)} for name, curves in found.curves.items() for c in curves]
    return json.dumps({**head, "curves": curves}, indent=1, ensure_ascii=False) + "\n"


def to_csv(found: Detectability) -> str:
    """One row for every sensor, kind and size."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for sensors, curves in found.curves.items():
        for curve in curves:
            k = curve.kind
            for r in curve.sizes:
                size, unit = size_words(k, r.size_px)
                head = (sensors, k.what, k.material, k.share, r.size_px, size, unit, r.tried, r.seen, r.confirmed)
                figures = (r.chance, r.low, r.high, r.seen_days, r.confirmed_days)
                table.writerow((*head, *figures, str(found.simulated).lower()))
    return text.getvalue()


def to_svg(found: Detectability) -> str:
    """The curves: a column for each set of sensors, buildings above and walls below."""
    width = LEFT + len(found.curves) * (PANEL_W + GAP_X)
    height = TOP + 2 * (PANEL_H + GAP_Y)
    title = f"What would have been seen at {found.area_id}, {found.first} to {found.last}"
    title += ", simulated" if found.simulated else ""
    method = (
        f"Buildings and walls put into {found.scenes} archived scenes of {found.ground_km2:.1f} km², {found.rounds} "
        f"rounds. Bars: 95 % intervals. Dashed: {found.goal:.0%}, within {found.within_days} days."
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="12"><title>{escape(title)}</title>'
        f"<desc>{escape(method)}</desc>"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 24, title, size=16),
        _text(LEFT, 44, method, colour="#555555"),
    ]
    for n, (sensors, curves) in enumerate(found.curves.items()):
        x = LEFT + n * (PANEL_W + GAP_X)
        parts.append(_text(x, 68, SENSOR_WORDS[sensors], size=14))
        for row, (what, label) in enumerate(((BUILDING, "roof, m²"), (WALL, "wall, m"))):
            some = [c for c in curves if c.kind.what == what]
            parts.append(_panel(some, x, TOP + row * (PANEL_H + GAP_Y), label, found.goal, is_first=n == 0))
    return "".join(parts) + "</svg>\n"


def _panel(curves: Sequence[Curve], x: float, y: float, label: str, goal: float, *, is_first: bool) -> str:
    """One panel: chance by size on a logarithmic axis, a line for each kind, its legend below."""
    sizes = sorted({r.size_px for c in curves for r in c.sizes})
    if not sizes:
        return _text(x, y + PANEL_H / 2, "nothing was tried")
    low, high = math.log(sizes[0] * 0.85), math.log(sizes[-1] * 1.15)

    def across(size: float) -> float:
        return x + (math.log(size) - low) / (high - low) * PANEL_W

    def up(chance: float) -> float:
        return y + (1 - chance) * PANEL_H

    parts = [f'<rect x="{x}" y="{y}" width="{PANEL_W}" height="{PANEL_H}" fill="none" stroke="#bbbbbb"/>']
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(f'<path d="M{x - 4} {up(tick):.1f}h4" stroke="#555555"/>')
        if is_first:
            parts.append(_text(x - 8, up(tick) + 4, f"{tick:.0%}", anchor="end"))
    dashed = f'<path d="M{x} {up(goal):.1f}h{PANEL_W}" stroke="#888888" stroke-dasharray="5 4"/>'
    parts.append(dashed)
    for size in sizes:
        words, _ = size_words(curves[0].kind, size)
        parts.append(_text(across(size), y + PANEL_H + 15, f"{words:,}", anchor="middle"))
    parts.append(_text(x + PANEL_W + 4, y + PANEL_H + 15, label.split(", ")[1], anchor="start", colour="#555555"))
    for n, curve in enumerate(curves):
        parts.append(_line(curve, n, [(across(r.size_px) + 4 * (n - 1), r) for r in curve.sizes], up))
        legend_y = y + PANEL_H + 32 + 13 * n
        parts.append(_mark(n, x + 5, legend_y - 4))
        parts.append(_text(x + 16, legend_y, _legend(curve), size=11))
    return "".join(parts)


def _legend(curve: Curve) -> str:
    words = kind_words(curve.kind).replace(" of a pixel", " px").replace(" covering", " over")
    if curve.smallest_px is None:
        return f"{words}: not reached"
    size, unit = size_words(curve.kind, curve.smallest_px)
    seen, sure = _late([r for r in curve.sizes if r.size_px >= curve.smallest_px])
    return f"{words}: {size:,} {unit} ({seen.split()[0]} d, confirmed {sure.split()[0]} d)"


def _line(curve: Curve, number: int, points: Iterable[tuple[float, CurvePoint]], up: object) -> str:
    assert callable(up)
    found = list(points)
    colour = COLOURS[number % len(COLOURS)]
    path = "L".join(f"{x:.1f} {up(r.chance):.1f}" for x, r in found)
    parts = [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for x, r in found:
        bar = f'<path d="M{x:.1f} {up(r.low):.1f}V{up(r.high):.1f}" stroke="{colour}" stroke-opacity="0.45"/>'
        parts += [bar, _mark(number, x, up(r.seen / r.tried))]
    return "".join(parts)


def _mark(number: int, x: float, y: float) -> str:
    """A disk, a square or a triangle, so that lines are told apart without their colours."""
    colour = COLOURS[number % len(COLOURS)]
    shapes = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>',
        f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>',
        f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{colour}"/>',
    )
    return shapes[number % len(shapes)]


def _text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start", colour: str = "#222222") -> str:
    style = f'font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
