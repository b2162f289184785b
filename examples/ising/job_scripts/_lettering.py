"""Letters as pen strokes, so that they can be drawn smoothly at any size.

Each line of the table is a character, its width and its strokes. A stroke is a row of points, x and y one
hexadecimal digit each; y grows downwards: 0 is the top of a capital, 3 that of an "x", 8 the line that the
letters stand on. "~" begins a curve: it starts at its first point, ends at its last, and the ones between
pull it towards them.
"""

from __future__ import annotations

from collections.abc import Iterator

Point = tuple[float, float]
Stroke = list[Point]

CAPITAL = 8.0  # height
_GAP = 1.8  # between two letters
_CURVE_STEPS = 5

_TABLE = """
0 5 ~040050580804
1 5 123038
2 5 ~0200505408 0858
3 5 ~0200505424 ~2454580806
4 5 48400656
5 5 501003 ~0353580807
6 5 ~400206 ~060353580806
7 5 005018
8 5 ~020050540402 ~060454580806
9 5 ~525000055552 ~525618
A 6 083068 1555
B 5 0800 ~00505404 ~04646808
C 6 ~626000086866
D 6 0800 ~00606808
E 5 50000858 0444
F 5 500008 0444
G 6 ~626000086864 6434
H 6 0008 6068 0464
I 0 0008
J 4 4046 ~46480806
K 5 0008 5005 2358
L 5 000858
M 6 0800356068
N 6 08006860
O 6 ~040060680804
P 5 0800 ~00505404
Q 6 ~040060680804 4668
R 5 0800 ~00505404 2458
S 5 ~5250000454580806
T 6 0060 3038
U 6 0005 ~05086865 6560
V 6 003860
W 8 0028426880
X 5 0058 5008
Y 6 003460 3438
Z 5 00500858
a 4 4348 ~454303084846
b 4 0008 ~050343480806
c 4 ~444303084847
d 4 4048 ~454303084846
e 4 0545 ~454303084847
f 3 ~301013 1318 0333
g 4 4349 ~494b0b0a ~454303084846
h 4 0008 ~05034345 4548
i 0 0308 0101
j 1 1319 ~191b0b 1111
k 4 0008 4306 1548
l 0 0008
m 6 0308 ~05033335 3538 ~35336365 6568
n 4 0308 ~05034345 4548
o 4 ~050343480805
p 4 030b ~050343480806
q 4 434b ~454303084846
r 3 0308 ~050333
s 4 ~4443030645480807
t 3 1116 ~161838 0333
u 4 0306 ~06084846 4348
v 4 032843
w 6 0328354863
x 4 0348 4308
y 4 0328 431b
z 4 03430848
. 0 0808
, 1 180a
: 0 0404 0808
; 1 1414 180a
- 3 0535
= 4 0444 0646
/ 4 0840
( 2 ~200529
) 2 ~002509
+ 4 2327 0545
× 4 0448 4408
"""


def strokes(text: str) -> Iterator[Stroke]:
    """The strokes of a line of text; a capital is CAPITAL high, and its top left corner is (0, 0)."""
    left = 0.0
    for character in text:
        width, glyph = _GLYPHS.get(character, _GLYPHS[" "])
        for stroke in glyph:
            yield [(left + x, y) for x, y in stroke]
        left += width + _GAP


def width(text: str) -> float:
    return sum(_GLYPHS.get(character, _GLYPHS[" "])[0] + _GAP for character in text) - _GAP


def _parse(table: str) -> dict[str, tuple[float, list[Stroke]]]:
    lines = [line.split() for line in table.strip().splitlines()]
    glyphs = {name: (float(wide), [_stroke(word) for word in words]) for name, wide, *words in lines}
    return {**glyphs, " ": (2.0, [])}


def _stroke(word: str) -> Stroke:
    digits = [int(digit, 16) for digit in word.lstrip("~")]
    points = [(float(x), float(y)) for x, y in zip(digits[::2], digits[1::2])]
    return _curve(points) if word.startswith("~") else points


def _curve(points: Stroke) -> Stroke:
    """Parabolas that meet half way between the points that pull them."""
    start, *pulls, end = points
    joints = [start, *(_between(a, b, 0.5) for a, b in zip(pulls, pulls[1:])), end]
    curve = [start]
    for pull, a, b in zip(pulls, joints, joints[1:]):
        steps = [step / _CURVE_STEPS for step in range(1, _CURVE_STEPS + 1)]
        curve += [_between(_between(a, pull, t), _between(pull, b, t), t) for t in steps]
    return curve


def _between(a: Point, b: Point, share: float) -> Point:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


_GLYPHS = _parse(_TABLE)
