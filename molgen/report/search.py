"""A search as the report tells of it: what `optimize` scored, how its best grew, how many trade-offs it found."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from molgen.report.run import Run


def search_section(run: Run) -> str:
    """Figures of the search and its curve; nothing where the candidates are not of one."""
    search = run.search
    if search is None:
        return ""
    says = (
        f"A search with the strategy {escape(search.strategy)} scored {search.calls:,} of at most {search.budget:,} "
        f"distinct molecules ({escape(search.ended)}); {search.passed:,} pass the filters."
    )
    if search.best is not None and search.top10 is not None:
        says += f" The best has a score of {search.best:.3f}, the mean of the best ten is {search.top10:.3f}."
    says += (
        f" Each of the {search.front:,} on the Pareto front (front.parquet) has no other that is as good in every "
        "component and better in one; "
        f"together they cover {search.hypervolume:.3f} of all combinations of desirabilities."
    )
    curve = run.folder / "curve.svg"
    figure = ""
    if curve.is_file():  # as a picture, so that nothing in it can run
        data = b64encode(curve.read_bytes()).decode()
        figure = f'<img alt="Mean of the best ten against molecules scored" src="data:image/svg+xml;base64,{data}">'
    return f"<div class='asked'><h3>The search</h3><p class='about'>{says}</p>{figure}</div>"
