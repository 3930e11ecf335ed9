"""How QGIS draws events: a symbol for each kind of change, a label, and the day from which each is shown."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

COLOURS = {"construction": "178,58,0", "fencing": "122,16,32", "clearing": "201,138,0", "demolition": "29,79,124"}
"""Red, green and blue of the outlines of each kind of change."""
HELD, PROVISIONAL = "held", "provisional"
LABEL = (
    """CASE WHEN "length_m" IS NULL THEN format_number("area_m2" / 10000, 2) || ' ha' """
    """ELSE format_number("length_m", 0) || ' m' END || '\\n' || format_date("first_seen", 'yyyy-MM-dd')"""
)
SITE_LABEL = """coalesce("area_name", "area_id")"""
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
VERSION = "3.22.0"
"""The oldest release of QGIS that the style and the project were opened in."""
CATEGORIES = "Symbology|Labeling|Temporal"
Names = Mapping[tuple[str, str], str]
"""What the legend says of a kind of change that is `HELD` or `PROVISIONAL`."""


def event_style(names: Names | None = None) -> bytes:
    """A style for QGIS (``.qml``), with the legend in English unless it is given in other words."""
    return (
        f'{DOCTYPE}\n<qgis version="{VERSION}" styleCategories="{CATEGORIES}" labelsEnabled="1">'
        f"{''.join(event_style_parts(names))}</qgis>\n"
    ).encode()


def event_style_parts(names: Names | None = None) -> tuple[str, ...]:
    """The elements of a layer of events that QGIS draws it by: time, symbols and labels."""
    kinds = [(change, state) for change in COLOURS for state in (HELD, PROVISIONAL)]
    said = names or {kind: kind[0] if kind[1] == HELD else ", ".join(kind) for kind in kinds}
    rules = "".join(_rule(i, *kind, said[kind]) for i, kind in enumerate(kinds))
    symbols = "".join(_symbol(i, COLOURS[change], state) for i, (change, state) in enumerate(kinds))
    renderer = (
        f'<renderer-v2 type="RuleRenderer" symbollevels="0"><rules key="all">{rules}</rules>'
        f"<symbols>{symbols}</symbols></renderer-v2>"
    )
    return _temporal(), renderer, _labels(LABEL, colour="34,34,34")


def site_style() -> bytes:
    """A style for QGIS of the outlines of sites and regions."""
    return (
        f'{DOCTYPE}\n<qgis version="{VERSION}" styleCategories="Symbology|Labeling" labelsEnabled="1">'
        f"{''.join(site_style_parts())}</qgis>\n"
    ).encode()


def site_style_parts() -> tuple[str, ...]:
    """The elements of a layer of sites and regions that QGIS draws it by: one outline without a filling, and names."""
    casing = {"style": "no", "outline_color": "255,255,255,200", "outline_style": "solid", "outline_width": "0.9"}
    line = {"style": "no", "outline_color": "34,34,34,255", "outline_style": "dash", "outline_width": "0.4"}
    renderer = (
        '<renderer-v2 type="singleSymbol" symbollevels="0">'
        f"<symbols>{_fill_symbol('0', casing, line)}</symbols></renderer-v2>"
    )
    return renderer, _labels(SITE_LABEL, colour="0,0,0", is_bold=True)


def _temporal() -> str:
    """Each event from the day on which it was first seen, without an end."""
    return (
        '<temporal enabled="1" mode="2" startField="first_seen" endField="" durationField="" durationUnit="min" '
        'fixedDuration="0" limitMode="0" accumulate="0" startExpression="" endExpression="">'
        "<fixedRange><start></start><end></end></fixedRange></temporal>"
    )


def _rule(number: int, change: str, state: str, label: str) -> str:
    test = f"\"change\" = '{change}' AND \"state\" {'=' if state == PROVISIONAL else '<>'} 'provisional'"
    return f'<rule key="r{number}" symbol="{number}" filter={quoteattr(test)} label={quoteattr(label)}/>'


def _symbol(number: int, colour: str, state: str) -> str:
    dash = "dash" if state == PROVISIONAL else "solid"
    options = {"color": f"{colour},40", "outline_color": f"{colour},255", "outline_style": dash, "outline_width": "0.5"}
    return _fill_symbol(str(number), options)


def _fill_symbol(name: str, *layers: Mapping[str, str]) -> str:
    """A symbol for polygons by the options of its layers, the lowest first."""
    drawn = "".join(
        '<layer class="SimpleFill" enabled="1"><Option type="Map">'
        + "".join(f'<Option name="{key}" type="QString" value="{value}"/>' for key, value in options.items())
        + "</Option></layer>"
        for options in layers
    )
    return f'<symbol type="fill" name="{name}" alpha="1">{drawn}</symbol>'


def _labels(expression: str, *, colour: str, is_bold: bool = False) -> str:
    """Labels beside the middle of an outline, with a white rim so that they can be read over a picture."""
    return (
        '<labeling type="simple"><settings calloutType="simple">'
        f'<text-style fieldName={quoteattr(expression)} isExpression="1" fontFamily="Sans Serif" fontSize="8" '
        f'fontWeight="{75 if is_bold else 50}" fontSizeUnit="Point" textColor="{colour},255" textOpacity="1" '
        'multilineHeight="1">'
        '<text-buffer bufferDraw="1" bufferSize="0.8" bufferSizeUnits="MM" bufferColor="255,255,255,255" '
        'bufferOpacity="1"/></text-style>'
        '<text-format multilineAlign="0"/>'
        '<placement placement="0" dist="1" distUnits="MM" priority="5"/>'
        '<rendering drawLabels="1" obstacle="1" displayAll="0" scaleVisibility="0" fontLimitPixelSize="0" '
        'maxNumLabels="2000"/>'
        "</settings></labeling>"
    )
