"""A message as a page for mail programs: one column, no pictures, nothing from another host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from flows.alerts.digest import Message

TEMPLATES = Path(__file__).parent / "templates"


def page(message: Message) -> str:
    """The message as HTML that reads on a telephone; every text in it is escaped."""
    return _template().render(message=message)


@cache
def _template() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("mail.html")
