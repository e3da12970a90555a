"""Programs around datasets and loaders, as written for PyTorch: the same numbers under both libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn.functional
import nn.torch
import nn.utils.data

rng = np.random.default_rng(0)
X = rng.normal(size=(23, 4)).astype(np.float32)
Y = rng.integers(0, 3, 23)
SENTENCES = [rng.integers(1, 12, length).tolist() for length in (5, 2, 7, 3, 3, 6, 1, 4)]


def filled(model: Any, torch: Any) -> Any:
    source = np.random.default_rng(1)
    for p in model.parameters():
        p.data.copy_(torch.from_numpy((source.normal(size=tuple(p.shape)) * 0.4).astype(np.float32)))
    return model


def sentiment(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    """Sentences of several lengths through a collate function, an embedding and a packed LSTM."""
    pad_sequence = nn.utils.rnn.pad_sequence
    pack_padded_sequence = nn.utils.rnn.pack_padded_sequence
    pad_packed_sequence = nn.utils.rnn.pad_packed_sequence

    class Sentences(data.Dataset):  # type: ignore[misc]
        def __init__(self, sentences: Any) -> None:
            self.sentences = sentences

        def __len__(self) -> int:
            return len(self.sentences)

        def __getitem__(self, idx: Any) -> Any:
            text = torch.tensor(self.sentences[idx], dtype=torch.long)
            return text, float(len(text) > 3)

    def collate_batch(batch: Any) -> Any:
        batch.sort(key=lambda sample: len(sample[0]), reverse=True)
        texts, labels = zip(*batch, strict=True)
        lengths = torch.tensor([len(text) for text in texts])
        return pad_sequence(texts, batch_first=True, padding_value=0), lengths, torch.tensor(labels)

    class Classifier(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(12, 5, padding_idx=0)
            self.lstm = nn.LSTM(5, 6, batch_first=True, bidirectional=True)
            self.fc = nn.Linear(12, 1)

        def forward(self, text: Any, lengths: Any) -> Any:
            packed = pack_padded_sequence(self.embedding(text), lengths.cpu(), batch_first=True)
            output, (hidden, _) = self.lstm(packed)
            output, output_lengths = pad_packed_sequence(output, batch_first=True)
            assert output_lengths.tolist() == lengths.tolist() and output.shape[0] == text.size(0)
            hidden = torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1) + output.mean(dim=1)
            return self.fc(hidden).squeeze(1)

    loader = data.DataLoader(Sentences(SENTENCES), batch_size=3, shuffle=False, collate_fn=collate_batch)
    model = filled(Classifier(), torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.BCEWithLogitsLoss()
    losses = []
    for _ in range(3):
        for text, lengths, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(text, lengths), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            losses.append(loss.item())
    return losses


def folders(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    """Dicts, parts of datasets by Tensors of indices, datasets put together, samplers, batches by hand."""

    class Tables(data.Dataset):  # type: ignore[misc]
        def __init__(self, transform: Any = None) -> None:
            self.transform = transform

        def __len__(self) -> int:
            return len(X)

        def __getitem__(self, idx: Any) -> Any:
            if torch.is_tensor(idx):
                idx = idx.tolist()
            sample = {"x": X[idx], "label": Y[idx], "name": f"row {idx}", "weight": 0.5 * idx}
            return self.transform(sample) if self.transform else sample

    def doubled(sample: Any) -> Any:
        return {**sample, "x": torch.from_numpy(2 * sample["x"])}

    found: list[Any] = []
    for batch in data.DataLoader(Tables(doubled), batch_size=10):
        assert isinstance(batch["name"], list) and batch["x"].dtype == torch.float32
        found += [batch["x"].sum().item(), batch["label"].sum().item(), batch["weight"].tolist()[-1]]
    tensors = data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    part = data.Subset(tensors, torch.arange(3, 15))
    for x, y in data.DataLoader(part, 5, drop_last=True):
        found += [x[0].sum().item(), y.float().mean().item()]
    both = data.ConcatDataset([part, tensors])
    found += [len(both), both[13][0][0].item(), len(part + tensors)]
    indices = list(range(20))
    train, valid = data.SubsetRandomSampler(indices[5:]), data.SubsetRandomSampler(indices[:5])
    for sampler in (train, valid):
        loader = data.DataLoader(tensors, batch_size=4, sampler=sampler)
        found += [len(loader), len(loader.sampler), sum(x.sum().item() for x, _ in loader)]
    weights = [1.0 if y == 2 else 0.0 for y in Y]
    weighted = data.WeightedRandomSampler(weights, num_samples=8, replacement=True)
    found += [y.sum().item() for _, y in data.DataLoader(tensors, batch_size=8, sampler=weighted)]
    by_hand = data.DataLoader(
        tensors, batch_sampler=data.BatchSampler(data.SequentialSampler(tensors), 9, False)
    )
    found += [len(by_hand), *(x.size(0) for x, _ in by_hand)]
    generator = torch.Generator().manual_seed(42)
    sizes = [len(p) for p in data.random_split(tensors, [0.7, 0.2, 0.1], generator=generator)]
    data_iter = iter(data.DataLoader(tensors, batch_size=6, shuffle=True, generator=generator))
    images, labels = next(data_iter)
    return [*found, *sizes, images.shape[0], labels.shape[0], sum(len(y) for _, y in data_iter)]


def streams(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    """A stream, single samples, and a loader that is never at its end."""

    class Numbers(data.IterableDataset):  # type: ignore[misc]
        def __init__(self, start: int, end: int) -> None:
            super().__init__()
            self.start, self.end = start, end

        def __iter__(self) -> Any:
            assert data.get_worker_info() is None
            return iter(range(self.start, self.end))

    found = [batch.tolist() for batch in data.DataLoader(Numbers(3, 10), batch_size=4)]
    assert found == [[3, 4, 5, 6], [7, 8, 9]]
    singles = list(data.DataLoader(np.arange(4.0), batch_size=None))
    chained = list(data.DataLoader(data.ChainDataset([Numbers(0, 2), Numbers(5, 6)]), batch_size=2))

    def endless(loader: Any) -> Any:
        while True:
            yield from loader

    batches = endless(data.DataLoader(list(range(5)), batch_size=2))
    last = [next(batches) for _ in range(7)][-1]
    return [*map(float, singles), *chained[0].tolist(), chained[1].item(), *last.tolist()]


@pytest.mark.torch
@pytest.mark.parametrize("program", [sentiment, folders, streams], ids=lambda p: p.__name__)
def test_the_same_numbers_as_pytorch(program: Callable[..., Any], torch: Any) -> None:
    import torch.utils.data

    expected = program(torch, torch.nn, torch.nn.functional, torch.utils.data)
    found = program(nn.torch, nn, nn.functional, nn.utils.data)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-6)  # float32, a few steps of training
