"""Models on disk: what is saved comes back, what does not belong together is refused."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_models import adder_model, adder_schema

from bsdgen.artifacts import read_json, sha256, write_json
from bsdgen.bsd import Bsd
from bsdgen.errors import InputError
from bsdgen.model import MODEL_VERSION, Model
from bsdgen.traces.schema import Field, Schema


def with_extra() -> Model:
    model = adder_model(5, "m:f")
    extra = {
        "output": np.arange(model.bsd.n_nodes, dtype=np.int32),
        "cube_mask": np.full((model.bsd.n_nodes, 1), 1 << 63, np.uint64),
        "allow_pickle": np.zeros(0, np.bool_),  # a name that numpy's own writer also uses
    }
    return dataclasses.replace(model, extra=extra)


def test_round_trip(tmp_path: Path) -> None:
    model = with_extra()
    model.save(tmp_path / "new" / "model")
    back = Model.load(tmp_path / "new" / "model")
    assert back.schema == model.schema and back.info == model.info
    assert back.bsd.n_inputs == model.bsd.n_inputs
    for name in ("guard", "low", "high", "roots"):
        assert np.array_equal(getattr(back.bsd, name), getattr(model.bsd, name)), name
        assert getattr(back.bsd, name).dtype == np.int32
    assert back.extra.keys() == model.extra.keys()
    for name, array in model.extra.items():
        assert np.array_equal(back.extra[name], array) and back.extra[name].dtype == array.dtype
    assert sorted(p.name for p in (tmp_path / "new" / "model").iterdir()) == ["model.json", "model.npz"]


def test_low_and_high_are_not_exchanged(tmp_path: Path) -> None:
    model = adder_model(3)
    model.save(tmp_path)
    rows = np.arange(64, dtype=np.uint64)[:, None]
    assert np.array_equal(
        Model.load(tmp_path).bsd.evaluate(rows), (rows & np.uint64(7)) + (rows >> np.uint64(3))
    )


def test_digest_is_of_the_diagram_and_its_fields(tmp_path: Path) -> None:
    model = adder_model(3)
    model.save(tmp_path)
    back = Model.load(tmp_path)
    assert back.digest == model.digest == dataclasses.replace(model, info={"seed": 5}).digest
    fields = (*model.schema.fields[:-1], Field("z", model.schema.fields[-1].width, "out"))
    roots = model.bsd.roots[::-1].copy()
    bsd = Bsd(model.bsd.n_inputs, model.bsd.guard, model.bsd.low, model.bsd.high, roots)
    others = [dataclasses.replace(model, schema=Schema(fields)), dataclasses.replace(model, bsd=bsd)]
    assert len({model.digest, *(other.digest for other in others)}) == 3


def test_diagram_and_schema_must_fit() -> None:
    with pytest.raises(InputError, match="10 inputs and 6 outputs, its schema 8 and 5"):
        dataclasses.replace(adder_model(5), schema=adder_schema(4))


def test_saving_again_replaces(tmp_path: Path) -> None:
    adder_model(3).save(tmp_path)
    adder_model(6).save(tmp_path)
    assert Model.load(tmp_path).bsd.n_inputs == 12


def test_a_failed_save_leaves_the_old_model(tmp_path: Path) -> None:
    adder_model(3).save(tmp_path)
    bad = dataclasses.replace(adder_model(6), info={"oracle": object()})
    with pytest.raises(TypeError):
        bad.save(tmp_path)
    assert Model.load(tmp_path).bsd.n_inputs == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.json", "model.npz"]


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no model .*bsdgen learn"):
        Model.load(tmp_path)
    with pytest.raises(InputError, match="holds no model"):
        Model.load(tmp_path / "nowhere")


def edit(folder: Path, **changes: object) -> None:
    info = read_json(folder / "model.json")
    info.update(changes)
    write_json(folder / "model.json", {k: v for k, v in info.items() if v is not None})


@pytest.mark.parametrize("version", [MODEL_VERSION + 1, None, "1"])
def test_another_version(tmp_path: Path, version: object) -> None:
    adder_model().save(tmp_path)
    edit(tmp_path, version=version)
    with pytest.raises(InputError, match=f"is not version {MODEL_VERSION}"):
        Model.load(tmp_path)


def test_json_that_is_no_model(tmp_path: Path) -> None:
    adder_model().save(tmp_path)
    write_json(tmp_path / "model.json", [1, 2])
    with pytest.raises(InputError, match="is a JSON list, expected an object"):
        Model.load(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        Model.load(tmp_path)


@pytest.mark.parametrize("damage", ["absent", "truncated", "foreign", "no digest"])
def test_arrays_of_another_model(tmp_path: Path, damage: str) -> None:
    adder_model().save(tmp_path)
    npz = tmp_path / "model.npz"
    if damage == "absent":
        npz.unlink()
    elif damage == "truncated":
        npz.write_bytes(npz.read_bytes()[:-20])
    elif damage == "foreign":
        adder_model(3).save(tmp_path / "other")
        shutil.copy(tmp_path / "other" / "model.npz", npz)
    else:
        edit(tmp_path, npz_sha256=None)
    with pytest.raises(InputError, match="missing, truncated or of another model"):
        Model.load(tmp_path)


def adopt(folder: Path) -> None:
    """Make the digest fit, so that only the arrays themselves can be found wrong."""
    edit(folder, npz_sha256=sha256(folder / "model.npz"))


def test_arrays_that_are_no_diagram(tmp_path: Path) -> None:
    model = adder_model()
    model.save(tmp_path)
    arrays = {name: getattr(model.bsd, name) for name in ("guard", "low", "high", "roots")}
    np.savez(tmp_path / "model.npz", **{k: v for k, v in arrays.items() if k != "roots"})
    adopt(tmp_path)
    with pytest.raises(InputError, match=r"no valid model .*roots"):
        Model.load(tmp_path)
    np.savez(tmp_path / "model.npz", **arrays | {"high": arrays["high"] + 1000})
    adopt(tmp_path)
    with pytest.raises(InputError, match="earlier nodes only"):
        Model.load(tmp_path)
    (tmp_path / "model.npz").write_bytes(b"PK\x03\x04 nothing")
    adopt(tmp_path)
    with pytest.raises(InputError, match="no valid model"):
        Model.load(tmp_path)


def test_fields_that_are_no_schema(tmp_path: Path) -> None:
    adder_model().save(tmp_path)
    edit(tmp_path, fields=[{"name": "a", "width": "wide", "role": "in"}])
    with pytest.raises(InputError, match="no valid model"):
        Model.load(tmp_path)
    edit(tmp_path, fields=[{"name": "a", "width": 0, "role": "in"}])
    with pytest.raises(InputError, match="width must be 1 to 64"):
        Model.load(tmp_path)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    model = adder_model()
    model.save(tmp_path)
    arrays = {name: getattr(model.bsd, name) for name in ("guard", "low", "high", "roots")}
    np.savez(tmp_path / "model.npz", **arrays, extra_x=np.array([{"a": 1}], object))
    adopt(tmp_path)
    with pytest.raises(InputError, match="no valid model"):
        Model.load(tmp_path)
