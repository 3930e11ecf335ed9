"""What a manifest may look like: anything else is refused before it is looked into."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from flows.ledger.history_digests import TableDigest

MOST_BYTES = 200_000_000  # a million files to a manifest
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]


def _inside(name: str) -> str:
    """A path below the outputs, or ValueError: a manifest names no file elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise ValueError("a path inside the outputs")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _File(_Strict):
    sha256: Hash
    size: Count


class _Rows(_Strict):
    rows: Count
    sha256: Hash


class _Record(_Strict):
    changes: Count
    link: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    follows: Count | None
    history_set_back: Literal[True] | None = None  # where the rows that earlier versions hashed are others


class _Body(_Strict):
    number: Count
    previous: Hash | None
    run_id: str
    made_at: AwareDatetime
    files: dict[Annotated[str, AfterValidator(_inside)], _File | None]
    history: dict[str, _Rows] | None = None
    record: _Record | None = None
    simulated: Literal[True] | None = None  # in the manifests of a simulated world alone

    @model_validator(mode="after")
    def _says_something_of_the_record(self) -> _Body:
        if (self.history is None) == (self.record is None) or len(self.model_fields_set - {"simulated"}) != 6:
            raise ValueError("either `history` or `record`")
        return self


class _Manifest(_Strict):
    body: _Body
    signature: str


class FileEntry(TypedDict):
    """Hash and size of a file of the evidence."""

    sha256: str
    size: int


class RecordEnd(TypedDict):
    """The end of the record's journal, and the last manifest whose own end of it is in it."""

    changes: int
    link: str
    follows: int | None
    history_set_back: NotRequired[bool]


class ManifestBody(TypedDict):
    """What a manifest says; None stands for a file that is gone. `history` is what earlier versions wrote."""

    number: int
    previous: str | None
    run_id: str
    made_at: str
    files: dict[str, FileEntry | None]
    history: NotRequired[dict[str, TableDigest]]
    record: NotRequired[RecordEnd]
    simulated: NotRequired[bool]


def read_manifest(content: bytes) -> tuple[ManifestBody, str]:
    """Return body and signature of a manifest; raises `ValueError` for bytes that are none, however deep or long."""
    if len(content) > MOST_BYTES:
        raise ValueError("too long")
    try:
        signature = _Manifest.model_validate_json(content).signature
        body: ManifestBody = json.loads(content)["body"]
    except (ValidationError, RecursionError):
        raise ValueError("no manifest") from None
    return body, signature
