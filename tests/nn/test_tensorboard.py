"""Event files: read back by a reader of this library, and where it is installed, by TensorBoard."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
import nn.torch as torch
from autograd_lite.errors import DataError, DTypeError, FileError, OptionError, ShapeError, UnsupportedError
from nn.utils.events import fields, masked_crc, message, record, records
from nn.utils.tensorboard import SummaryWriter


def events(folder: Path) -> list[dict[int, list[Any]]]:
    files = sorted(folder.glob("events*"))
    return [fields(part) for file in files for part in records(file.read_bytes())]


def values(folder: Path) -> dict[str, tuple[int, dict[int, list[Any]]]]:
    """The last step and value of each tag."""
    found = {}
    for event in events(folder):
        for summary in event.get(5, []):
            value = fields(fields(summary)[1][0])
            found[value[1][0].decode()] = event[2][0], value
    return found


def test_the_checksum_is_crc_32c() -> None:
    # the check value of CRC-32C from its catalogue, turned right by 15 bits and moved
    crc = 0xE3069283
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("place", [0, 9, 12, -1])
def test_a_damaged_record_is_told(place: int) -> None:
    content = bytearray(record(b"some content"))
    content[place] ^= 1
    with pytest.raises(DataError, match="damaged or cut off"):
        list(records(bytes(content)))


def test_messages_come_back() -> None:
    assert fields(message({1: -1, 2: [3, 300], 16: "é", 17: b"\0", 18: None})) == {
        1: [2**64 - 1],
        2: [3, 300],
        16: ["é".encode()],
        17: [b"\0"],
    }


def test_scalars(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path, purge_step=3) as writer:
        writer.add_scalar("loss/train", torch.tensor(0.5, requires_grad=True), 7, walltime=2.5)
        writer.add_scalar("loss/test", np.float64(0.1))
        writer.add_scalars("both", {"a": 1, "b": 2.0}, 4)
    version, session, *_ = events(tmp_path)
    assert version[3] == [b"brain.Event:2"] and session[2] == [3] and fields(session[7][0]) == {1: [1]}
    step, value = values(tmp_path)["loss/train"]
    assert (step, value[2]) == (7, [0.5])
    assert events(tmp_path)[2][1] == [2.5]
    assert values(tmp_path)["loss/test"][1][2] == [np.float32(0.1)]
    assert values(tmp_path / "both_b")["both"][1][2] == [2.0]
    with pytest.raises(ShapeError, match="expected one number"):
        writer.add_scalar("loss", np.ones(2))


def test_what_was_written_is_there_before_the_end(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path, max_queue=2)
    for step in range(4):
        writer.add_scalar("loss", step, step)
    assert len(events(tmp_path)) == 4  # the version and three values; the fourth waits
    writer.flush()
    assert len(events(tmp_path)) == 5


def test_histograms(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=1000)
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("weights", torch.tensor(x), 1)
        writer.add_histogram("few", x, bins=[-10, 0, 10])
        writer.add_histogram("joined", x, max_bins=5)
    for name in ("weights", "few", "joined"):
        h = fields(values(tmp_path)[name][1][5][0])
        limits, counts = (np.frombuffer(h[k][0]) for k in (6, 7))
        sums = [h[k][0] for k in range(1, 6)]
        np.testing.assert_allclose(sums, [x.min(), x.max(), 1000, x.sum(), (x * x).sum()], rtol=2e-7)
        assert len(limits) == len(counts) and counts.sum() == 1000
        if name == "weights":
            below = [(x < limit).sum() for limit in limits]
            assert np.array_equal(np.cumsum(counts), below)
    assert np.array_equal(
        np.frombuffer(fields(values(tmp_path)["few"][1][5][0])[7][0]), [(x < 0).sum(), (x >= 0).sum()]
    )
    with pytest.raises(DataError, match="expected finite numbers"):
        writer.add_histogram("weights", [np.nan])


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    """The pixels of a PNG file of three channels without filters."""
    width, height = struct.unpack(">II", content[16:24])
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + length]), np.uint8)
    return rows.reshape(height, -1)[:, 1:].reshape(height, width, 3)


def test_images(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("bytes", photo, 2, dataformats="HWC")
        writer.add_image("floats", torch.tensor(np.moveaxis(photo, -1, 0) / 255))
        writer.add_image("gray", photo[..., 0], dataformats="HW")
        writer.add_images("grid", np.zeros((3, 1, 4, 5)))
    for name, expected in (("bytes", photo), ("floats", photo), ("gray", photo[..., :1])):
        image = fields(values(tmp_path)[name][1][4][0])
        assert [image[k][0] for k in (1, 2, 3)] == [4, 5, 3]
        assert np.abs(pixels(image[4][0]).astype(int) - expected).max() <= 1
    assert fields(values(tmp_path)["grid"][1][4][0])[2] == [3 * 7 + 2]
    with pytest.raises(OptionError, match=r'expected its axes, e.g. "CHW"'):
        writer.add_image("bytes", photo, dataformats="CH")


def test_texts_figures_and_hyperparameters(tmp_path: Path) -> None:
    plt = pytest.importorskip("matplotlib.figure")
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "**bold**", 1)
        writer.add_figure("curve", plt.Figure(figsize=(1, 1), dpi=10))
        writer.add_hparams({"lr": 0.1, "net": "mlp", "bn": True}, {"accuracy": 0.5}, run_name="run")
    figure = fields(values(tmp_path)["curve"][1][4][0])
    assert (figure[1], figure[2], figure[4][0][:4]) == ([10], [10], b"\x89PNG")
    text = values(tmp_path)["note/text_summary"][1]
    assert fields(text[8][0])[8] == [b"**bold**"]
    assert fields(fields(text[9][0])[1][0]) == {1: [b"text"]}
    assert values(tmp_path / "run")["accuracy"][1][2] == [0.5]
    with pytest.raises(DTypeError, match=r"write str\(layers\)"):
        writer.add_hparams({"layers": [1, 2]}, {})
    with pytest.raises(UnsupportedError, match=r"visualize.draw"):
        writer.add_graph(nn.Linear(1, 1))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot write"):
        SummaryWriter(tmp_path / "file" / "runs")


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="-big")
    assert writer.get_logdir().startswith("runs") and writer.get_logdir().endswith("-big")
    assert len(events(tmp_path / writer.get_logdir())) == 1


def test_tensorboard_reads_the_files(tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    metadata = pytest.importorskip("tensorboard.plugins.hparams.metadata")
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", step / 2, step)
        writer.add_histogram("weights", np.arange(100.0))
        writer.add_image("image", np.zeros((3, 4, 5)))
        writer.add_text("note", "hello")
        writer.add_hparams({"lr": 0.1, "net": "mlp", "bn": True}, {"accuracy": 0.5}, run_name="run")
    found = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value) for e in found.Scalars("loss")] == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert sum(found.Histograms("weights")[0].histogram_value.bucket) == 100
    assert found.Images("image")[0].width == 5
    assert found.Tensors("note/text_summary")[0].tensor_proto.string_val == [b"hello"]
    run = accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    plugin = run.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    hparams = metadata.parse_session_start_info_plugin_data(plugin).hparams
    assert (hparams["lr"].number_value, hparams["net"].string_value, hparams["bn"].bool_value) == (
        0.1,
        "mlp",
        True,
    )
    experiment = run.SummaryMetadata("_hparams_/experiment").plugin_data.content
    infos = metadata.parse_experiment_plugin_data(experiment)
    assert [(i.name, i.type) for i in infos.hparam_infos] == [("lr", 3), ("net", 1), ("bn", 2)]
    assert [m.name.tag for m in infos.metric_infos] == ["accuracy"]


@pytest.mark.slow  # tensorboardX takes seconds to import
def test_files_are_those_of_tensorboardx(tmp_path: Path) -> None:
    """The same calls give the same fields, but for times and names of files."""
    theirs = pytest.importorskip("tensorboardX")
    x = np.random.default_rng(0).normal(size=100)
    for folder, make in (("ours", SummaryWriter), ("theirs", theirs.SummaryWriter)):
        with make(str(tmp_path / folder)) as writer:
            writer.add_scalar("loss", 0.1, 2)
            writer.add_histogram("weights", x, 3)
            writer.add_text("note", "hello", 4)
    ours, its = (values(tmp_path / folder) for folder in ("ours", "theirs"))
    for tag in ("loss", "weights", "note/text_summary"):
        assert ours[tag][0] == its[tag][0]
        keys = (2, 5, 8)
        for mine, its_value in ((ours[tag][1].get(k), its[tag][1].get(k)) for k in keys):
            if tag == "weights" and mine:
                a, b = fields(mine[0]), fields(its_value[0])
                np.testing.assert_allclose(np.frombuffer(a[6][0]), np.frombuffer(b[6][0]))
                assert np.array_equal(np.frombuffer(a[7][0]), np.frombuffer(b[7][0]))
            elif tag != "note/text_summary":
                assert mine == its_value
