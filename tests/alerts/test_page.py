"""Mail as it reads on a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from aois.week import Week
from flows.alerts import Setting, digest
from flows.alerts.message_page import page
from flows.records.ids import AlertId

CHROMIUM = Path("/usr/bin/chromium")
WIDTH, HEIGHT = 360, 640
SIZES = "[...document.querySelectorAll('p, div, h1, h2')].map(e => parseFloat(getComputedStyle(e).fontSize))"


def mail(feature, **said):
    places = [
        feature(alert_id=f"al-{n:012x}", area_id=f"a-place-with-a-rather-long-name-{n // 2}", state=state)
        for n, state in enumerate(["confirmed", "provisional", "retracted"])
    ]
    link = "https://desk.example.org/acknowledge?token=" + "x" * 120
    return digest(
        places,
        Week(2026, 47),
        Setting("https://watch.example.org/2026-W47", links={AlertId("al-" + "0" * 12): link}, **said),
    )


def test_what_comes_from_outside_is_escaped(feature):
    html = page(digest([feature(area_id="<script>alert(1)</script>")], Week(2026, 47), Setting("x<b>")))
    assert "<script>" not in html
    assert "<b>" not in html


def test_a_page_says_all_that_the_text_says_and_loads_nothing(feature):
    message = mail(feature)
    html = page(message)
    for line in (*message.opening, *(line for place in message.places for one in place.alerts for line in one[:5])):
        assert line in html
    assert "<img" not in html
    assert "<link" not in html
    assert "url(" not in html


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium; apt-get install chromium")
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_mail_fits_a_telephone_and_asks_nobody_for_anything(feature, lang):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.set_content(page(mail(feature, lang=lang)))
        width = opened.evaluate("document.documentElement.scrollWidth")
        sizes = opened.evaluate(
            "[...document.querySelectorAll('p, div, h1, h2')].map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        title = opened.locator("h1").bounding_box()
        browser.close()
    assert width <= WIDTH
    assert min(sizes) >= 16
    assert title["y"] + title["height"] < HEIGHT / 3
    assert asked == []
