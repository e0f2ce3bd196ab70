"""The report in a browser: charts are drawn, nothing is wider than the window, tables sort, trials are found."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.report import write_report
from bench.store import Store
from tests.plots.contents import every_plot, fill
from tests.shared.timing import patience

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]
WIDTHS = (1280, 800, 400)
# In a frame, because a window has a least width.
LOOK = """
<iframe style="border: 0; width: {width}px; height: 4000px" srcdoc="{page}"></iframe>
<pre id="seen"></pre>
<script>
const frame = document.querySelector("iframe");
const texts = (page, selector) => [...page.querySelectorAll(selector)].map((each) => each.innerText);
setTimeout(() => {{
  const page = frame.contentDocument;
  const head = page.querySelector("thead tr:last-child");
  const found = {{
    width: page.documentElement.scrollWidth,
    charts: page.querySelectorAll(".chart").length,
    drawn: page.querySelectorAll(".chart svg path").length > 0 ? page.querySelectorAll(".chart svg").length : 0,
  }};
  head.cells[1].click();
  found.sorted = texts(page, "table:first-of-type tbody tr td:nth-child(2)");
  const field = page.querySelector(".trials input");
  field.value = {word};
  field.dispatchEvent(new Event("input"));
  found.shown = page.querySelectorAll(".trials details[id]:not([hidden])").length;
  document.getElementById("seen").textContent = JSON.stringify(found);
}}, 4000);
</script>
"""


def test_what_a_reader_sees(tmp_path: Path) -> None:
    sweep = every_plot(tmp_path)
    store = Store.create(tmp_path / "store")
    fill(store, sweep)
    write_report(store, [sweep], tmp_path / "report.html")
    page = html.escape((tmp_path / "report.html").read_text(encoding="utf-8"))
    trial = sweep.trials[0]
    for width in WIDTHS:
        file = tmp_path / f"{width}.html"
        file.write_text(LOOK.format(width=width, page=page, word=json.dumps(trial.trial_id)), encoding="utf-8")
        seen = look(file, tmp_path / "profile")
        assert seen["width"] <= width
        assert seen["drawn"] == seen["charts"] > 2
        assert seen["shown"] == 1
        means = [float(found[0]) for text in seen["sorted"] if (found := re.match(r"[\d.]+", text))]
        assert means == sorted(means, reverse=True)
        assert len(means) > 1


def look(file: Path, profile: Path) -> dict[str, object]:
    """What the page says of itself once its scripts have run."""
    dumped = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            "--virtual-time-budget=10000", "--dump-dom", file.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=patience(),
    )  # fmt: skip
    said = re.search(r'<pre id="seen">(.*?)</pre>', dumped.stdout, re.DOTALL)
    assert said, dumped.stderr
    return json.loads(html.unescape(said[1]))
