"""What a learner sees: JupyterLab as `make lab` starts it, driven in a real browser.

Needs chromium; nothing is downloaded. With MQLAB_SCREENSHOTS=folder every lesson is run and its screenshots are kept
there; without it only the first one is, since nbval runs them all.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.leftovers import Watch

ROOT = Path(__file__).resolve().parents[1]
SLUGS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
SHOWN = SLUGS if os.environ.get("MQLAB_SCREENSHOTS") else SLUGS[:1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these the browser looks up its maker's services; as root, as in a container, it has no sandbox.
FLAGS = """--disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync""".split()
# Clicking Run > Run All is unreliable, since the click may come before the session is ready. The application
# itself says when it is, and its command's promise ends with the last cell.
RUN_ALL = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  await app.commands.execute('notebook:run-all-cells');
  const cells = panel.content.widgets.filter(c => c.model.type === 'code').map(c => c.model.toJSON());
  const outputs = cells.flatMap(c => c.outputs);
  return {
    cells: cells.length,
    executed: cells.filter(c => c.execution_count).length,
    errors: outputs.filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue),
    stderr: outputs.filter(o => o.name === 'stderr').map(o => String(o.text)),
    figures: outputs.filter(o => o.data && o.data['image/png']).length,
  };
}"""
# JupyterLab covers a page with a spinner until it is ready, and renders cells as they come into view: a picture taken
# at once may show nothing. (wait_for_function does not wait for a promise: any promise counts as true.)
OPENED = """() => !document.querySelector('.jp-Spinner') && ['.jp-RenderedMarkdown h1', '.jp-CodeCell']
  .every(part => document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) ' + part))"""
PAINTED = "() => new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 300))"
FIGURES_SHOWN = """() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea img')]
  .filter(img => img.complete && img.naturalWidth > 100 && img.getBoundingClientRect().width > 100).length"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the pages, so that saving spoils nothing, in a path with a space and a letter outside ASCII."""
    folder = tmp_path_factory.mktemp("lab") / "Kursus é"
    caches = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", ".*", "tests", "mqlab")
    shutil.copytree(ROOT, folder, ignore=caches)
    return folder


@pytest.fixture(scope="module")
def lab(course):
    """(process, address) of a JupyterLab whose user has no settings yet; ended with all its children."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, watch, home = secrets.token_hex(16), Watch(course), course.parent
    log = home / "jupyterlab.log"
    command = [sys.executable, str(course / "tools" / "lab.py"), "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    own = {name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    environment = {**os.environ, **watch.env, **own}
    environment.pop("PYTEST_CURRENT_TEST", None)
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=1).read()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield server, f"http://127.0.0.1:{port}", token
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        left = [line for line in watch.left() if line.startswith("process")]
        watch.close()
    assert not left, f"left behind: {left}"


@pytest.fixture(scope="module")
def browser():
    """A headless browser of this machine."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no browser found: apt install chromium, to see the lessons as a learner does")
    from playwright.sync_api import sync_playwright

    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, lab):
    """A new page; (page, address of the server with the token)."""
    _, address, token = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(60_000)
    yield page, address, token
    page.close()


@pytest.fixture
def screenshot(tmp_path):
    """Where this test puts its pictures."""
    folder = Path(os.environ.get("MQLAB_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page, name: str) -> None:
        page.evaluate(PAINTED)
        page.screenshot(path=folder / f"{name}.png")

    return take


def test_lesson_01_is_one_click_away(page, screenshot):
    """The address that `make lab` opens shows the contents; one click on the first lesson's link opens it."""
    page, address, token = page
    page.goto(f"{address}/?token={token}")
    link = page.locator(f'.jp-MarkdownViewer a[href*="{SLUGS[0]}"]').first
    link.wait_for()
    page.wait_for_function("() => window.jupyterapp !== undefined")
    page.evaluate("() => window.jupyterapp.restored.then(() => true)")
    screenshot(page, "contents")
    assert page.locator(".jp-MarkdownViewer table").count() >= 1, "the contents are not shown as a table"
    assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0, "something stands in the way of the contents"
    link.click()
    page.wait_for_function(OPENED)
    screenshot(page, "first-click")
    assert page.evaluate("window.jupyterapp.shell.currentWidget.context.path") == f"notebooks/{SLUGS[0]}.ipynb"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("slug", SHOWN)
def test_run_all(slug, page, screenshot):
    """Run All: every cell executed, no error, no warning, every figure on the screen."""
    page, address, token = page
    page.goto(f"{address}/lab/tree/notebooks/{slug}.ipynb?token={token}&reset")
    page.wait_for_function(OPENED)
    screenshot(page, f"{slug}-opened")
    result = page.evaluate(RUN_ALL)
    assert result["errors"] == [] and result["stderr"] == []
    assert result["executed"] == result["cells"] > 0
    assert result["figures"] > 0
    page.wait_for_function(f"({FIGURES_SHOWN})() === {result['figures']}")
    pictures = page.locator(".jp-OutputArea img")
    for number in range(result["figures"]):
        for _ in range(2):  # the first time renders cells above it, which move it
            pictures.nth(number).scroll_into_view_if_needed()
            page.evaluate(PAINTED)
        screenshot(page, f"{slug}-figure-{number + 1}")
