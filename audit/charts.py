"""Charts as SVG inside a page: no script, no network, the same bytes for the same figures; text stays text.

    with chart(8, 3) as (figure, axes):
        axes.barh(...)
    html = figure_svg(figure, "各担当の件数")
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that people with any colour vision can tell apart (Okabe and Ito, 2008).
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8a8f98"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY)
_FONTS = ["Noto Sans CJK JP", "Yu Gothic UI", "Meiryo", "Hiragino Sans", "IPAexGothic", "DejaVu Sans"]


@contextmanager
def chart(width: float, height: float, **grid: object) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure (inches) and its axes in the house style; `grid` as for Figure.subplots (then axes is an array)."""
    import logging

    import matplotlib as mpl
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # the reader's browser has the fonts, this machine need not
    style = {
        "svg.fonttype": "none", "svg.hashsalt": "kokuho-audit", "font.family": "sans-serif", "font.sans-serif": _FONTS, "font.size": 10,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#9aa0a6", "axes.grid": True, "axes.axisbelow": True,
        "grid.color": "#e6e8eb", "grid.linewidth": 0.8, "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
        "xtick.color": "#5f6368", "ytick.color": "#3c4043", "legend.frameon": False, "axes.prop_cycle": mpl.cycler(color=PALETTE),
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots(**grid)


def figure_svg(figure: Figure, description: str) -> str:
    """Return a figure as an <svg> element that scales with the page; the description is read out to those who cannot see it."""
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "kokuho-audit", "font.family": "sans-serif", "font.sans-serif": _FONTS}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # text stays text: the reader's fonts draw it
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = out.getvalue()[out.getvalue().index("<svg"):]
    svg = re.sub(r'\swidth="[^"]*" height="[^"]*"', "", svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(description, quote=True)}" style="max-width:100%;height:auto"', 1)
