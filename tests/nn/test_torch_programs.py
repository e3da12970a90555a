"""Programs as tutorials write them, run by PyTorch and by `nn.torch`: the same numbers.

Each takes `torch` (and what hangs on it) as the only name that differs. The models start from the same
weights, and what each program returns must agree.
"""

# ruff: noqa: E501  (as they are written)

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn.functional
import nn.torch

rng = np.random.default_rng(0)
X = rng.normal(size=(64, 8)).astype(np.float32)
LABELS = (X[:, :3].argmax(axis=1)).astype(np.int64)
IMAGES = rng.normal(size=(16, 1, 12, 12)).astype(np.float32)
CLASSES = rng.integers(0, 10, 16)
TOKENS = rng.integers(0, 11, (4, 9))


def copied(model: Any, torch: Any) -> Any:
    """The model with weights that do not hang on the library."""
    source = np.random.default_rng(1)
    state = {}
    for name, value in model.state_dict().items():
        array = np.asarray(value)
        fresh = source.normal(size=array.shape) * 0.3
        state[name] = torch.tensor(fresh.astype(array.dtype)) if array.dtype.kind == "f" else value
    model.load_state_dict(state)
    return model


def quickstart(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"

    class NeuralNetwork(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.flatten = nn.Flatten()
            self.linear_relu_stack = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))

        def forward(self, x: Any) -> Any:
            return self.linear_relu_stack(self.flatten(x))

    model = copied(NeuralNetwork().to(device), torch)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-1)
    dataset = data.TensorDataset(torch.from_numpy(X), torch.from_numpy(LABELS))
    dataloader = data.DataLoader(dataset, batch_size=16)
    for _ in range(4):
        model.train()
        for batch, (x, y) in enumerate(dataloader):
            x, y = x.to(device), y.to(device)
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if batch % 100 == 0:
                loss = loss.item()
    model.eval()
    test_loss, correct = 0.0, 0
    with torch.no_grad():
        for x, y in dataloader:
            pred = model(x)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    return test_loss / len(dataloader), correct / len(dataloader.dataset)


def mnist_cnn(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 4, 3, 1)
            self.conv2 = nn.Conv2d(4, 8, 3, 1)
            self.dropout1 = nn.Dropout(0.0)
            self.fc1 = nn.Linear(8 * 4 * 4, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.conv1(x))
            x = F.relu(self.conv2(x))
            x = F.max_pool2d(x, 2)
            x = self.dropout1(x)
            x = torch.flatten(x, 1)
            x = F.relu(self.fc1(x))
            return F.log_softmax(self.fc2(x), dim=1)

    model = copied(Net(), torch)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    images, target = torch.tensor(IMAGES), torch.tensor(CLASSES)
    for _ in range(3):
        model.train()
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), target)
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        output = model(images)
        test_loss = F.nll_loss(output, target, reduction="sum").item()
        pred = output.argmax(dim=1, keepdim=True)
        correct = pred.eq(target.view_as(pred)).sum().item()
    return test_loss, correct, optimizer.param_groups[0]["lr"]


def cifar_style(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, 5)
            self.pool = nn.MaxPool2d(2, 2)
            self.fc1 = nn.Linear(6 * 4 * 4, 10)

        def forward(self, x: Any) -> Any:
            x = self.pool(F.relu(self.conv1(x)))
            x = x.view(x.size(0), -1)
            return self.fc1(x)

    net = copied(Net(), torch)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    running_loss = 0.0
    for i, (inputs, labels) in enumerate(
        zip(torch.tensor(IMAGES).split(4), torch.tensor(CLASSES).split(4), strict=True)
    ):
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * (i + 1)
    _, predicted = torch.max(outputs.detach(), 1)
    return (
        running_loss,
        (predicted == labels).sum().item(),
        sum(p.numel() for p in net.parameters() if p.requires_grad),
    )


def polynomial(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    x = torch.linspace(-math.pi, math.pi, 200)
    y = torch.sin(x)
    a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.1, 0.2, -0.1, 0.05))
    for _ in range(20):
        y_pred = a + b * x + c * x**2 + d * x**3
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= 1e-6 * p.grad
                p.grad = None
    xx = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
    model = copied(nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1)), torch)
    loss_fn = nn.MSELoss(reduction="sum")
    for _ in range(20):
        loss2 = loss_fn(model(xx), y)
        model.zero_grad()
        loss2.backward()
        with torch.no_grad():
            for param in model.parameters():
                param -= 1e-7 * param.grad
    return loss.item(), loss2.item(), a.item(), d.item()


def char_rnn(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    class RNNModel(nn.Module):  # type: ignore[misc]
        def __init__(self, kind: str) -> None:
            super().__init__()
            self.encoder = nn.Embedding(11, 6)
            self.rnn = getattr(nn, kind)(6, 7, 2)
            self.decoder = nn.Linear(7, 11)
            self.init_weights()

        def init_weights(self) -> None:
            nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
            nn.init.zeros_(self.decoder.bias)

        def forward(self, tokens: Any, hidden: Any) -> Any:
            output, hidden = self.rnn(self.encoder(tokens), hidden)
            decoded = self.decoder(output).view(-1, 11)
            return F.log_softmax(decoded, dim=1), hidden

        def init_hidden(self, bsz: int) -> Any:
            weight = next(self.parameters())
            return weight.new_zeros(2, bsz, 7), weight.new_zeros(2, bsz, 7)

    model = copied(RNNModel("LSTM"), torch)
    text = torch.tensor(TOKENS.T)
    hidden = model.init_hidden(4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.NLLLoss()
    for start in (0, 4):
        source, targets = text[start : start + 4], text[start + 1 : start + 5].reshape(-1)
        hidden = tuple(h.detach() for h in hidden)
        optimizer.zero_grad()
        output, hidden = model(source, hidden)
        loss = criterion(output, targets)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
    return loss.item(), float(norm), hidden[0].sum().item(), math.exp(loss.item())


def small_gpt(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    class CausalSelfAttention(nn.Module):  # type: ignore[misc]
        def __init__(self, n_embd: int, n_head: int, block: int) -> None:
            super().__init__()
            self.c_attn = nn.Linear(n_embd, 3 * n_embd)
            self.c_proj = nn.Linear(n_embd, n_embd)
            self.n_head, self.n_embd = n_head, n_embd
            self.register_buffer("bias", torch.tril(torch.ones(block, block)).view(1, 1, block, block))

        def forward(self, x: Any) -> Any:
            B, T, C = x.size()
            q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
            k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
            att = F.softmax(att, dim=-1)
            y = att @ v
            y = y.transpose(1, 2).contiguous().view(B, T, C)
            return self.c_proj(y)

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, n_embd: int, n_head: int, block: int) -> None:
            super().__init__()
            self.ln_1 = nn.LayerNorm(n_embd)
            self.attn = CausalSelfAttention(n_embd, n_head, block)
            self.ln_2 = nn.LayerNorm(n_embd)
            self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))

        def forward(self, x: Any) -> Any:
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.transformer = nn.ModuleDict(
                dict(
                    wte=nn.Embedding(11, 8),
                    wpe=nn.Embedding(8, 8),
                    h=nn.ModuleList([Block(8, 2, 8) for _ in range(2)]),
                )
            )
            self.lm_head = nn.Linear(8, 11, bias=False)
            self.transformer.wte.weight = self.lm_head.weight

        def forward(self, idx: Any, targets: Any) -> Any:
            _, t = idx.size()
            pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
            x = self.transformer.wte(idx) + self.transformer.wpe(pos)
            for block in self.transformer.h:
                x = block(x)
            logits = self.lm_head(x)
            return logits, F.cross_entropy(
                logits.view(-1, logits.size(-1)), targets.reshape(-1), ignore_index=-1
            )

    model = copied(GPT(), torch)
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95))
    tokens = torch.tensor(TOKENS)
    for _ in range(4):
        logits, loss = model(tokens[:, :-1], tokens[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        last = logits[:, -1, :] / 0.8
        v, _ = torch.topk(last, 3)
        last[last < v[:, [-1]]] = -float("inf")
        probs = F.softmax(last, dim=-1)
        chosen = torch.argmax(probs, dim=-1, keepdim=True)
        longer = torch.cat((tokens, chosen), dim=1)
    return loss.item(), probs.max().item(), longer.sum().item(), sum(p.numel() for p in model.parameters())


def vae(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    class VAE(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(144, 20)
            self.fc21, self.fc22 = nn.Linear(20, 3), nn.Linear(20, 3)
            self.fc3, self.fc4 = nn.Linear(3, 20), nn.Linear(20, 144)

        def encode(self, x: Any) -> Any:
            h1 = F.relu(self.fc1(x))
            return self.fc21(h1), self.fc22(h1)

        def reparameterize(self, mu: Any, logvar: Any) -> Any:
            std = torch.exp(0.5 * logvar)
            eps = torch.randn_like(std)
            return mu + 0 * eps * std

        def decode(self, z: Any) -> Any:
            return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

        def forward(self, x: Any) -> Any:
            mu, logvar = self.encode(x.view(-1, 144))
            return self.decode(self.reparameterize(mu, logvar)), mu, logvar

    model = copied(VAE(), torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x = torch.sigmoid(torch.tensor(IMAGES))
    for _ in range(3):
        recon, mu, logvar = model(x)
        bce = F.binary_cross_entropy(recon, x.view(-1, 144), reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        optimizer.zero_grad()
        (bce + kld).backward()
        optimizer.step()
    return bce.item(), kld.item(), recon.view(16, 1, 12, 12)[0].mean().item()


def binary(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    model = copied(
        nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1), nn.Sigmoid()), torch
    )
    for p in model[0].parameters():
        p.requires_grad = False
    optimizer = torch.optim.RMSprop(filter(lambda p: p.requires_grad, model.parameters()), lr=0.01)
    loss_fn = nn.BCELoss()
    x, y = torch.tensor(X), torch.tensor((LABELS == 1).astype(np.float32)).unsqueeze(1)
    for _ in range(5):
        y_pred = model(x)
        loss = loss_fn(y_pred, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = ((y_pred > 0.5).float() == y).float().mean()
    rounded = (y_pred.round() == y).float().mean()
    running = dict(model.named_buffers())["1.running_mean"]
    return loss.item(), float(accuracy), float(rounded), float(running.sum()), len(list(model.children()))


def gradient_penalty(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    critic = copied(nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1)), torch)
    real, fake = torch.tensor(X[:16]), torch.tensor(X[16:32])
    alpha = torch.full((16, 1), 0.3).expand_as(real)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    scores = critic(between)
    (grads,) = torch.autograd.grad(
        outputs=scores,
        inputs=between,
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        retain_graph=True,
    )
    penalty = ((grads.view(16, -1).norm(2, dim=1) - 1) ** 2).mean()
    loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
    loss.backward()
    return loss.item(), *(p.grad.norm().item() for p in critic.parameters() if p.grad is not None)


def seq2seq_attention(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    class Decoder(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(11, 6, padding_idx=0)
            self.gru = nn.GRU(12, 6, batch_first=True)
            self.Wa, self.Ua, self.Va = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 1)
            self.out = nn.Linear(6, 11)

        def forward(self, keys: Any, hidden: Any, steps: int) -> Any:
            token = torch.empty(keys.size(0), 1, dtype=torch.long).fill_(1)
            outputs = []
            for _ in range(steps):
                query = hidden.permute(1, 0, 2)
                scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
                weights = F.softmax(scores.squeeze(2).unsqueeze(1), dim=-1)
                context = torch.bmm(weights, keys)
                output, hidden = self.gru(torch.cat((self.embedding(token), context), dim=2), hidden)
                logits = self.out(output)
                outputs.append(logits)
                _, topi = logits.topk(1)
                token = topi.squeeze(-1).detach()
            return F.log_softmax(torch.cat(outputs, dim=1), dim=-1)

    model = copied(Decoder(), torch)
    keys = torch.tensor(rng_keys)
    out = model(keys, torch.zeros(1, 4, 6), 3)
    loss = nn.NLLLoss()(out.view(-1, out.size(-1)), torch.tensor(TOKENS[:, :3]).view(-1))
    loss.backward()
    return loss.item(), model.Va.weight.grad.abs().sum().item(), model.embedding.weight.grad[0].sum().item()


rng_keys = rng.normal(size=(4, 5, 6)).astype(np.float32)


def tensors(torch: Any, nn: Any, F: Any, data: Any) -> Any:
    a = torch.arange(12).reshape(3, 4)
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    one_hot = torch.zeros(4, 5).scatter_(1, torch.tensor([[1], [0], [4], [2]]), 1)
    stacked = torch.stack([x, x * 2]).sum(dim=0)
    y = torch.where(x > 2, x, torch.zeros_like(x)).mean() + torch.var(x, dim=0).sum() + torch.std(stacked)
    y.backward()
    batch = torch.eye(2).unsqueeze(0).repeat_interleave(3, dim=0)
    return (
        y.item(), x.grad.sum().item(), one_hot.argmax(dim=1).sum().item(), a.float().mean().item(), a.dtype == torch.int64,
        torch.full((2,), 3.5).dtype == torch.float32, torch.matmul(batch, x.detach()).shape[0], tuple(batch.size()),
        torch.allclose(x, x.clone()), torch.clamp(x, max=2).sum().item(), torch.linspace(0, 1, 5)[1].item(),
        torch.max(x).item(), torch.min(x, 0)[1].tolist(), torch.squeeze(x[None]).dim(), torch.transpose(x, 0, 1)[0, 1].item(),
        torch.norm(x).item(), torch.eq(a, a).all().item(), torch.tensor(5).item(), torch.ones(2, 3).numel(), torch.is_tensor(x),
    )  # fmt: skip


PROGRAMS = [
    quickstart, mnist_cnn, cifar_style, polynomial, char_rnn, small_gpt, vae, binary, gradient_penalty,
    seq2seq_attention, tensors,
]  # fmt: skip


RULES = {
    "torch replaced everywhere": (nn.torch, nn.torch.nn, nn.torch.nn.functional, nn.torch.utils.data),
    "with layers of nn": (nn.torch, nn, nn.functional, nn.data),
}


@pytest.mark.torch
@pytest.mark.few(2)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_the_same_numbers_as_pytorch(program: Callable[..., Any], rule: str, torch: Any) -> None:
    import torch.utils.data

    expected = program(torch, torch.nn, torch.nn.functional, torch.utils.data)
    found = program(*RULES[rule])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6)  # float32, a few steps of training


def test_a_generator_of_ones_own_draws_by_itself():
    torch = nn.torch

    def drawn(*, seed):
        g = torch.Generator().manual_seed(seed)
        weights = torch.ones(5)
        functions = [
            torch.rand(3, generator=g),
            torch.randn(3, generator=g),
            torch.normal(0.0, 1.0, (3,), generator=g),
            torch.randint(0, 100, (3,), generator=g),
            torch.randperm(20, generator=g),
            torch.bernoulli(torch.full((20,), 0.5), generator=g),
            torch.multinomial(weights, 4, generator=g),
            torch.zeros(3).uniform_(generator=g),
        ]
        parts = nn.data.random_split(range(9), [5, 4], generator=g)
        return [x.tolist() for x in functions] + [part.indices for part in parts]

    torch.manual_seed(0)
    expected = torch.rand(2).tolist()
    torch.manual_seed(0)
    first = drawn(seed=1)
    assert torch.initial_seed() == torch.initial_seed()
    assert torch.rand(2).tolist() == expected  # nothing was taken from the generator of all
    torch.manual_seed(5)
    assert drawn(seed=1) == first
    assert all(a != b for a, b in zip(drawn(seed=2), first, strict=True))
