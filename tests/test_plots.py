"""Figures: small, with alternative text, and apart for everybody."""

import base64
import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from mqlab import plots

ALT = "Line of a sine over time, which rises, falls and rises again."


@pytest.fixture
def shown(monkeypatch):
    """What show() displays, as (data, metadata)."""
    calls = []
    monkeypatch.setattr(plots, "display", lambda data, metadata, raw: calls.append((data, metadata)))
    return calls


def figure():
    plots.use_style()
    fig, ax = plt.subplots()
    x = np.linspace(0, 10, 400)
    for shift in range(4):
        ax.plot(x, np.sin(x + shift))
    return fig


def test_show_keeps_the_alternative_text_and_closes_the_figure(shown):
    fig = figure()
    plots.show(fig, ALT)
    data, metadata = shown[0]
    assert metadata == {"image/png": {"alt": ALT}} and data["text/plain"] == f"Figure: {ALT}"
    assert not plt.fignum_exists(fig.number)
    png = data["image/png"]
    png = png if isinstance(png, bytes) else base64.b64decode(png)
    assert Image.open(io.BytesIO(png)).size == (720, 360) and len(png) < 60_000


def test_the_same_figure_gives_the_same_bytes(shown):
    plots.show(figure(), ALT)
    plots.show(figure(), ALT)
    assert shown[0][0] == shown[1][0]


def test_alternative_text_must_say_something(shown):
    with pytest.raises(ValueError, match="at least eight words"):
        plots.show(figure(), "A plot.")
    assert not shown
    plt.close("all")


def test_series_stay_apart_without_colour():
    plots.use_style()
    cycle = list(plt.rcParams["axes.prop_cycle"])
    assert len({str(style["linestyle"]) for style in cycle}) == len(cycle)
    assert len({style["color"] for style in cycle}) == len(cycle)


def test_colours_stay_apart_for_the_colour_blind():
    """Simulated by the matrices of Vienot, Brettel and Mollon (1999) for protanopia and deuteranopia, in linear RGB."""
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    colours = np.array([to_rgb(style["color"]) for style in plt.rcParams["axes.prop_cycle"]]) ** 2.2
    for matrix in (np.eye(3), protan, deutan):
        seen = np.clip(colours @ matrix.T, 0, 1) ** (1 / 2.2)
        apart = [np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]]
        assert min(apart) > 0.1, f"two colours are {min(apart):.2f} apart"


def test_title_is_broken_into_lines():
    fig, ax = plt.subplots()
    plots.title(ax, "word " * 30)
    lines = ax.get_title(loc=plt.rcParams["axes.titlelocation"]).splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 70
    plt.close(fig)
