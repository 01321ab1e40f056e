"""A picture with heat as SVG: the picture inside, and below it a legend whose words stay words."""

from __future__ import annotations

import base64
import io
from html import escape

from PIL import Image

from avprompt.pictures.overlay import CONTOUR, MAGMA
from avprompt.pictures.text import INK, MUTED

_PAGE = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \
width="{width}" height="{total}" viewBox="0 0 {width} {total}" font-family="sans-serif" font-size="{size}">
<defs><linearGradient id="heat">{stops}</linearGradient></defs>
<rect width="{width}" height="{total}" fill="#ffffff"/>
<image width="{width}" height="{height}" xlink:href="data:image/png;base64,{data}"/>
<g fill="{muted}"><text x="{x0}" y="{y0}">heat 0</text>
<rect x="{x1}" y="{bar_top}" width="{bar}" height="{size}" fill="url(#heat)"/><text x="{x2}" y="{y0}">1</text>
<line x1="{x3}" x2="{x4}" y1="{middle}" y2="{middle}" stroke="{contour}" stroke-width="{thick}"/>
<text x="{x5}" y="{y0}">mask at {threshold:.2f}</text></g>
<text x="{x0}" y="{y1}" fill="{ink}">{name}<tspan dx="{size}" fill="{muted}">{remark}</tspan></text>
</svg>
"""


def svg_page(picture: Image.Image, threshold: float, name: str, remark: str) -> str:
    """Return a page as SVG.

    Args:
        picture: with its heat.
        threshold: of the mask whose contour is drawn in it.
        name: of the clip.
        remark: beside the name.
    """
    content = io.BytesIO()
    picture.save(content, "PNG")
    size = round(max(picture.width / 44, 11))
    places = {f"x{number}": round(factor * size) for number, factor in enumerate((1, 5, 13, 15, 17, 18))}
    step = 100 / (len(MAGMA) - 1)
    stops = [
        f'<stop offset="{number * step:g}%" stop-color="#{r:02x}{g:02x}{b:02x}"/>'
        for number, (r, g, b) in enumerate(MAGMA.tolist())
    ]
    return _PAGE.format(
        width=picture.width,
        height=picture.height,
        total=picture.height + 4 * size,
        size=size,
        stops="".join(stops),
        data=base64.b64encode(content.getvalue()).decode(),
        bar=7 * size,
        bar_top=picture.height + round(0.5 * size),
        y0=picture.height + round(1.35 * size),
        y1=picture.height + round(3.35 * size),
        middle=picture.height + size,
        thick=max(2, size // 5),
        threshold=threshold,
        contour=CONTOUR,
        ink=INK,
        muted=MUTED,
        name=escape(name),
        remark=escape(remark),
        **places,
    )
