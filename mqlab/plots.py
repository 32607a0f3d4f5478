"""The house style of every figure, and `show`, which keeps the alternative text with the picture.

The colours are Okabe and Ito's, chosen to stay apart for colour-blind readers (https://jfly.uni-koeln.de/color/); every
colour comes with a line style of its own, so that the figures also work in grey. Theory is always a thin black line.
"""

from __future__ import annotations

import io
import textwrap

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
HATCHES = ["", "///", "...", "xx", "\\\\", "++"]
THEORY = {"color": "black", "linestyle": (0, (4, 2)), "linewidth": 1.3, "zorder": 5}
LIMIT = {"color": "0.45", "linestyle": ":", "linewidth": 1.2}

STYLE = {
    "figure.figsize": (7.2, 3.6),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": cycler(color=[BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY])
    + cycler(linestyle=["-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)), (0, (5, 1))]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "font.size": 10,
    "hatch.linewidth": 0.6,
}


def use_style() -> None:
    """Set the house style for every figure that follows."""
    mpl.rcParams.update(STYLE)


def title(ax: plt.Axes, finding: str, width: int = 70) -> None:
    """Set the axes' title to `finding`, one sentence, broken into lines of at most `width` characters."""
    ax.set_title("\n".join(textwrap.wrap(finding, width)))


def show(fig: Figure, alt: str) -> None:
    """Display `fig` with `alt`, the text for those who do not see the picture, and close it.

    The text is stored beside the PNG twice: as the metadata from which nbconvert fills the alt attribute, and as the
    plain-text form of the output. nbval compares that text, so it names axes, series and shapes but no measured number.
    Raises ValueError where `alt` says too little to stand for a picture.
    """
    if len(alt.split()) < 8:
        raise ValueError("alt text must say what the axes and the series show: at least eight words")
    raw, png = io.BytesIO(), io.BytesIO()
    fig.savefig(raw, format="png", dpi=100)
    # A palette of 96 colours looks the same and takes a third of the bytes: forges do not render large notebooks.
    Image.open(raw).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(png, format="png", optimize=True)
    plt.close(fig)
    display(
        {"image/png": png.getvalue(), "text/plain": f"Figure: {alt}"}, metadata={"image/png": {"alt": alt}}, raw=True
    )
