"""More programs as people write them: the same numbers as PyTorch, and Tensors of the class wherever PyTorch has one."""
# ruff: noqa: B007, B905, F841, UP031, C416, C417, E501, E741, SIM, PT018, UP018, UP031  (as they are written)
# mypy: ignore-errors

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn.torch


def positional_encoding(torch: Any, nn: Any, F: Any) -> Any:
    class PE(nn.Module):
        def __init__(self, d, n=50):
            super().__init__()
            self.dropout = nn.Dropout(p=0.0)
            position = torch.arange(n).unsqueeze(1)
            div = torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
            pe = torch.zeros(n, 1, d)
            pe[:, 0, 0::2] = torch.sin(position * div)
            pe[:, 0, 1::2] = torch.cos(position * div)
            self.register_buffer("pe", pe)

        def forward(self, x):
            x = x + self.pe[: x.size(0)]
            return self.dropout(x)

    m = PE(8)
    y = m(torch.ones(5, 2, 8))
    mask = torch.triu(torch.ones(5, 5) * float("-inf"), diagonal=1)
    sq = (torch.triu(torch.ones(4, 4)) == 1).transpose(0, 1)
    sq = sq.float().masked_fill(sq == 0, float("-inf")).masked_fill(sq == 1, 0.0)
    return y, mask, sq, nn.Transformer.generate_square_subsequent_mask(3)


def deep_q_learning(torch: Any, nn: Any, F: Any) -> Any:
    class Q(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1 = nn.Linear(4, 8)
            self.l2 = nn.Linear(8, 2)

        def forward(self, x):
            return self.l2(F.relu(self.l1(x)))

    p, t = Q(), Q()
    for i, q in enumerate(p.parameters()):
        q.data.copy_(torch.linspace(-1, 1, q.numel()).view_as(q) * (i + 1) / 4)
    t.load_state_dict(p.state_dict())
    o = torch.optim.AdamW(p.parameters(), lr=1e-2, amsgrad=True)
    s = torch.tensor(np.random.RandomState(0).randn(6, 4), dtype=torch.float32)
    a = torch.tensor([[0], [1], [1], [0], [1], [0]], dtype=torch.int64)
    nf = torch.tensor(
        tuple(map(lambda z: z is not None, [1, None, 1, 1, None, 1])), device="cpu", dtype=torch.bool
    )
    nns = torch.cat([s[i : i + 1] for i in (0, 2, 3, 5)])
    r = torch.tensor([1.0, 0, 1, 0, 1, 0])
    for _ in range(3):
        sav = p(s).gather(1, a)
        nv = torch.zeros(6, device="cpu")
        with torch.no_grad():
            nv[nf] = t(nns).max(1).values
        exp = (nv * 0.9) + r
        loss = nn.SmoothL1Loss()(sav, exp.unsqueeze(1))
        o.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(p.parameters(), 100)
        o.step()
        tsd = t.state_dict()
        psd = p.state_dict()
        for k in psd:
            tsd[k] = psd[k] * 0.05 + tsd[k] * 0.95
        t.load_state_dict(tsd)
        for tp, pp in zip(t.parameters(), p.parameters()):
            tp.data.copy_(0.01 * pp.data + 0.99 * tp.data)
    with torch.no_grad():
        act = p(s).max(1).indices.view(-1, 1)
    return loss, act, *t.parameters()


def policy_gradient(torch: Any, nn: Any, F: Any) -> Any:
    rewards = [1.0, 0.5, 2.0]
    eps = np.finfo(np.float32).eps.item()
    R_ = 0
    ret = []
    for r in rewards[::-1]:
        R_ = r + 0.99 * R_
        ret.insert(0, R_)
    ret = torch.tensor(ret)
    ret = (ret - ret.mean()) / (ret.std() + eps)
    w = torch.ones(3, requires_grad=True)
    lp = [torch.log_softmax(w * (i + 1), 0)[i] for i in range(3)]
    pl = []
    for l, r in zip(lp, ret):
        pl.append(-l * r)
    loss = torch.stack(pl).sum()
    loss.backward()
    return ret, loss, w.grad, float(loss)


def adversarial_net(torch: Any, nn: Any, F: Any) -> Any:
    net = nn.Sequential(
        nn.ConvTranspose2d(3, 4, 4, 1, 0, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(True),
        nn.Conv2d(4, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    )

    def winit(m):
        c = m.__class__.__name__
        if c.find("Conv") != -1:
            nn.init.constant_(m.weight.data, 0.02)
        elif c.find("BatchNorm") != -1:
            nn.init.constant_(m.weight.data, 1.0)
            nn.init.constant_(m.bias.data, 0)

    net.apply(winit)
    crit = nn.BCELoss()
    label = torch.full((2,), 1.0, dtype=torch.float, device="cpu")
    out = net(torch.linspace(-1, 1, 6).view(2, 3, 1, 1)).view(-1)
    e = crit(out, label)
    e.backward()
    D = out.mean().item()
    label.fill_(0.0)
    f = crit(out.detach(), label)
    tot = e + f
    return out, e, f, D, tot.item(), *(p.grad for p in net.parameters())


def language_model(torch: Any, nn: Any, F: Any) -> Any:
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.0)
            self.encoder = nn.Embedding(7, 4)
            self.rnn = nn.LSTM(4, 4, 1, dropout=0.0)
            self.decoder = nn.Linear(4, 7)
            self.decoder.weight = self.encoder.weight
            self.init()

        def init(self):
            for i, p in enumerate(self.parameters()):
                p.data.copy_(torch.sin(torch.arange(p.numel()).float()).view(p.size()) * 0.3)
            nn.init.zeros_(self.decoder.bias)

        def forward(self, x, h):
            e = self.drop(self.encoder(x))
            o, h = self.rnn(e, h)
            d = self.decoder(self.drop(o)).view(-1, 7)
            return F.log_softmax(d, dim=1), h

        def hid(self, b):
            w = next(self.parameters())
            return (w.new_zeros(1, b, 4), w.new_zeros(1, b, 4))

    def rep(h):
        return h.detach() if isinstance(h, torch.Tensor) else tuple(rep(v) for v in h)

    m = M()
    data = torch.arange(24) % 7
    nb = data.size(0) // 3
    data = data.narrow(0, 0, nb * 3).view(3, -1).t().contiguous()
    h = m.hid(3)
    tot = 0.0
    for i in range(0, data.size(0) - 1, 3):
        sl = min(3, len(data) - 1 - i)
        d = data[i : i + sl]
        t = data[i + 1 : i + 1 + sl].view(-1)
        m.zero_grad()
        h = rep(h)
        o, h = m(d, h)
        loss = nn.NLLLoss()(o, t)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 0.25)
        for p in m.parameters():
            p.data.add_(p.grad, alpha=-1.0)
        tot += loss.item()
    return tot, h, math.exp(tot / 5), len(list(m.parameters()))


def kmeans(torch: Any, nn: Any, F: Any) -> Any:
    x = torch.tensor(np.random.RandomState(1).randn(20, 2))
    c = x[:3].clone()
    for _ in range(5):
        a = ((x[:, None, :] - c[None, :, :]) ** 2).sum(-1).argmin(dim=1)
        c.zero_()
        c.scatter_add_(0, a[:, None].repeat(1, 2), x)
        n = torch.bincount(a, minlength=3).type_as(c).view(3, 1)
        c /= n
    return c, a


def fast_gradient_sign(torch: Any, nn: Any, F: Any) -> Any:
    w = torch.linspace(-1, 1, 12).view(4, 3)
    d = torch.linspace(0, 1, 8).view(2, 4)
    d.requires_grad = True
    o = F.log_softmax(d @ w, dim=1)
    init = o.max(1, keepdim=True)[1]
    loss = F.nll_loss(o, torch.tensor([0, 2]))
    loss.backward()
    g = d.grad.data
    p = torch.clamp(d + 0.1 * g.sign(), 0, 1)
    return (
        p,
        init,
        init.item() if init.numel() == 1 else init[0].item(),
        F.log_softmax(p @ w, 1).max(1, keepdim=True)[1],
    )


def own_layer(torch: Any, nn: Any, F: Any) -> Any:
    class L(nn.Module):
        def __init__(self, i, o):
            super().__init__()
            self.weight = nn.Parameter(torch.Tensor(o, i))
            self.bias = nn.Parameter(torch.empty(o))
            self.register_parameter("none", None)
            self.reset()

        def reset(self):
            sd = 1.0 / math.sqrt(self.weight.size(1))
            self.weight.data.uniform_(-sd, sd)
            self.bias.data.zero_()
            nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
            self.weight.data.fill_(0.5)

        def forward(self, x):
            return F.linear(x, self.weight, self.bias)

        def extra_repr(self):
            return f"{self.weight.shape[1]}"

    m = L(3, 2)
    dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    m = m.to(dev)
    x = torch.ones(4, 3).to(device=dev, dtype=torch.float32)
    y = m(x)
    tot = sum(p.numel() for p in m.parameters() if p.requires_grad)
    return (
        y,
        tot,
        [(n, tuple(p.shape)) for n, p in m.named_parameters()],
        repr(m),
        str(dev),
        dev.type,
        x.device.type,
        next(m.parameters()).is_cuda,
    )


def metrics(torch: Any, nn: Any, F: Any) -> Any:
    out = torch.linspace(-1, 1, 6).view(3, 2)
    y = torch.tensor([1, 0, 1])
    _, pred = torch.max(out.data, 1)
    correct = (pred == y).sum()
    total = y.size(0)
    c = 0
    c += correct
    s = (torch.sigmoid(out[:, 0]) > 0.4).int()
    cm = torch.zeros(2, 2, dtype=torch.int64)
    for t, p in zip(y.view(-1), pred.view(-1)):
        cm[t.long(), p.long()] += 1
    acc = 100 * correct / total
    topk = out.topk(1, 1, True, True)[1].t()
    eq = topk.eq(y.view(1, -1).expand_as(topk))
    k = eq[:1].reshape(-1).float().sum(0, keepdim=True).mul_(100.0 / 3)
    return (
        acc,
        correct.item() / len(y),
        c,
        s,
        cm,
        cm.diag().float() / cm.sum(1).clamp(min=1),
        k,
        f"{acc:.2f}",
        "%.3f" % acc,
        float(acc),
        np.mean([float(acc)]),
        out.numpy().shape,
        int(correct),
        round(acc.item(), 2),
    )


def misc(torch: Any, nn: Any, F: Any) -> Any:
    x = torch.arange(6).view(2, 3)
    l = []
    for i in range(x.size(0)):
        for j in range(x.shape[1]):
            l.append(x[i, j].item() + x[i][j])
    a = torch.stack(l)
    b = torch.tensor([[1.0, 2], [3, 4]])
    b[b > 2] = 0
    b[0] += 1
    bb = b.clone()
    bb[:, 1] *= 3
    idx = torch.randperm(4)
    assert sorted(idx.tolist()) == [0, 1, 2, 3]
    r = torch.rand(2, 2)
    assert (r >= 0).all() and (r < 1).all()
    q = torch.where(b > 1, b, torch.zeros_like(b))
    e = torch.eye(3)[torch.tensor([0, 2])]
    if (q > 0).any():
        q = q + 1
    d = {k: v for k, v in zip("ab", b)}
    t = torch.tensor([d["a"].sum(), d["b"].sum()])
    n = torch.tensor([x.float().mean().item()] * 2)
    z = x.numpy().tolist()
    s = sum([b[0], b[1]])
    mx = max(b[:, 0])
    st = sorted(b[0].tolist())
    h = torch.tensor(3)
    rng = [i for i in range(h)]
    li = [10, 20, 30, 40][h]
    m = b.mean(dim=0, keepdim=True)
    w = x.unsqueeze(-1).expand(-1, -1, 2)
    return (
        a,
        b,
        bb,
        q,
        e,
        t,
        n,
        s,
        mx,
        rng,
        li,
        m,
        w.sum(),
        x.T.shape,
        len(x),
        x.tolist(),
        b.pow(2).sum().sqrt(),
        (-b).exp(),
        1 - b,
        2**x,
        b.max(),
        b.min().item(),
        abs(-b),
        b.std(),
        b[None].shape,
        b[..., 0],
        x // 2,
        x % 2 == 0,
        ~(x > 2),
        x.float().norm(dim=1),
        torch.cat([x, x], -1).shape,
        b.view(-1).contiguous().shape,
        b.new_tensor([1]),
        x.double().dtype == torch.float64,
    )


PROGRAMS = [
    positional_encoding,
    deep_q_learning,
    policy_gradient,
    adversarial_net,
    language_model,
    kmeans,
    fast_gradient_sign,
    own_layer,
    metrics,
    misc,
]


def compare(mine: Any, theirs: Any, torch: Any, path: str = "") -> None:
    """Assert that two results are equal, and that Tensors are Tensors of the same dtype and shape."""
    if torch.is_tensor(theirs):
        assert type(mine) in (nn.torch.Tensor, nn.torch.nn.Parameter), path
        assert (str(mine.dtype), tuple(mine.shape)) == (str(theirs.dtype), tuple(theirs.shape)), path
        a, b = mine.detach().numpy(), theirs.detach().numpy()
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5, err_msg=path)  # a few steps in float32
    elif isinstance(theirs, (tuple, list)) and not isinstance(theirs, torch.Size):
        for place, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            compare(a, b, torch, f"{path}.{place}")
    elif isinstance(theirs, float):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, err_msg=path)
    else:
        assert str(mine) == str(theirs), path


@pytest.mark.torch
@pytest.mark.few(3)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_the_same_as_pytorch(program: Callable[..., Any], torch: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of its own old names
        expected = program(torch, torch.nn, torch.nn.functional)
    compare(program(nn.torch, nn.torch.nn, nn.torch.nn.functional), expected, torch)
