"""A learned model on disk: the diagram, its schema, and where it came from.

A model is a folder::

    model.json   schema, provenance, configuration, learning statistics, speculation summary
    model.npz    guard, low, high, roots (see bsdgen.bsd) and, a node, its evidence

`model.json` holds the digest of `model.npz`, so that a truncated or foreign pair is refused.
"""

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bsdgen.artifacts import atomic_path, read_json, sha256, write_json
from bsdgen.bsd import Bsd
from bsdgen.errors import InputError
from bsdgen.traces.schema import Field, Schema

MODEL_VERSION = 1


@dataclass(frozen=True, eq=False)
class Model:
    """A diagram with the names of its bits.

    Attributes
    ----------
    bsd : the diagram; inputs and outputs in the packing order of `schema`.
    schema : fields.
    info : JSON-ready provenance: at least `oracle` (text that `bsdgen.oracle.resolve` understands, or ""), `traces`,
        `config`, `learn` (wall_s, cpu_s, peak_rss_mib, oracle_queries, ...), `tools`.
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

    def save(self, folder: Path) -> None:
        """Write the model; the last complete one stays intact until the new one is whole."""
        with atomic_path(folder / "model.npz") as temporary:
            buffer = io.BytesIO()
            np.savez_compressed(
                buffer,
                guard=self.bsd.guard,
                low=self.bsd.low,
                high=self.bsd.high,
                roots=self.bsd.roots,
                **{f"extra_{name}": value for name, value in self.extra.items()},
            )
            temporary.write_bytes(buffer.getvalue())
            digest = sha256(temporary)
        write_json(
            folder / "model.json",
            {"version": MODEL_VERSION, "npz_sha256": digest, "fields": self.schema.fields, **self.info},
        )

    @staticmethod
    def load(folder: Path) -> "Model":
        """Read a model.

        Raises
        ------
        InputError
            No model there, another version, or the two files do not belong together.
        """
        if not (folder / "model.json").is_file():
            raise InputError(
                f"{folder}: holds no model (model.json is missing); make one with `bsdgen learn ... -o {folder}`"
            )
        info = read_json(folder / "model.json")
        if not isinstance(info, dict) or info.pop("version", None) != MODEL_VERSION:
            raise InputError(
                f"{folder}/model.json: is not version {MODEL_VERSION}; learn the model anew with this bsdgen"
            )
        npz = folder / "model.npz"
        if not npz.is_file() or sha256(npz) != info.pop("npz_sha256", None):
            raise InputError(f"{npz}: is missing, truncated or of another model; learn the model anew")
        try:
            schema = Schema(msgspec.convert(info.pop("fields"), tuple[Field, ...]))
            with np.load(npz) as arrays:
                bsd = Bsd(schema.n_inputs, arrays["guard"], arrays["low"], arrays["high"], arrays["roots"])
                extra = {
                    name.removeprefix("extra_"): arrays[name]
                    for name in arrays.files
                    if name.startswith("extra_")
                }
        except (KeyError, ValueError, zipfile.BadZipFile, msgspec.ValidationError) as error:
            raise InputError(f"{folder}: is no valid model ({error}); learn it anew") from error
        return Model(bsd, schema, info, extra)
