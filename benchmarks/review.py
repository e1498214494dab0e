"""The chemist's page at 5,000 and 50,000 molecules: first grid, filter, sort, structure search, sizes, memory.

    python benchmarks/review.py MOLECULES.smi [--n 50000]

Times in the page are by the clock, which means something on a quiet machine only, and of the page's thread; those of
the server are CPU times. The sheet is made here from the SMILES with columns that are cheap; what a first start of
`molgen review` computes besides is not part of this.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import uvicorn
from rdkit import Chem

from molgen.chem.scaffolds import murcko
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
    """A sheet with twelve columns of numbers; the values do not matter here, only that they are all different."""
    n = len(smiles)
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    texts = [Chem.MolToSmiles(m) for m in mols]
    numbers = {f"value {k}": pa.array([((i * 7919 + k) % n) / n for i in range(n)]) for k in range(5)}
    empty = [[] for _ in texts]
    return sheet_of(
        pa.table(
            {
                "smiles": texts,
                "inchikey": [f"{i:014d}" for i in range(n)],
                "scaffold": [murcko(m) for m in mols],
                "alerts": pa.array(empty, pa.list_(pa.string())),
                "alert_atoms": pa.array(empty, pa.list_(pa.list_(pa.int32()))),
                "rank": range(1, n + 1),
                "score": [1 - i / n for i in range(n)],
                "heavy_atoms": [float(m.GetNumAtoms()) for m in mols],
                "MW": [sum(a.GetMass() for a in m.GetAtoms()) for m in mols],
                "rings": [float(m.GetRingInfo().NumRings()) for m in mols],
                **numbers,
                "QED.desirability": [1 - i / n for i in range(n)],
                "QED": [1 - i / n for i in range(n)],
                "nearest": pa.array([None] * n, pa.string()),
                "near": pa.array(empty, NEAR),
                "map_x": [float(i % 100) for i in range(n)],
                "map_y": [float(i // 100) for i in range(n)],
                "group": [i // 3 for i in range(n)],
            }
        )
    )


# What is done in the page, in turn; each leaves something else behind for the next.
ACTIONS = {
    "range filter": "() => { state.ranges.set('MW', [300, 350]); update(); }",
    "range filter off": "() => { state.ranges.clear(); update(); }",
    "first text filter": "() => { state.query = 'zzz'; update(); }",
    "text filter": "() => { state.query = 'c1ccncc1'; update(); }",
    "text filter off": "() => { state.query = ''; update(); }",
    "sort": "() => setSort('MW', true)",
    "group by scaffold": "() => { setSort('rank', false); state.group = 'scaffold'; update(); }",
    "group off": "() => { state.group = ''; update(); }",
    "to the middle": "() => { scrollTo(0, document.body.scrollHeight / 2); paint(); }",
    "decide": "() => decide(entries[0].row, 'like')",
}
STRUCTURE = (
    "async (query) => { const t = performance.now(); const rows = await backEnd.substructure(query);"
    " return [performance.now() - t, rows.length]; }"
)


def actions(tab: Any, session: Any) -> dict[str, Any]:
    """For each action: milliseconds by the clock, and of the page's thread."""

    def thread() -> float:
        metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        return 1e3 * metrics["TaskDuration"]

    found: dict[str, Any] = {"first grid": [tab.evaluate("performance.now()"), thread()]}
    for name, action in ACTIONS.items():
        before = thread()
        clock = tab.evaluate(f"() => {{ const t = performance.now(); ({action})(); return performance.now() - t; }}")
        found[name] = [clock, thread() - before]
    for query in QUERIES:
        found[f"structure {query}"] = tab.evaluate(STRUCTURE, query)
    found["cards made"] = tab.evaluate("document.querySelectorAll('.card').length")
    found["heap MB"] = tab.evaluate("performance.memory.usedJSHeapSize / 1e6")
    return found


def measure(sheet: Sheet) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    run = Run(Path(tempfile.mkdtemp()))
    table = payload(run, sheet, key="benchmark", title="benchmark")
    text = json.dumps(table, allow_nan=False, separators=(",", ":")).encode()
    found: dict[str, Any] = {"n": len(sheet), "table_mb": len(text) / 1e6, "gzip_mb": len(gzip.compress(text, 5)) / 1e6}
    library = Library(sheet)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    library.prepare()
    found["search_prepared_cpu_s"] = time.process_time() - started
    for query in QUERIES:
        started = time.process_time()
        rows = library.substructure(query)
        found[f"structure_cpu_ms {query}"] = [round(1e3 * (time.process_time() - started), 1), len(rows)]
    found["server_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    found["of_it_search_mb"] = found["server_mb"] - before / 1e3
    page = server_page(run, sheet, [], {"readonly": False}, title="benchmark")
    listening = open_port("127.0.0.1", 0)
    app = application(page, table, library, Events(run.folder / "d.sqlite"))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, args=([listening],), daemon=True).start()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.set_default_timeout(300_000)
        session = tab.context.new_cdp_session(tab)
        session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        session.send("Performance.enable")
        tab.goto(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        tab.wait_for_selector("html[data-ready]")
        tab.wait_for_selector(".card svg.mol")
        found["page, ms by the clock and of its thread"] = actions(tab, session)
        browser.close()
    server.should_exit = True
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("molecules", type=Path)
    parser.add_argument("--n", type=int, nargs="+", default=[5_000, 50_000])
    asked = parser.parse_args()
    smiles = [line.split()[0] for line in asked.molecules.read_text().splitlines() if line.strip()]
    for n in asked.n:
        print(json.dumps(measure(sheet_from(smiles[:n])), indent=1), flush=True)


if __name__ == "__main__":
    main()
