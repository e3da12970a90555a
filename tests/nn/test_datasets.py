import gzip
import hashlib
import http.server
import io
import struct
import tarfile
import threading

import numpy as np
import pytest

import nn
from autograd_lite.errors import DataError, FileError, OptionError
from nn.datasets import files, images, text

rng = np.random.default_rng(0)
PICTURES, LABELS = rng.integers(0, 256, (5, 28, 28), np.uint8), np.array([3, 1, 4, 1, 5], np.uint8)


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder that holds a very small MNIST."""
    for names in images.PARTS.values():
        for name, array in zip(names, (PICTURES, LABELS), strict=True):
            (tmp_path / name).write_bytes(gzip.compress(idx(array)))
    return tmp_path


@pytest.fixture(autouse=True)
def no_data_elsewhere(monkeypatch, tmp_path):
    monkeypatch.delenv(files.VARIABLE, raising=False)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)


# -- images ----------------------------------------------------------------------------------------


def check(X, y):
    assert X.dtype == np.float32 and y.dtype == np.int64
    np.testing.assert_allclose(X, PICTURES[:, None] / 255, rtol=1e-6)
    assert y.tolist() == LABELS.tolist()


def test_mnist_is_found_where_it_is(mnist, monkeypatch):
    check(*nn.datasets.load_mnist("train", root=mnist))
    check(*nn.datasets.load_fashion_mnist("test", root=mnist))
    (mnist / "base").mkdir()
    (mnist / "base" / "mnist").symlink_to(mnist)
    check(*nn.datasets.load_mnist("train", root=mnist / "base"))
    monkeypatch.setenv(files.VARIABLE, str(mnist / "base"))
    check(*nn.datasets.load_mnist("test"))
    monkeypatch.delenv(files.VARIABLE)
    (files.cache_folder()).mkdir(parents=True)
    (files.cache_folder() / "mnist").symlink_to(mnist)
    check(*nn.datasets.load_mnist("test"))


def test_what_is_not_there_is_told(tmp_path, monkeypatch):
    with pytest.raises(FileError, match=r"expected train-images.*set AUTOGRAD_LITE_DATA.*download=True"):
        nn.datasets.load_mnist(root=tmp_path)
    monkeypatch.setenv(files.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(FileError, match="cifar10 is not in .*nowhere"):
        nn.datasets.load_cifar10()
    with pytest.raises(OptionError, match='"train" or "test"'):
        nn.datasets.load_mnist("valid")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"<html>not here</html>", "not an IDX file"),
        (gzip.compress(idx(PICTURES), mtime=0)[:-100], "damaged"),
        (gzip.compress(idx(PICTURES)[:-1], mtime=0), r"says \(5, 28, 28\) and holds 3919 bytes"),
        (idx(PICTURES)[:9], "damaged"),
        (gzip.compress(idx(LABELS), mtime=0), "do not belong together"),
    ],
)
def test_damaged_files_are_told(mnist, content, message):
    (mnist / "t10k-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        nn.datasets.load_mnist("test", root=mnist)


def test_plain_files_are_read_too(tmp_path):
    (tmp_path / "a").write_bytes(idx(PICTURES))
    np.testing.assert_array_equal(nn.datasets.read_idx(tmp_path / "a"), PICTURES)
    with pytest.raises(FileError, match="cannot read"):
        nn.datasets.read_idx(tmp_path / "b")


def test_cifar10_from_the_archive_and_from_a_selection(tmp_path):
    pictures = rng.integers(0, 256, (4, 3, 32, 32), np.uint8)
    labels = np.array([9, 0, 3, 3], np.uint8)
    records = np.concatenate([labels[:, None], pictures.reshape(4, -1)], axis=1)
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = records.nbytes
            archive.addfile(info, io.BytesIO(records.tobytes()))
    X, y = nn.datasets.load_cifar10("train", root=tmp_path)
    assert X.shape == (20, 3, 32, 32) and y.tolist() == labels.tolist() * 5
    np.testing.assert_allclose(X[:4], pictures / 255, rtol=1e-6)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="damaged"):
        nn.datasets.load_cifar10("test", root=tmp_path)
    (tmp_path / "cifar-10-binary.tar.gz").unlink()
    np.savez(tmp_path / "cifar10-11k.npz", x_test=pictures.transpose(0, 2, 3, 1), y_test=labels)
    X, y = nn.datasets.load_cifar10("test", root=tmp_path)
    np.testing.assert_allclose(X, pictures / 255, rtol=1e-6)
    assert X.flags.c_contiguous and y.tolist() == labels.tolist()


# -- in the form of torchvision --------------------------------------------------------------------


def test_pictures_and_their_classes(mnist, monkeypatch):
    data = nn.datasets.MNIST(mnist, train=True)
    assert len(data) == 5 and data[0][1] == 3 and type(data[0][1]) is int
    np.testing.assert_array_equal(data[4][0], PICTURES[4])
    np.testing.assert_array_equal(data.data.numpy(), PICTURES)
    assert data.targets.tolist() == LABELS.tolist()
    assert data.classes[3] == "3 - three" and data.class_to_idx["3 - three"] == 3
    assert "train, 5 pictures" in repr(data)
    (mnist / "elsewhere" / "FashionMNIST" / "raw").mkdir(parents=True)
    with pytest.raises(FileError, match="fashion-mnist is not in"):
        nn.datasets.FashionMNIST(mnist / "elsewhere")
    monkeypatch.setenv(files.VARIABLE, str(mnist))
    assert len(nn.datasets.FashionMNIST(mnist / "elsewhere", train=False, download=True)) == 5
    for path in mnist.glob("*.gz"):
        path.rename(mnist / "elsewhere" / "FashionMNIST" / "raw" / path.name)
    monkeypatch.delenv(files.VARIABLE)
    assert nn.datasets.FashionMNIST(mnist / "elsewhere").classes[9] == "Ankle boot"


def test_what_is_nowhere_is_downloaded_into_the_root(server, mnist, monkeypatch, tmp_path):
    url, answers = server
    sums = {}
    for name in images.PARTS["test"]:
        answers[name] = [(mnist / name).read_bytes()]
        sums[name] = md5(answers[name][0])
    monkeypatch.setattr(nn.datasets.MNIST, "read", lambda self, *args: images._idx("mnist", url, sums, *args))
    root = tmp_path / "data"
    assert len(nn.datasets.MNIST(str(root), train=False, download=True)) == 5
    assert sorted(p.name for p in (root / "MNIST" / "raw").iterdir()) == sorted(sums)
    answers.clear()
    assert len(nn.datasets.MNIST(str(root), train=False)) == 5


def test_batches_are_transformed_at_once_where_transforms_can(mnist):
    to_tensor = nn.transforms.Compose([nn.transforms.ToTensor(), nn.transforms.Normalize(0.5, 0.5)])
    at_once = nn.datasets.MNIST(mnist, transform=to_tensor)
    one_by_one = nn.datasets.MNIST(mnist, transform=lambda picture: to_tensor(picture))
    assert not at_once.is_random and one_by_one.is_random
    for data in (at_once, one_by_one):
        (x, y), (rest, _) = nn.DataLoader(data, 3)
        np.testing.assert_allclose(x.numpy(), PICTURES[:3, None] / 127.5 - 1, atol=1e-6)
        assert x.dtype == np.float32 and rest.shape == (2, 1, 28, 28) and y.tolist() == [3, 1, 4]
    assert at_once[0][0].shape == (1, 28, 28)
    odd = nn.datasets.MNIST(mnist, transform=to_tensor, target_transform=lambda label: label % 2)
    assert next(iter(nn.DataLoader(odd, 5)))[1].tolist() == [1, 1, 0, 1, 1]
    plain = next(iter(nn.DataLoader(nn.datasets.MNIST(mnist), 5)))[0]
    assert plain.dtype == np.uint8 and plain.shape == (5, 28, 28)


def test_photographs_have_their_channels_last(tmp_path):
    pictures = rng.integers(0, 256, (4, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "cifar10-11k.npz", x_test=pictures, y_test=[9, 0, 3, 3])
    data = nn.datasets.CIFAR10(tmp_path, train=False, transform=nn.transforms.ToTensor())
    assert data.targets == [9, 0, 3, 3] and data.data.shape == (4, 32, 32, 3) and data.classes[9] == "truck"
    np.testing.assert_allclose(data[1][0].numpy(), pictures[1].transpose(2, 0, 1) / 255, rtol=1e-6)
    (x, _), *_ = nn.DataLoader(data, 4)
    np.testing.assert_allclose(x.numpy(), nn.datasets.load_cifar10("test", root=tmp_path)[0], rtol=1e-6)


# -- downloads -------------------------------------------------------------------------------------


@pytest.fixture
def server():
    """Files over HTTP on this machine; each request of a name takes the next of its answers."""
    answers: dict[str, list[bytes]] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            waiting = answers[self.path.strip("/")]
            content = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            self.send_response(200 if content else 503)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", answers
        running.shutdown()
        thread.join()


def md5(content):
    return hashlib.md5(content).hexdigest()


def test_a_download_is_tried_again_and_checked(server, tmp_path):
    url, answers = server
    answers["file"] = [b"", b"something else", b"the right one"]
    path = tmp_path / "new" / "file"
    files.download(url + "file", path, md5(b"the right one"), quiet=True)
    assert path.read_bytes() == b"the right one"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_download_that_fails_leaves_nothing_behind(server, tmp_path):
    url, answers = server
    answers["file"] = [b"another"]
    path = tmp_path / "file"
    path.write_bytes(b"as it was")
    with pytest.raises(FileError, match=r"checksum.*put it into"):
        files.download(url + "file", path, md5(b"the right one"), quiet=True)
    assert path.read_bytes() == b"as it was" and len(list(tmp_path.iterdir())) == 1
    answers["file"] = [b""]
    with pytest.raises(FileError, match="503"):
        files.download(url + "file", path, md5(b""), quiet=True)


def test_mnist_is_downloaded_once(server, mnist, monkeypatch):
    url, answers = server
    contents = {name: (mnist / name).read_bytes() for name in images.MNIST}
    for name, content in contents.items():
        answers[name] = [content]
    sums = {name: md5(content) for name, content in contents.items()}

    def load(download):
        return images.scaled(images._idx("mnist", url, sums, "train", None, download))

    with pytest.raises(FileError):
        load(False)
    check(*load(True))
    answers.clear()  # from here on there is nothing to download
    check(*load(True))
    assert len(list((files.cache_folder() / "mnist").iterdir())) == 2


# -- text and tables -------------------------------------------------------------------------------


def test_shakespeare_is_found_where_it_is_or_downloaded_once(server, tmp_path, monkeypatch):
    with pytest.raises(FileError, match=r"text is not in .*tinyshakespeare.txt.*download=True"):
        nn.datasets.load_shakespeare()
    url, answers = server
    answers["input.txt"] = [b"To be, or not to be"]
    monkeypatch.setattr(text, "SHAKESPEARE_URL", f"{url}input.txt")
    monkeypatch.setattr(text, "SHAKESPEARE_MD5", md5(b"To be, or not to be"))
    assert nn.datasets.load_shakespeare(download=True) == "To be, or not to be"
    answers.clear()
    assert nn.datasets.load_shakespeare(download=True) == "To be, or not to be"
    (tmp_path / "here" / "text").mkdir(parents=True)
    (tmp_path / "here" / "text" / "tinyshakespeare.txt").write_text("Words, words, words.")
    monkeypatch.setenv(files.VARIABLE, str(tmp_path / "here"))
    assert nn.datasets.load_shakespeare() == "Words, words, words."


def test_the_first_act_comes_with_the_package():
    act = nn.datasets.load_shakespeare("first act")
    assert len(act) == 35_108 and act.endswith("I shall, sir.\n\n") and "\r" not in act
    with pytest.raises(OptionError, match='expected "all" or "first act"'):
        nn.datasets.load_shakespeare("second act")


def test_pieces_of_a_text(tmp_path):
    data = nn.datasets.CharText("hello world", length=4, stride=3)
    assert "".join(data.vocabulary) == " dehlorw"
    assert [data.decode(x) for x, _ in data] == ["hell", "lo w", "worl"]
    assert [data.decode(y) for _, y in data] == ["ello", "o wo", "orld"]
    assert data.decode(data[-1][0]) == "worl" and len(data) == 3
    assert data.encode("dew").tolist() == [1, 2, 7]
    x, y = next(iter(nn.DataLoader(data, batch_size=2)))
    assert x.shape == y.shape == (2, 4) and x.dtype == np.int64
    (tmp_path / "text").write_text("äbä", encoding="utf-8")
    assert nn.datasets.CharText.from_file(tmp_path / "text", 1).vocabulary == ["b", "ä"]


def test_texts_that_will_not_do(tmp_path):
    with pytest.raises(DataError, match="3 characters has no pieces of 3"):
        nn.datasets.CharText("abc", 3)
    with pytest.raises(DataError, match="'z' is not in the vocabulary"):
        nn.datasets.CharText("abc", 1).encode("az")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8 text"):
        nn.datasets.CharText.from_file(tmp_path / "bytes", 1)
    with pytest.raises(FileError, match="cannot read"):
        nn.datasets.CharText.from_file(tmp_path / "none", 1)


TABLE = "a,b,kind\n1,2.5,x\n-3,4e2,y\n\n5,6,x\n"


def test_tables(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    X, y = nn.datasets.load_csv(path, target="kind")
    assert X.tolist() == [[1, 2.5], [-3, 400], [5, 6]] and y.tolist() == [0, 1, 0]
    X, y = nn.datasets.load_csv(path, target="a", columns=["b"], dtype=float)
    assert X.dtype == float and y.tolist() == [1, -3, 5] and y.dtype == np.int64
    X, y = nn.datasets.load_csv(path, target=1, columns=[0])
    assert y.tolist() == [2.5, 400, 6] and y.dtype == np.float32
    path.write_text("1;2\n3;4\n")
    assert nn.datasets.load_csv(path, delimiter=";", header=False).tolist() == [[1, 2], [3, 4]]
    path.write_text("a,b\n1,\nNA,nan\n")
    assert nn.datasets.load_csv(path, missing=-1.0).tolist() == [[1, -1], [-1, -1]]


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        (TABLE, {}, DataError, r"line 2, column 'kind': 'x' is not a number.*columns="),
        (TABLE.replace("6", ""), {"target": "kind"}, DataError, "line 5, column 'b': the cell is empty"),
        (TABLE.replace("-3,", ""), {}, DataError, "line 3: 2 cells, expected 3"),
        (TABLE, {"target": "c"}, OptionError, "no column 'c'; it has a, b, kind"),
        ("a,b\n1,nan\n", {}, DataError, "line 2, column 'b': 'nan' is not a number; give missing=0.0"),
        ("a,b\n1,1_0\n", {}, DataError, "line 2, column 'b': '1_0' is not a number; repair"),
        ("a,b\n1,2\n3,x\n", {"target": "b"}, DataError, "line 3, target 'b': 'x' is not a number, as other"),
        (
            "a,b\n1,x\n3,nan\n",
            {"target": "b"},
            DataError,
            "line 2, target 'b': 'x' is not a number, as other",
        ),
        ("a,b\n1,x\n3, \n", {"target": "b"}, DataError, "line 3, target 'b': the cell is empty"),
        ("1,2\n3,4\n", {}, DataError, "first line holds numbers.*write header=False"),
        ("a,b\n", {}, DataError, "has no rows"),
        ("", {}, DataError, "has no rows"),
    ],
)
def test_bad_tables_are_told(tmp_path, text, options, error, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(error, match=message):
        nn.datasets.load_csv(path, **options)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match="cannot read"):
        nn.datasets.load_csv(tmp_path / "t.csv")


def test_the_real_files_where_they_are(request):
    """With AUTOGRAD_LITE_DATA set, or a folder `shared/data` beside the project."""
    folder = request.config.rootpath.parent / "shared" / "data"
    if not (folder / "mnist").is_dir():
        pytest.skip("the published data are not on this machine")
    X, y = nn.datasets.load_mnist("test", root=folder)
    assert X.shape == (10_000, 1, 28, 28) and np.bincount(y).tolist()[:3] == [980, 1135, 1032]
    X, y = nn.datasets.load_cifar10("test", root=folder)
    assert X.shape == (1000, 3, 32, 32) and set(y.tolist()) == set(range(10))
    whole = nn.datasets.load_shakespeare(root=folder)
    assert len(whole) == 1_115_394 and whole.startswith(nn.datasets.load_shakespeare("first act"))
