"""torchvision's names: networks in their original sizes, and transforms with given numbers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
import nn.torch as torch
from autograd_lite.errors import FileError, OptionError, UnsupportedError
from nn.torchvision import datasets, models, transforms, utils
from nn.torchvision.models.weights import Weights, with_weights
from nn.torchvision.transforms import functional as F  # noqa: N812
from nn.torchvision.transforms import v2

# -- networks --------------------------------------------------------------------------------------


def conv(name: str, inputs: int, outputs: int, size: int, bias: bool) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs, size, size)} | ({f"{name}.bias": (outputs,)} if bias else {})


def linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (width,) for kind in kinds} | {f"{name}.num_batches_tracked": ()}


def keys_of_resnet(blocks: list[int], bottleneck: bool) -> dict[str, tuple[int, ...]]:
    keys = conv("conv1", 3, 64, 7, False) | norm("bn1", 64)
    inputs = 64
    for stage, count in enumerate(blocks, 1):
        planes = 64 * 2 ** (stage - 1)
        sizes = [(planes, 1), (planes, 3), (4 * planes, 1)] if bottleneck else [(planes, 3), (planes, 3)]
        for block in range(count):
            name, before = f"layer{stage}.{block}", inputs
            for k, (outputs, size) in enumerate(sizes, 1):
                keys |= conv(f"{name}.conv{k}", before, outputs, size, False) | norm(f"{name}.bn{k}", outputs)
                before = outputs
            if block == 0 and (stage > 1 or inputs != before):
                keys |= conv(f"{name}.downsample.0", inputs, before, 1, False)
                keys |= norm(f"{name}.downsample.1", before)
            inputs = before
    return keys | linear("fc", inputs, 1000)


def keys_of_vgg16(batch_norm: bool) -> dict[str, tuple[int, ...]]:
    keys, place, inputs = {}, 0, 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            keys |= conv(f"features.{place}", inputs, width, 3, True)
            if batch_norm:
                keys |= norm(f"features.{place + 1}", width)
            place, inputs = place + 2 + batch_norm, width
        place += 1
    dense = [(0, 512 * 49, 4096), (3, 4096, 4096), (6, 4096, 1000)]
    return keys | {k: v for i, a, b in dense for k, v in linear(f"classifier.{i}", a, b).items()}


def keys_of_alexnet() -> dict[str, tuple[int, ...]]:
    convs = [(0, 3, 64, 11), (3, 64, 192, 5), (6, 192, 384, 3), (8, 384, 256, 3), (10, 256, 256, 3)]
    keys = {k: v for i, a, b, s in convs for k, v in conv(f"features.{i}", a, b, s, True).items()}
    dense = [(1, 256 * 36, 4096), (4, 4096, 4096), (6, 4096, 1000)]
    return keys | {k: v for i, a, b in dense for k, v in linear(f"classifier.{i}", a, b).items()}


NETS = {
    "resnet18": (keys_of_resnet([2, 2, 2, 2], False), 11_689_512),
    "resnet34": (keys_of_resnet([3, 4, 6, 3], False), 21_797_672),
    "resnet50": (keys_of_resnet([3, 4, 6, 3], True), 25_557_032),
    "alexnet": (keys_of_alexnet(), 61_100_840),
    "vgg16": (keys_of_vgg16(False), 138_357_544),
    "vgg16_bn": (keys_of_vgg16(True), 138_365_992),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "resnet18" else pytest.mark.slow) for n in NETS]
)
def test_keys_shapes_and_counts_are_those_of_the_originals(name: str) -> None:
    expected, count = NETS[name]
    model = getattr(models, name)()
    found = {key: np.shape(value) for key, value in model.state_dict().items()}
    assert list(found.items()) == list(expected.items())
    assert sum(p.size for p in model.parameters()) == count


def random_state(model: Any) -> dict[str, Any]:
    """Weights that give outputs of a size that can be compared."""
    numbers = np.random.default_rng(0)
    state = {}
    for key, value in model.state_dict().items():
        drawn = numbers.normal(size=np.shape(value)) / np.sqrt(max(1, np.prod(np.shape(value)[1:])))
        state[key] = np.abs(drawn) + 0.5 if key.endswith("running_var") else drawn
        state[key] = np.asarray(state[key], np.asarray(value).dtype)
    return state


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "alexnet", "vgg16_bn"])
def test_outputs_are_those_of_torchvision(name: str) -> None:
    theirs = pytest.importorskip("torchvision", reason="torchvision is not installed")
    real = pytest.importorskip("torch")
    here, there = getattr(models, name)().eval(), getattr(theirs.models, name)().eval()
    state = random_state(here)
    here.load_state_dict(state)
    there.load_state_dict({key: real.as_tensor(value) for key, value in state.items()})
    x = np.random.default_rng(1).normal(size=(1, 3, 96, 96)).astype(np.float32)
    with torch.no_grad(), real.no_grad():
        expected, found = there(real.tensor(x)).numpy(), here(torch.tensor(x)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


class Small(Weights):
    """The weights of a network that is made quickly."""

    IMAGENET1K_V1 = "small-1.pth"
    DEFAULT = "small-2.pth"


def test_published_weights_are_read_from_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = nn.Linear(2, 1)
    with pytest.raises(FileError, match=r"download https://download.pytorch.org/models/small-2.pth"):
        with_weights(model, Small, Small.DEFAULT)
    with pytest.raises(OptionError, match="expected IMAGENET1K_V1 or DEFAULT"):
        with_weights(model, Small, "best")
    assert with_weights(model, Small, None) is model
    for k in (1, 2):
        torch.save({"weight": torch.full((1, 2), k), "bias": torch.zeros(1)}, tmp_path / f"small-{k}.pth")
    asked = (Small.DEFAULT, "default", "Small.IMAGENET1K_V1")
    assert [with_weights(model, Small, w).weight.sum().item() for w in asked] == [4, 4, 2]
    assert with_weights(model, Small, None, pretrained=True).weight.sum().item() == 2


def test_blocks_learn_and_may_begin_as_the_identity() -> None:
    nn.manual_seed(0)
    net = models.ResNet(models.Bottleneck, [1, 1, 1, 1], num_classes=3, zero_init_residual=True)
    assert float(net.layer1[0].bn3.weight.detach().abs().max()) == 0
    net(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


# -- transforms ------------------------------------------------------------------------------------

PHOTO = np.random.default_rng(0).integers(0, 256, (9, 8, 3)).astype(np.uint8)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("hflip", {}),
    ("vflip", {}),
    ("crop", dict(top=2, left=1, height=4, width=5)),
    ("crop", dict(top=-2, left=5, height=6, width=6)),
    ("center_crop", dict(output_size=[4, 6])),
    ("center_crop", dict(output_size=[11, 4])),
    ("resized_crop", dict(top=1, left=1, height=5, width=5, size=[7, 3])),
    ("resize", dict(size=[5, 7])),
    ("resize", dict(size=12)),
    ("pad", dict(padding=[1, 2], fill=3)),
    ("pad", dict(padding=[1, 2, 3, 4], padding_mode="reflect")),
    ("five_crop", dict(size=[3, 4])),
    ("ten_crop", dict(size=[3, 4], vertical_flip=True)),
    ("adjust_brightness", dict(brightness_factor=1.7)),
    ("adjust_contrast", dict(contrast_factor=0.4)),
    ("adjust_saturation", dict(saturation_factor=2.5)),
    ("adjust_hue", dict(hue_factor=0.3)),
    ("adjust_hue", dict(hue_factor=-0.45)),
    ("adjust_gamma", dict(gamma=0.7, gain=1.1)),
    ("rgb_to_grayscale", dict(num_output_channels=3)),
    ("invert", {}),
    ("solarize", dict(threshold=0.4)),
    ("erase", dict(i=1, j=2, h=3, w=2, v=0.25)),
    ("normalize", dict(mean=[0.1, 0.2, 0.3], std=[0.5, 0.6, 0.7])),
    ("gaussian_blur", dict(kernel_size=5)),
    ("affine", dict(angle=33.0, translate=[1, -2], scale=1.3, shear=[12.0, -7.0], interpolation="bilinear")),
    (
        "affine",
        dict(angle=-70.0, translate=[0, 0], scale=0.8, shear=[9.0], interpolation="bilinear"),
    ),
    ("rotate", dict(angle=25.0, interpolation="bilinear")),
    ("rotate", dict(angle=-110.0, interpolation="bilinear", center=[2.0, 3.0])),
    ("get_dimensions", {}),
    ("get_image_size", {}),
]


def listed(result: Any) -> list[Any]:
    several = result if isinstance(result, tuple) else [result]
    return [np.asarray(x.numpy() if hasattr(x, "numpy") else x) for x in several]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}-{i}" for i, (n, _) in enumerate(CASES)])
def test_functions_are_those_of_torchvision(name: str, options: dict[str, Any]) -> None:
    theirs = pytest.importorskip("torchvision.transforms.functional", reason="torchvision is not installed")
    real = pytest.importorskip("torch")
    x = np.moveaxis(PHOTO, -1, 0).astype(np.float32) / 255
    theirs_options = dict(options)
    if "interpolation" in options:
        theirs_options["interpolation"] = theirs.InterpolationMode(options["interpolation"])
    if name == "erase":
        theirs_options["v"] = real.tensor(options["v"])
    expected = getattr(theirs, name)(real.tensor(x), **theirs_options)
    found = getattr(F, name)(torch.tensor(x), **options)
    for mine, its in itertools.zip_longest(listed(found), listed(expected)):
        np.testing.assert_allclose(mine, its, atol=2e-5)


def test_an_image_of_bytes_keeps_its_layout() -> None:
    assert F.crop(PHOTO, 2, 1, 4, 5).shape == (4, 5, 3)
    assert np.array_equal(F.hflip(PHOTO), PHOTO[:, ::-1])
    assert np.array_equal(F.posterize(PHOTO, 2), PHOTO & 0b11000000)
    assert F.get_image_size(PHOTO) == [8, 9] and F.get_image_num_channels(PHOTO[..., 0]) == 1
    assert F.adjust_hue(PHOTO, 0.0).tolist() == PHOTO.tolist()
    with pytest.raises(UnsupportedError, match="pad the image first"):
        F.rotate(PHOTO, 30, expand=True)


def test_a_third_of_a_turn_moves_each_colour_to_the_next() -> None:
    turned = F.adjust_hue(PHOTO, 1 / 3)
    assert np.abs(turned.astype(int) - np.roll(PHOTO, 1, axis=-1)).max() <= 1


def test_compositions_of_programs() -> None:
    nn.manual_seed(0)
    crops = transforms.Compose(
        [
            transforms.TenCrop(4),
            transforms.Lambda(lambda c: torch.stack([transforms.ToTensor()(x) for x in c])),
        ]
    )
    assert tuple(crops(PHOTO).shape) == (10, 3, 4, 4)
    train = v2.Compose(
        [
            *(v2.ToImage(), v2.RandomChoice([v2.RandomHorizontalFlip(1.0), v2.Identity()])),
            *(v2.ColorJitter(0.1, 0.1, 0.1, 0.1), v2.ToDtype(np.float32, scale=True)),
            v2.RandomOrder([v2.Normalize([0.5], [0.5]), v2.RandomErasing(1.0)]),
        ]
    )
    assert train(PHOTO).dtype == np.float32 and tuple(train(PHOTO).shape) == (3, 9, 8)


def test_images_of_pil() -> None:
    Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    image = Image.fromarray(PHOTO)
    x = transforms.ToTensor()(image)
    assert np.array_equal(np.asarray(transforms.ToPILImage()(x)), PHOTO)
    assert transforms.Resize(4)(image).shape == (4, 4, 3)[:0] + F.resize(PHOTO, 4).shape
    assert F.to_pil_image(PHOTO[..., 0]).mode == "L"


def test_grids_and_datasets() -> None:
    assert tuple(utils.make_grid(np.zeros((4, 3, 5, 5)), nrow=2).shape) == (3, 16, 16)
    assert datasets.MNIST is nn.datasets.MNIST
