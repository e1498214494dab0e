"""The chemist's page at 5,000 and 50,000 molecules: first grid, filter, sort, structure search, sizes, memory.

    python benchmarks/review.py MOLECULES.smi [--n 50000]

Times by the clock mean something on a quiet machine only; CPU times stand beside them. The sheet is made here, with
values made up; what a first start of `molgen review` computes is not part of this.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import uvicorn

from molgen.report.page import server_page
from molgen.report.payload import payload
from molgen.report.run import Run
from molgen.report.sheet import NEAR, Sheet, sheet_of
from molgen.review.events import Events
from molgen.review.library import Library
from molgen.review.review import open_port
from molgen.review.server import application

QUERIES = ("c1ccccc1", "C(=O)N", "[nH]", "C1CCNCC1", "c1ccc2ncccc2c1")


def sheet_from(smiles: list[str]) -> Sheet:
    """A sheet with columns of numbers that are all different, four molecules a scaffold; no chemistry is computed."""
    n = len(smiles)
    numbers = {f"value {k}": [((i * 7919 + 31 * k) % n) / n for i in range(n)] for k in range(12)}
    none = pa.array([[]] * n, pa.list_(pa.string()))
    columns = {
        "smiles": smiles,
        "inchikey": [f"{i:014d}" for i in range(n)],
        "scaffold": [f"scaffold {i // 4}" for i in range(n)],
        "alerts": none,
        "alert_atoms": pa.array([[]] * n, pa.list_(pa.list_(pa.int32()))),
        "rank": range(1, n + 1),
        "score": [1 - i / n for i in range(n)],
        "MW": [200 + 300 * (i * 7919 % n) / n for i in range(n)],
        **numbers,
        "value 0.desirability": numbers["value 0"],
        "nearest": pa.array([None] * n, pa.string()),
        "near": pa.array([[]] * n, NEAR),
        "map_x": [float(i % 100) for i in range(n)],
        "map_y": [float(i // 100) for i in range(n)],
        "group": [i // 3 for i in range(n)],
    }
    return sheet_of(pa.table(columns))


REPEATS = 5
ACTIONS = {
    "range filter": "() => { state.ranges.set('MW', [300, 300 + 50 * Math.random()]); update(); }",
    "all again": "() => { state.ranges.clear(); state.query = ''; state.group = ''; update(); }",
    "text filter": "() => { state.query = 'c1ccncc1'; update(); }",
    "sort": "() => { state.query = ''; setSort('MW', !state.descending); }",
    "group by scaffold": "() => { state.group = 'scaffold'; update(); }",
    "to another place": "() => { state.group = ''; scrollTo(0, Math.random() * document.body.scrollHeight); paint(); }",
    "decide": "() => decide(entries[0].row, 'like')",
}


def renderers() -> set[int]:
    """Processes of Chromium that run pages."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
        except OSError:
            continue
    return found


def cpu_ms(processes: set[int]) -> float:
    """CPU time of processes, user and system."""
    ticks = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return 1e3 * ticks / os.sysconf("SC_CLK_TCK")


def actions(tab: Any, before: set[int]) -> dict[str, Any]:
    """For each action milliseconds by the clock, and CPU time of the page's process until it has painted; means."""
    mine = renderers() - before
    found: dict[str, Any] = {"first grid": [tab.evaluate("performance.now()"), cpu_ms(mine)]}
    for name, action in ACTIONS.items():
        started, clock = cpu_ms(mine), 0.0
        for _ in range(REPEATS):
            clock += tab.evaluate(
                f"() => {{ const t = performance.now(); ({action})(); return performance.now() - t; }}"
            )
            tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        found[name] = [round(clock / REPEATS, 1), round((cpu_ms(mine) - started) / REPEATS, 1)]
    found["cards made"] = tab.evaluate("document.querySelectorAll('.card').length")
    found["heap MB"] = tab.evaluate("performance.memory.usedJSHeapSize / 1e6")
    return found


def measure(sheet: Sheet, search: bool) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    run = Run(Path(tempfile.mkdtemp()))
    table = payload(run, sheet, key="benchmark", title="benchmark")
    text = json.dumps(table, allow_nan=False, separators=(",", ":")).encode()
    found: dict[str, Any] = {"n": len(sheet), "table_mb": len(text) / 1e6, "gzip_mb": len(gzip.compress(text, 5)) / 1e6}
    library = Library(sheet)
    if search:
        started = time.process_time()
        library.prepare()
        found["search prepared, CPU s"] = time.process_time() - started
        for query in QUERIES:
            started = time.process_time()
            rows = library.substructure(query)
            found[f"structure {query}, CPU ms"] = [round(1e3 * (time.process_time() - started), 1), len(rows)]
    page = server_page(run, sheet, [], {"readonly": False}, title="benchmark")
    listening = open_port("127.0.0.1", 0)
    app = application(page, table, library, Events(run.folder / "d.sqlite"))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, args=([listening],), daemon=True).start()
    before = renderers()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.set_default_timeout(300_000)
        tab.goto(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        tab.wait_for_selector("html[data-ready]")
        tab.wait_for_selector(".card svg.mol")
        found["page: ms by the clock, ms of CPU"] = actions(tab, before)
        browser.close()
    server.should_exit = True
    found["server MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("molecules", type=Path)
    parser.add_argument("--n", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--no-search", action="store_true", help="the page alone")
    asked = parser.parse_args()
    smiles = [line.split()[0] for line in asked.molecules.read_text().splitlines() if line.strip()]
    for n in asked.n:
        print(json.dumps(measure(sheet_from(smiles[:n]), not asked.no_search), indent=1), flush=True)


if __name__ == "__main__":
    main()
