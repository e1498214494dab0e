"""`molgen feedback`: learn what chemists like from their decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Seed, Set

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def feedback(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or a decisions.json of the page.")],
    out: Out,
    config: Config = None,
    set_: Set = None,
    seed: Seed = 0,
) -> None:
    """Learn what chemists like from their decisions.

    A preference model for an objective: a component of the type `preference`.

    \b
    molgen feedback results/demo --out results/demo/preference
    """
    from molgen.feedback import FeedbackSettings
    from molgen.feedback import feedback as learn

    found = learn(run, out, FeedbackSettings.load(config, set_ or ()), seed=seed)
    print(f"{found['molecules']:,} judged molecules of {found['reviewers']} reviewers, {found['pairs']:,} pairs")
    if found["accuracy"] is None:
        print("not cross-validated: too few scaffolds with both good and bad molecules")
    else:
        score = found["accuracy_of_score"]
        beside = f"; the objective's score: {100 * score:.0f} %" if score is not None else ""
        print(
            f"of two molecules of unseen scaffolds it puts the better one first in {100 * found['accuracy']:.0f} % "
            f"of {found['unseen_pairs']:,} pairs{beside}; 50 % is chance"
        )
    print(f"wrote {out}; in an objective: {{type: preference, model_file: {out}}}")
