"""A learned model on disk: the diagram, its schema, and where it came from.

A model is a folder::

    model.json   schema, provenance, configuration, learning statistics, speculation summary
    model.npz    guard, low, high, roots (see bsdgen.bsd) and, a node, its evidence

`model.json` holds the digest of `model.npz`, so that a truncated or foreign pair is refused.
"""

import hashlib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bsdgen.artifacts import atomic_path, json_bytes, read_object, sealed, sha256
from bsdgen.bsd import Bsd
from bsdgen.errors import InputError
from bsdgen.traces.schema import Field, Schema

MODEL_VERSION = 1
_ARRAYS = ("guard", "low", "high", "roots")  # in the order of `Bsd`
_EXTRA = "extra_"


@dataclass(frozen=True, eq=False)
class Model:
    """A diagram with the names of its bits.

    Attributes
    ----------
    bsd : the diagram; inputs and outputs in the packing order of `schema`.
    schema : fields.
    info : JSON-ready provenance: at least `oracle` (text that `bsdgen.oracle.resolve` understands, or ""),
        `traces`, `config`, `learn` (wall_s, cpu_s, peak_rss_mib, oracle_queries, ...), `tools`.
    extra : further arrays saved beside the diagram (a node's cube, evidence, contexts).
    """

    bsd: Bsd
    schema: Schema
    info: dict[str, Any]
    extra: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.bsd.n_inputs, self.bsd.n_outputs) != (self.schema.n_inputs, self.schema.n_outputs):
            raise InputError(
                f"diagram has {self.bsd.n_inputs} inputs and {self.bsd.n_outputs} outputs, its schema "
                f"{self.schema.n_inputs} and {self.schema.n_outputs}; they must be learned together"
            )

    @property
    def digest(self) -> str:
        """SHA-256 of the fields and the diagram: of all that hardware written from the model depends on."""
        digest = hashlib.sha256(json_bytes(self.schema.fields))
        for name in _ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self.bsd, name), "<i4").tobytes())
            digest.update(b"|")
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the model; the last complete one stays intact until the new one is whole.

        Both files are complete before either takes its place, so that nothing but the moves can be cut short.
        """
        arrays: dict[str, NDArray[Any]] = {name: getattr(self.bsd, name) for name in _ARRAYS}
        arrays |= {_EXTRA + name: value for name, value in self.extra.items()}
        with atomic_path(folder / "model.json") as text, atomic_path(folder / "model.npz") as binary:
            with binary.open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # no name is allow_pickle
            head = {"version": MODEL_VERSION, "npz_sha256": sha256(binary), "fields": self.schema.fields}
            text.write_bytes(json_bytes(sealed(head | self.info)))

    @staticmethod
    def load(folder: Path) -> "Model":
        """Read a model.

        Raises
        ------
        InputError
            No model there, another version, or the two files do not belong together.
        """
        info = _read_info(folder)
        npz = folder / "model.npz"
        if not npz.is_file() or sha256(npz) != info.pop("npz_sha256", None):
            raise InputError(f"{npz}: is missing, truncated or of another model; learn the model anew")
        try:
            schema = Schema(msgspec.convert(info.pop("fields"), tuple[Field, ...]))
            with npz.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            bsd = Bsd(schema.n_inputs, *(arrays[name] for name in _ARRAYS))
            extra = {
                name.removeprefix(_EXTRA): array for name, array in arrays.items() if name.startswith(_EXTRA)
            }
            return Model(bsd, schema, info, extra)
        except InputError as error:
            raise InputError(f"{folder}: is no valid model ({error})") from error
        except (KeyError, ValueError, zipfile.BadZipFile, msgspec.ValidationError) as error:
            raise InputError(f"{folder}: is no valid model ({error}); learn it anew") from error


def _read_info(folder: Path) -> dict[str, Any]:
    """What `model.json` says, if it is there and of this version."""
    path = folder / "model.json"
    if not path.is_file():
        raise InputError(
            f"{folder}: holds no model (model.json is missing); make one with `bsdgen learn ... -o {folder}`"
        )
    info = read_object(path)
    if info.pop("version", None) != MODEL_VERSION:
        raise InputError(f"{path}: is not version {MODEL_VERSION}; learn the model anew with this bsdgen")
    return info
