"""`molgen doctor`."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def doctor() -> None:
    """What this machine has of what molgen can use: versions, devices, memory, scratch, weights, optional parts.

    \b
    molgen doctor                        # here
    srun --gpus=1 molgen doctor          # on a node
    """
    from molgen.core.errors import MachineError
    from molgen.doctor import examine

    findings = examine()
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = {"ok": " ", "absent": "-", "broken": "!"}[finding.state]
        print(f"{mark} {finding.subject:<{width}}  {finding.found}")
        if finding.advice:
            print(f"  {'':<{width}}  -> {finding.advice}")
    if broken := [finding.subject for finding in findings if finding.state == "broken"]:
        raise MachineError(f"doctor: {', '.join(broken)}: broken; the lines with ! say what to do")
