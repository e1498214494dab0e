"""`molgen optimize`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molgen.cli.options import Config, Seed, Set

if TYPE_CHECKING:
    from molgen.optimize.search import Request

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
Objective = Annotated[Path | None, typer.Option("--objective", help="YAML file of components and filters.")]
Budget = Annotated[int | None, typer.Option("--budget", help="Distinct molecules that may be scored.")]
Model = Annotated[str | None, typer.Option("--model", help="What it draws on: folder or shipped name.")]
Start = Annotated[Path | None, typer.Option("--start", help="Molecules to start from, instead of draws of the model.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder to write; appears only when whole.")]
STRATEGIES = "hybrid, latent, guided, genetic, reinforce, best-of-n"  # those of `strategy`, in the order of the docs
SHOWN = 5


@app.callback(invoke_without_command=True)
def optimize(
    context: typer.Context,
    objective: Objective = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help=f"One of {STRATEGIES}.")] = None,
    budget: Budget = None,
    out: Out = None,
    model: Model = None,
    start: Start = None,
    seed: Seed = 0,
    config: Config = None,
    changes: Set = None,
) -> None:
    """Search for the best molecules under an objective, within a budget of scored molecules.

    The same command goes on where a stopped one was. Settings: `strategy.KEY` of the strategy, `search.KEY` else.

    \b
    Examples:
      molgen optimize --objective celecoxib_like.yaml --strategy hybrid --budget 2000 --out search
      molgen rank search/experience.parquet --top 100 --out candidates.parquet
      molgen optimize compare --objective druglike.yaml --budget 500 --seeds 3 --out comparison
    """
    if context.invoked_subcommand is not None:
        return
    if strategy is None:
        from molgen.core.errors import InputError

        raise InputError("--strategy is missing; hybrid needs the fewest calls (docs/verbs/optimize.md)")
    from molgen.optimize.search import optimize as run

    request = _request(objective, strategy, budget, model, start, seed, config, changes)
    place = _given(out, "--out")
    found = run(request, place)
    print(f"{place}: {found['calls']:,} of {found['budget']:,} calls ({found['ended']})", end="")
    print(f"; {found['passed']:,} molecules pass; best {found['best']:.3f}, best ten {found['top10']:.3f}", end="")
    print(f", area {found['auc_top10']:.3f}")
    print(f"  {found['front']:,} of them on the Pareto front, hypervolume {found['hypervolume']:.3f}")
    for smiles in found["best_molecules"][:SHOWN]:
        print(f"  {smiles}")


@app.command()
def compare(
    objective: Objective = None,
    budget: Budget = None,
    out: Out = None,
    strategies: Annotated[str, typer.Option("--strategies", help="Names with commas between.")] = "hybrid,genetic",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Searches a strategy.")] = 3,
    model: Model = None,
    start: Start = None,
    seed: Seed = 0,
    config: Config = None,
    changes: Set = None,
) -> None:
    """Run the same search with several strategies and seeds; a table and a picture of mean and spread.

    \b
    molgen optimize compare --objective druglike.yaml --strategies hybrid,best-of-n --budget 500 --out comparison
    """
    from molgen.optimize.compare import compare as run

    names = [name.strip() for name in strategies.split(",") if name.strip()]
    request = _request(objective, names[0] if names else "", budget, model, start, seed, config, changes)
    place = _given(out, "--out")
    rows = run(request, names, seeds, place)
    print(f"{'strategy':<12} {'calls':>8} {'best':>7} {'best ten':>16} {'area':>16} {'hypervolume':>16}")
    for row in rows:
        cells = [f"{row[k]:8.3f} ± {row[f'{k}.deviation']:5.3f}" for k in ("top10", "auc_top10", "hypervolume")]
        print(
            f"{row['strategy']:<12} {row['calls']:>8,.0f} {row['best']:>7.3f} "
            + " ".join(f"{cell:>16}" for cell in cells)
        )
    print(f"{place}/comparison.svg")


def _request(
    objective: Path | None,
    strategy: str,
    budget: int | None,
    model: str | None,
    start: Path | None,
    seed: int,
    config: Path | None,
    changes: list[str] | None,
) -> Request:
    from molgen.core.errors import SettingsError, nearest
    from molgen.core.settings import Settings, read_yaml
    from molgen.optimize.search import Request
    from molgen.optimize.settings import SearchSettings
    from molgen.scoring.objective import Objective as Parsed

    values = Settings.overrides(changes or [], read_yaml(config) if config else {})
    for key in values:
        if key not in ("strategy", "search"):
            raise SettingsError(f"settings: unknown section {key!r}{nearest(key, ['strategy', 'search'])}")
    search = SearchSettings.parse(values.get("search") or {}, where="search")
    own = values.get("strategy") or {}
    parsed = Parsed.read(_given(objective, "--objective"))
    return Request(parsed, strategy, _given(budget, "--budget"), model, start, seed, own, search)


def _given(value: Any, option: str) -> Any:
    """The value of an option that must be there (`compare` stands beside, so the parser cannot ask for it)."""
    if value is None:
        from molgen.core.errors import InputError

        raise InputError(f"{option} is missing")
    return value
