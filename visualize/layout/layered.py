"""The layout of one frame in layers (Sugiyama's method): every item stands after its inputs.

1. `_layer`: the longest path from the inputs gives the layer; inputs move close to their use.
2. `_chain`: a line over several layers becomes a chain of points; one point carries the numbers.
3. `_order`: barycenter sweeps order each layer; the order with the fewest crossings is kept.
4. `_align`: each item moves across, as close to its neighbours as the distances allow.
5. `_straighten`: the points of a line move to one height, if there is room.

`page/layout.js` has the same steps and the same arithmetic, so the page looks like the picture.
"""

from __future__ import annotations

import functools
import math
import operator
from collections import defaultdict
from collections.abc import Iterable, Sequence

from .items import Item, Link, Near, Size

__all__ = ["layered"]

CROSS, LANE = 12, 5
"""The distance between items across, and between two lines."""

STRAIGHT = {"through": 8.0, "plain": 1.0, "input": 0.1}
"""The weights of lines through frames, of lines of inputs, and of all other lines."""

FAR = 60
"""A line over more layers is drawn as one curve."""


def added(numbers: Iterable[float]) -> float:
    """The sum, one number after another as on the page; from Python 3.12 on, `sum` rounds once."""
    return functools.reduce(operator.add, numbers, 0.0)


REACH = 8, 28
"""The extra space before a layer for lines that run across, at least and at most."""

Layers = list[list[Item]]


def layered(items: Sequence[Item], links: Sequence[Link], gap: float) -> Size:
    """Set the positions of items and the points of links; returns the size of the frame.

    Args:
        items: items with sizes and pins.
        links: links with ends, offsets and labels.
        gap: the distance between layers.
    """
    by_id = {item.id: item for item in items}
    for item in items:
        item.before, item.after = [], []
    _layer(items, links, by_id)
    layers: Layers = []
    for item in items:
        _put(layers, item)
    for link in links:
        _chain(link, by_id, layers)
    _order(layers)
    _align(layers)
    for link in links:
        _straighten(link.points, layers)
    return _measure(layers, gap)


def _put(layers: Layers, item: Item) -> None:
    while len(layers) <= item.layer:
        layers.append([])
    layers[item.layer].append(item)


def _layer(items: Sequence[Item], links: Sequence[Link], by_id: dict[str, Item]) -> None:
    for item in items:
        item.layer, item.is_fed = 0, False
    order = _sorted(items, links)
    after: dict[str, list[Item]] = defaultdict(list)
    fed = {link.end for link in links}
    for item in items:
        item.is_source = item.id not in fed
    for link in links:
        after[link.start].append(by_id[link.end])
    for item in order:
        for following in after[item.id]:
            following.layer = max(following.layer, item.layer + 2)  # numbers stand in the layer between
            following.is_fed = following.is_fed or not item.is_source
    for item in reversed(order):
        if item.is_source and after[item.id] and item.pin != "first":
            item.layer = min(following.layer for following in after[item.id]) - 2
    last = max([0, *(item.layer for item in items if not item.pin)]) + 1
    for item in items:
        if item.pin == "first":
            item.layer = 0
        if item.pin == "last":
            item.layer = max(last, item.layer)


def _sorted(items: Sequence[Item], links: Sequence[Link]) -> list[Item]:
    """The items in topological order; a link that closes a circle is turned around."""
    after: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys((item.id for item in items), 0)
    for link in links:
        after[link.start].append(link.end)
        waiting[link.end] += 1
    order = [item.id for item in items if waiting[item.id] == 0]
    done = set(order)
    total, read = dict(waiting), 0
    while len(order) < len(items) or read < len(order):
        if read == len(order):  # a circle: an item with some of its inputs goes first
            left = [item.id for item in items if item.id not in done]
            following = next((id for id in left if waiting[id] < total[id]), left[0])
            order.append(following)
            done.add(following)
        for following in after[order[read]]:
            waiting[following] -= 1
            if waiting[following] == 0 and following not in done:
                order.append(following)
                done.add(following)
        read += 1
    place = {id: i for i, id in enumerate(order)}
    for link in links:
        if place[link.start] > place[link.end]:
            link.start, link.end = link.end, link.start
            link.start_port, link.end_port = link.end_port, link.start_port
            link.start_offset, link.end_offset = link.end_offset, link.start_offset
            link.turned = True
    by_id = {item.id: item for item in items}
    return [by_id[id] for id in order]


def _chain(link: Link, by_id: dict[str, Item], layers: Layers) -> None:
    start, end = by_id[link.start], by_id[link.end]
    through = start.pin or end.pin
    weight = STRAIGHT["through" if through else "input" if start.is_source and end.is_fed else "plain"]
    far = end.layer - start.layer > FAR
    link.points = []
    previous, offset = start, link.start_offset
    for k in range(start.layer + 1, end.layer):
        labelled = link.label is not None and k == end.layer - 1
        if far and not labelled:
            continue
        main, cross = link.label if labelled and link.label else (0.0, 2.0)
        point = Item("", main, cross, lane=not labelled, labelled=labelled, layer=k)
        _put(layers, point)
        _join(previous, point, offset, 0.0, weight)
        link.points.append(point)
        previous, offset = point, 0.0
    _join(previous, end, offset, link.end_offset, weight)


def _join(a: Item, b: Item, a_offset: float, b_offset: float, factor: float) -> None:
    """Make two items neighbours; they stand well if the ends of the line between them have one height."""
    weight = factor * (4 if a.lane and b.lane else 2 if a.lane or b.lane else 1)
    a.after.append(Near(b, b_offset - a_offset, weight))
    b.before.append(Near(a, a_offset - b_offset, weight))


# -- the order within layers -----------------------------------------------------------------------


def _order(layers: Layers) -> None:
    for items in layers:
        _number(items)
    best, fewest = [list(items) for items in layers], _crossings(layers)
    for sweep in range(12):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        for items in layers if down else reversed(layers):
            for item in items:
                near = item.before if down else item.after
                total = added(other.item.place + other.shift / 1e4 for other in near)
                item.wish = total / len(near) if near else item.place
            items.sort(key=lambda item: item.wish)
            _number(items)
        found = _crossings(layers)
        if found < fewest:
            best, fewest = [list(items) for items in layers], found
    layers[:] = best
    for items in layers:
        _number(items)


def _number(items: list[Item]) -> None:
    for i, item in enumerate(items):
        item.place = i


def _crossings(layers: Layers) -> int:
    """The number of crossings: the inversions between layers, counted by a Fenwick tree."""
    count = 0
    for i in range(len(layers) - 1):
        size, seen = len(layers[i + 1]), 0
        tree = [0] * (size + 1)
        for item in layers[i]:
            ends = [near.item.place for near in item.after if near.item.layer == i + 1]
            for place in ends:
                k, not_after = place + 1, 0
                while k > 0:
                    not_after += tree[k]
                    k -= k & -k
                count += seen - not_after
            for place in ends:
                k = place + 1
                while k <= size:
                    tree[k] += 1
                    k += k & -k
                seen += 1
    return count


# -- positions -------------------------------------------------------------------------------------


def _align(layers: Layers) -> None:
    for items in layers:
        _place(items, [0.0] * len(items), [1.0] * len(items))
    for sweep in range(24):
        back = sweep % 2 == 1
        for items in reversed(layers) if back else layers:
            wishes, weights = [], []
            for item in items:
                near = item.before + item.after if sweep >= 16 else item.after if back else item.before
                weight = added(other.weight for other in near)
                pull = added(other.weight * (other.item.v + other.shift) for other in near)
                wishes.append(pull / weight if weight else item.v)
                weights.append(weight or 0.1)
            _place(items, wishes, weights)


def _place(items: list[Item], wishes: list[float], weights: list[float]) -> None:
    """Set the positions nearest to the wishes (weighted squares) that keep order and distances.

    With the distances subtracted this is isotonic regression; violating neighbours are pooled.
    """
    starts: list[float] = []
    at = 0.0
    for i, item in enumerate(items):
        if i > 0:
            at += _distance(items[i - 1], item)
        starts.append(at)
    pools: list[tuple[float, float, int]] = []  # sum, weight, count
    for i in range(len(items)):
        total, weight, count = weights[i] * (wishes[i] - starts[i]), weights[i], 1
        while pools and pools[-1][0] / pools[-1][1] > total / weight:
            more, heavier, others = pools.pop()
            total, weight, count = total + more, weight + heavier, count + others
        pools.append((total, weight, count))
    i = 0
    for total, weight, count in pools:
        for _ in range(count):
            items[i].v = total / weight + starts[i]
            i += 1


def _distance(a: Item, b: Item) -> float:
    """The least distance between the middles of two items of a layer."""
    return (a.cross + b.cross) / 2 + (LANE if a.lane and b.lane else CROSS)


def _straighten(points: list[Item], layers: Layers) -> None:
    """Move the points of a line to one position across near their mean, if their neighbours leave room."""
    low, high = -math.inf, math.inf
    for point in points:
        items, k = layers[point.layer], point.place
        if k > 0:
            low = max(low, items[k - 1].v + _distance(items[k - 1], point))
        if k + 1 < len(items):
            high = min(high, items[k + 1].v - _distance(point, items[k + 1]))
    if len(points) > 1 and low <= high:
        mean = added(point.v for point in points) / len(points)
        for point in points:
            point.v = max(low, min(high, mean))


def _measure(layers: Layers, gap: float) -> Size:
    u, low, high = 0.0, math.inf, -math.inf
    for k, items in enumerate(layers):
        main = max([0.0, *(item.main for item in items)])
        if k > 0:  # lines that run far across need more space
            reach = [
                abs(item.v - near.item.v - near.shift)
                for item in items
                for near in item.before
                if near.item.layer == k - 1
            ]
            far = max([0.0, *reach])
            u += gap + (min(REACH[1], REACH[0] + far / 8) if far > 1 else 0)
        for item in items:
            item.u, item.thick = u + main / 2, main
            low, high = min(low, item.v - item.cross / 2), max(high, item.v + item.cross / 2)
        u += main
    for items in layers:
        for item in items:
            item.v -= low
    return u, high - low if layers else 0.0
