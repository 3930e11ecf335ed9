"""Texts that are put together from several figures; each takes the words first, then what it tells of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from functools import partial

from flows.ledger.precision import StatedBand
from flows.records.confidence import BANDS, CALIBRATED_FROM, is_calibrated, word_of
from flows.records.events import EventRecord
from flows.records.ids import scene_name
from flows.reports.charts import Chart, DayTick
from flows.reports.inputs import Chip
from flows.reports.report_page import AreaSection
from flows.reports.words import Words, brief

UNIT_LETTERS = 20


def captions_in(words: Words) -> Mapping[str, Callable[..., str]]:
    """Every caption by name, bound to the words, for the templates."""
    makers = (
        confidence,
        reviewed_text,
        band_text,
        size,
        between,
        rests_on,
        name_of,
        seen_weeks,
        seen_summary,
        picture_caption,
        series_name,
        chart_title,
        chart_text,
        total_text,
        tick_label,
    )
    return {maker.__name__: partial(maker, words) for maker in makers}


def confidence(words: Words, facts: EventRecord, contradicted: Container[float]) -> str:
    """The confidence as a word, with its number where that is a probability that reviewers did not contradict."""
    word = words(f"confidence.{word_of(facts.confidence)}")
    if not is_calibrated(facts.confidence, facts.state, contradicted=contradicted):
        return word
    return words("case.confidence_text", word=word, value=words.number(facts.confidence, 2))


def reviewed_text(words: Words, band: StatedBand) -> str:
    """How many of the reviewed alerts that stated so much were right, with the interval of their share."""
    return words.count(
        "reading.reviewed",
        band.reviewed,
        band=band_text(words, band.low),
        held=words.number(band.borne_out),
        least=words.percent(band.least),
        most=words.percent(band.most),
    )


def band_text(words: Words, low: float) -> str:
    """A band of confidence by its lower end, as part of a sentence."""
    above = [edge for edge in BANDS if edge > low]
    if low < CALIBRATED_FROM:
        return words("reading.band_words", high=words.percent(CALIBRATED_FROM))
    if not above:
        return words("reading.band_top", low=words.percent(low))
    return words("reading.band", low=words.percent(low), high=words.percent(above[0]))


def size(words: Words, facts: EventRecord) -> str:
    """The one figure that says how big: the length of a line, the ground of everything else."""
    return words.ground(facts.area_m2) if facts.length_m is None else words.length(facts.length_m)


def between(words: Words, facts: EventRecord) -> str:
    """The interval of the area."""
    return words("case.between", low=words.ground(facts.area_m2_low), high=words.ground(facts.area_m2_high))


def rests_on(words: Words, facts: EventRecord) -> str:
    """What the confidence rests on: how many looks of which instrument, and between which days."""
    scenes = [scene_name(scene) for scene in facts.scenes]
    days = sorted(scene.day for scene in scenes if scene.day is not None)
    counted = Counter(scene.sensor for scene in scenes)
    looks = [words.count("case.looks", n, sensor=words.sensor(name)) for name, n in sorted(counted.items())]
    if not looks:
        return words("case.rests_on_nothing")
    said = words("case.rests_on", looks=words.listing([brief(look) for look in looks[:4]]))
    if days:
        said = words("case.rests_between", said=said, first=words.day(days[0]), last=words.day(days[-1]))
    both = len([name for name in counted if words.has(f"sensors.{name}")]) > 1
    return words("case.rests_both", said=said) if both else said


def picture_caption(words: Words, chip: Chip) -> str:
    """What a picture shows beyond its day and instrument, empty when that is all."""
    if not chip.caption:
        return ""
    key = f"picture.kind_{chip.caption}"
    said = words(key) if words.has(key) else brief(chip.caption, 120)
    return words.count("picture.averaged", chip.looks, what=said) if chip.looks > 1 else said


def series_name(words: Words, label: str) -> str:
    """A measure's name in this language, or the label itself."""
    key = f"series.{label}"
    return words(key) if words.has(key) else brief(label)


def name_of(words: Words, criterion: str) -> str:
    """A criterion's name in this language, or its own with spaces."""
    key = f"criteria.{criterion}"
    return words(key) if words.has(key) else criterion.replace("_", " ").replace("-", " ")


def seen_weeks(words: Words, good: int, known: int, *, is_rough: bool) -> str:
    """In how many of the weeks on record a place was seen well enough; by thirds alone where it is `is_rough`."""
    if not is_rough or not known:
        return words.count("seen.summary", known, good=good)
    return words(f"seen.rough_{('few', 'some', 'most')[min(3 * good // known, 2)]}")


def seen_summary(words: Words, place: AreaSection) -> str:
    """In how many weeks the place was seen well enough, and when last clearly."""
    counted = seen_weeks(words, place.weeks_good, place.weeks_known, is_rough=not place.strip)
    last = place.look.last_clear_look
    if not place.weeks_known:
        return counted
    return f"{counted} {words('seen.last_look', day=words.day(last))}" if last else f"{counted} {words('seen.never')}"


def chart_title(words: Words, chart: Chart) -> str:
    """What the chart shows, and in which unit."""
    label, unit = series_name(words, chart.label), brief(chart.unit, UNIT_LETTERS)
    return words("chart.title", label=label, unit=unit) if unit else words("chart.title_plain", label=label)


def chart_text(words: Words, chart: Chart, facts: EventRecord) -> str:
    """The chart for those who do not see it."""
    told = chart.summary
    sentences = [
        words.count(
            "chart.desc",
            told.count,
            first=words.day(told.first),
            last=words.day(told.last),
            low=_value(words, chart, told.low),
            high=_value(words, chart, told.high),
        ),
        _last_value(words, chart),
        words("chart.desc_first_seen", day=words.day(facts.first_seen)),
    ]
    if facts.confirmed_on is not None:
        sentences.append(words("chart.desc_confirmed", day=words.day(facts.confirmed_on)))
    return " ".join(sentences)


def total_text(words: Words, chart: Chart) -> str:
    """A running total for those who do not see its chart."""
    told = chart.summary
    last = _value(words, chart, told.value)
    return words("growth.total_text", first=words.day(told.first), last=words.day(told.last), value=last)


def tick_label(words: Words, tick: DayTick) -> str:
    """A month, with its year where it begins one."""
    month = words.short_month(tick.day)
    return words("chart.tick_year", month=month, year=tick.day.year) if tick.with_year else month


def _last_value(words: Words, chart: Chart) -> str:
    told = chart.summary
    value = _value(words, chart, told.value)
    if told.expected is None or told.margin is None:
        return words("chart.desc_last", value=value)
    foretold, margin = _value(words, chart, told.expected), _value(words, chart, told.margin)
    return words("chart.desc_expected", value=value, foretold=foretold, margin=margin)


def _value(words: Words, chart: Chart, value: float) -> str:
    number = words.number(value, chart.summary.decimals)
    return f"{number} {brief(chart.unit, UNIT_LETTERS)}" if chart.unit else number
