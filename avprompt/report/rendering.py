"""Templates of pages and cards, filled in."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from avprompt.runs.result_table import spoken


def rendered(template: str, **values: Any) -> str:
    """Return a template of `avprompt/report/templates` with its values, those of HTML escaped."""
    environment = Environment(
        loader=PackageLoader("avprompt.report"),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["spoken"] = spoken
    return environment.get_template(template).render(values)
