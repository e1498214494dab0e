"""Named data sets: what there is, and where each file comes from (`sources.yaml` beside this file)."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from molgen.core.errors import InputError, nearest
from molgen.core.settings import Settings, read_yaml

SHIPPED = Path(__file__).with_name("sources.yaml")


class Source(Settings):
    """One place that a file can be had from: exactly one of `wheel`, `url` and `path`."""

    wheel: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")
    url: str | None = Field(default=None, pattern=r"^(https?|s?ftp)://|^doi:")
    path: str | None = None
    member: str | None = None
    format: str | None = None  # for an address that does not end in the file's own name
    hash: str = Field(pattern=r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$")
    rows: int | None = None
    verified: bool = True

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.wheel, self.url, self.path)) != 1:
            raise ValueError("exactly one of wheel, url and path is needed")
        if self.wheel and not self.member:
            raise ValueError("a wheel needs a member, the file inside it")
        return self

    @property
    def place(self) -> str:
        """Where it is, for a reader."""
        return str(self.wheel or self.url or self.path)

    @property
    def filename(self) -> str:
        """The file's own name, whose ending tells its format."""
        return Path(self.member or self.place).name + (self.format or "")


class SourceFile(Settings):
    """A file of a data set; `keep` leaves it beside the .smi made from it. Columns as `prepare` takes them."""

    sources: list[Source] = Field(min_length=1)
    rows: int | None = None
    keep: bool = False
    smiles_column: str | None = None
    name_column: str | None = None


class DataSet(Settings):
    """A named data set: its files by the name of their split."""

    title: str
    licence: str
    citation: str = ""
    files: dict[str, SourceFile] = Field(min_length=1)

    @property
    def rows(self) -> int | None:
        """Molecules in all files, where known."""
        known = [file.rows for file in self.files.values()]
        return sum(n for n in known if n is not None) if None not in known else None

    @property
    def verified(self) -> bool:
        """Whether each file's first source was fetched and checked by us."""
        return all(file.sources[0].verified for file in self.files.values())


def data_sets(own: Path | None = None) -> dict[str, DataSet]:
    """Every named data set, with those of a YAML file of the user's own."""
    found = _load(SHIPPED)
    if own is not None:
        found |= _load(own)
    return found


def data_set(name: str, own: Path | None = None) -> DataSet:
    """One data set; an unknown name is answered with the nearest."""
    known = data_sets(own)
    if name not in known:
        raise InputError(f"data set {name!r} is unknown{nearest(name, known)}")
    return known[name]


def _load(file: Path) -> dict[str, DataSet]:
    return {
        str(name): DataSet.parse(_mapping(file, name, v), where=f"{file}: {name}")
        for name, v in read_yaml(file).items()
    }


def _mapping(file: Path, name: object, values: object) -> dict[str, object]:
    if not isinstance(values, dict):
        raise InputError(f"{file}: {name}: expected title, licence and files, found {values!r}")
    return values
