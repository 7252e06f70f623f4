"""The page in a real browser: Debian's Chromium, driven by Selenium. Without either of them these tests are left out.

Nothing is fetched: the page is a file, the driver is the one beside the browser, and the profile is new.
"""

import importlib.util
import shutil
from itertools import product

import numpy as np
import pytest

from backprop_ref import Network, matrix
from backprop_ref.gate.check import check_network
from backprop_ref.gate.formats import html
from backprop_ref.gate.heatmap import COLOURS, levels
from backprop_ref.gate.mistakes import mistake

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
MISSING = [
    what
    for what, there in (
        ("Chromium (apt-get install chromium)", BROWSER),
        ("its driver (apt-get install chromium-driver)", DRIVER),
        ("Selenium (pip install selenium)", importlib.util.find_spec("selenium")),
    )
    if not there
]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"no browser to look with: install {', '.join(MISSING)}")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)


def gradient(weights, biases, X, Y, activation="sigmoid"):
    found = matrix.backprop_batch(Network.from_arrays(weights, biases, activation), X, Y)
    return [v.copy() for v in found.nabla_w.values()], [v.copy() for v in found.nabla_b.values()]


def one_entry_off(weights, biases, X, Y):
    nabla_w, nabla_b = gradient(weights, biases, X, Y)
    nabla_w[0][11, 500] *= 1 + 1e-6
    return nabla_w, nabla_b


def at_kink(weights, biases, X, Y):
    return gradient(weights, biases, X, Y, "relu")


def reports():
    rng = np.random.default_rng(0)
    digits, small = Network.random([784, 30, 10], seed=1), Network.random([3, 5, 4, 2], seed=1)
    kink = Network.from_arrays([np.eye(2), [[1.0, 1.0]]], [[0.0, 0.0], [1.0]], "relu")
    return {
        "agrees": check_network(small, rng.random((4, 3)), rng.random((4, 2)), gradient),
        "disagrees": check_network(digits, rng.random((5, 784)), np.eye(10)[:5], one_entry_off),
        "cannot tell": check_network(kink, np.eye(2), np.ones((2, 1)), at_kink),
    }


@pytest.fixture(scope="module")
def found():
    found = reports()
    assert {name: r.verdict for name, r in found.items()} == {name: name for name in found}
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def look(browser, tmp_path):
    """Opens the page of some reports at a width, light or dark, and returns a function that evaluates JavaScript in it."""

    def look(reports, width=1000, theme="light"):
        path = tmp_path / "report.html"
        path.write_text(html(reports, "backprop-ref gate mynet.py:gradient --sizes 784,30,10 --seed 7 --cost quadratic"), "utf-8")
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for kind in ("browser", "performance"):
            browser.get_log(kind)  # what came before
        browser.get(path.as_uri())
        return browser.execute_script

    return look


VIEWS = list(product((360, 1000), ("light", "dark")))


@pytest.mark.parametrize(("width", "theme"), VIEWS)
@pytest.mark.parametrize("verdict", ["agrees", "disagrees", "cannot tell"])
def test_the_verdict_is_the_first_thing_seen_and_nothing_is_wider_than_the_page(look, found, verdict, width, theme):
    js = look(found[verdict], width, theme)
    assert (
        js("return getComputedStyle(document.body).backgroundColor")
        == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[theme]
    )
    top, bottom, said = js(
        "const h = document.querySelector('h1'), b = h.getBoundingClientRect(); return [b.top, b.bottom, h.innerText]"
    )
    assert 0 <= top < bottom < 400
    assert said.split(" ", 1)[1].startswith(f"{verdict.upper()} ")
    assert js("return document.documentElement.scrollWidth") <= width


def weights_already_updated(weights, biases, X, Y):
    network = Network.from_arrays(weights, biases, "sigmoid")
    found = matrix.backprop_batch(network, X, Y, mistake("bp2-w-updated").equations(eta=1.0))  # a long formula
    return [v.copy() for v in found.nabla_w.values()], [v.copy() for v in found.nabla_b.values()]


def test_a_formula_fits_a_phone_and_its_parentheses_their_letters(look):
    rng = np.random.default_rng(0)
    report = check_network(Network.random([3, 5, 2], seed=1), rng.random((4, 3)), rng.random((4, 2)), weights_already_updated)
    js = look([report, report], 360)
    assert js("return document.documentElement.scrollWidth") <= 360
    wide, high = js("""const m = [...document.querySelectorAll('math')].map(m => m.getBoundingClientRect());
        return [Math.max(...m.map(r => r.width)), Math.max(...m.map(r => r.height))]""")
    assert wide > 200
    assert 10 < high < 60  # set, not spelt; and no parenthesis has grown


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_can_be_read(look, found, theme):
    """Contrast of text with what is behind it: at least 4.5, as WCAG 2.2 asks (1.4.3)."""
    js = look(list(found.values()), theme=theme)
    worst = js("""
        const linear = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
        const parts = s => s.match(/[\\d.]+/g).map(Number);
        const luminance = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
        const behind = e => { for (; e; e = e.parentElement) {
            const c = parts(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c } };
        let worst = [99, ''];
        document.querySelectorAll('details').forEach(d => d.open = true);
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const e = walk.currentNode.parentElement;
            if (!walk.currentNode.data.trim()) continue;
            const [a, b] = [luminance(parts(getComputedStyle(e).color)), luminance(behind(e))].sort((p, q) => q - p);
            const ratio = (a + .05) / (b + .05);
            if (ratio < worst[0]) worst = [ratio, walk.currentNode.data.trim()];
        }
        return worst;
    """)
    assert 4.5 <= worst[0] < 22, worst


def test_nothing_is_fetched_and_nothing_is_complained_about(look, browser, found):
    js = look(list(found.values()))
    assert js("return performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith('data:'))") == []
    assert browser.get_log("browser") == []
    assert js("return document.scripts.length + document.styleSheets.length") == 1  # one style, no script
    requests = [entry["message"] for entry in browser.get_log("performance") if "Network.requestWillBeSent" in entry["message"]]
    assert all('"url":"data:' in r or '"url":"file:' in r for r in requests)


READ = """
    const done = arguments[0];
    Promise.all([...document.querySelectorAll('svg.map')].map(async svg => {
        const picture = new Image();
        picture.src = svg.querySelector('image').getAttribute('href');
        await picture.decode();
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
        const context = canvas.getContext('2d');
        context.drawImage(picture, 0, 0);
        const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
        return {rows: canvas.height, columns: canvas.width, rgba: [...data], name: svg.getAttribute('aria-label'),
            rings: svg.querySelectorAll('.ring').length, drawn: svg.querySelector('image').getBoundingClientRect().toJSON()};
    })).then(done);
"""


@pytest.mark.parametrize("verdict", ["agrees", "disagrees", "cannot tell"])
@pytest.mark.parametrize("width", [360, 1000])
def test_the_browser_draws_every_entry_in_the_colour_of_its_level(look, browser, found, verdict, width):
    report = found[verdict]
    look(report, width)
    drawn = browser.execute_async_script(READ)
    assert len(drawn) == len(report.parts)
    palette = np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in COLOURS])
    for picture, part in zip(drawn, report.parts, strict=True):
        seen = np.array(picture["rgba"]).reshape(picture["rows"], picture["columns"], 4)[:, :, :3]
        assert np.array_equal(seen, palette[levels(part).reshape(seen.shape[:2])])
        assert picture["name"].startswith(f"Heat map of {part.label}, ")
        size = [(picture["drawn"][side], picture[n]) for side, n in (("width", "columns"), ("height", "rows"))]
        assert all(pixels >= points - 1e-3 for pixels, points in size)  # on a phone too: a map scrolls before a point is lost
    assert sum(picture["rings"] for picture in drawn) == report.count("disagrees") == (verdict == "disagrees")


def test_what_scrolls_can_be_reached_by_keyboard(look, found):
    js = look(found["disagrees"], 360)
    assert (
        js("""return [...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1
        && getComputedStyle(e).overflowX === 'auto' && e.tabIndex < 0).map(e => e.outerHTML.slice(0, 80))""")
        == []
    )


def test_the_ring_is_about_the_wrong_entry(look, found):
    js = look(found["disagrees"])
    places = js("""return [...document.querySelectorAll('.ring')].map(ring => {
        const map = ring.closest('svg').querySelector('image').getBoundingClientRect(), r = ring.getBoundingClientRect();
        return [(r.y + r.height / 2 - map.y) / map.height * 30, (r.x + r.width / 2 - map.x) / map.width * 784];
    })""")
    assert np.round(places, 3).tolist() == [[11.5, 500.5]]  # the middle of entry [11, 500], which one_entry_off changes
