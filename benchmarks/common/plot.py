"""A plot as SVG: panels side by side, each of lines over two logarithmic axes, of bars, or a ranking."""
import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 400, 320  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 48, 78
TEXT, FAINT = "#343a40", "#dee2e6"
STYLE = f"""text {{ font: 12px system-ui, sans-serif; fill: {TEXT}; }}
.title {{ font-weight: 600; font-size: 13px; }} .small {{ font-size: 11px; }} .mark {{ font-size: 11px; font-weight: 600; }}"""


@dataclasses.dataclass
class Lines:
    title: str
    x_label: str
    series: dict  # name -> [(x, y)], all above 0


@dataclasses.dataclass
class Bars:
    title: str
    groups: dict  # name -> {bar: (height, label)}
    mark: float | None = None  # a dashed line: the target
    mark_label: str = ""


@dataclasses.dataclass
class Ranking:
    title: str
    values: dict  # name -> value above 0; the smallest comes first, on a logarithmic axis


def _number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _text(x, y, what, anchor="middle", style="small", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}"{extra}>{escape(what)}</text>'


def _legend(names, colours):
    parts, x, y = [], LEFT, HEIGHT - 28
    for name in names:
        width = 26 + 6.3 * len(name)
        if x + width > WIDTH and x > LEFT:
            x, y = LEFT, y + 18
        parts.append(f'<rect x="{x:.0f}" y="{y - 9}" width="10" height="10" rx="2" fill="{colours[name]}"/>')
        parts.append(_text(x + 14, y, name, "start"))
        x += width
    return parts


def _lines(panel, colours):
    points = [point for line in panel.series.values() for point in line]
    lowest_x, highest_x = (math.log10(pick(x for x, _ in points)) for pick in (min, max))
    highest_y = max(1, math.ceil(math.log10(max(y for _, y in points))))
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x, y):
        along = (math.log10(x) - lowest_x) / max(highest_x - lowest_x, 1e-9)
        return LEFT + 12 + along * (inner_width - 24), TOP + inner_height * (1 - math.log10(max(y, 1)) / highest_y)

    parts = []
    for power in range(highest_y + 1):
        _, y = place(10**lowest_x, 10**power)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{FAINT}"/>')
        parts.append(_text(LEFT - 6, y + 4, _number(10**power), "end"))
    for x in sorted({x for x, _ in points}):
        parts.append(_text(place(x, 1)[0], HEIGHT - BOTTOM + 16, _number(x)))
    parts.append(_text(LEFT + inner_width / 2, HEIGHT - BOTTOM + 33, panel.x_label))
    for name, line in panel.series.items():
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>')
        for point in line:
            x, y = place(*point)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colours[name]}"/>')
            parts.append(_text(x, y - 7, _number(point[1]), style="mark"))
    return parts + _legend(panel.series, colours)


def _bars(panel, colours):
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    heights = [height for bars in panel.groups.values() for height, _ in bars.values()]
    highest = max([*heights, panel.mark or 0, 1e-9]) * 1.12
    names = list(dict.fromkeys(name for bars in panel.groups.values() for name in bars))
    slot = inner_width / max(len(panel.groups), 1)
    width = min(46, (slot - 16) / max(len(names), 1))
    base = HEIGHT - BOTTOM
    parts = [f'<line x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}" stroke="{TEXT}"/>']
    for number, (group, bars) in enumerate(panel.groups.items()):
        middle = LEFT + slot * (number + 0.5)
        if group:
            parts.append(_text(middle, base + 16, group))
        for index, (name, (height, label)) in enumerate(bars.items()):
            x = middle + (index - len(bars) / 2) * width
            tall = max(inner_height * height / highest, 1)
            parts.append(f'<rect x="{x + 2:.1f}" y="{base - tall:.1f}" width="{width - 4:.1f}" height="{tall:.1f}" rx="2" '
                         f'fill="{colours[name]}"/>')
            parts.append(_text(x + width / 2, base - tall - 5, label, style="mark"))
    if panel.mark is not None:
        y = base - inner_height * panel.mark / highest
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{TEXT}" '
                     'stroke-dasharray="4 3"/>')
        parts.append(_text(LEFT - 6, y + 4, panel.mark_label, "end"))
    return parts + _legend(names, colours)


def _ranking(panel, colours):
    left, right, top = 160, 76, TOP - 6
    ordered = sorted(panel.values.items(), key=lambda item: item[1])
    if not ordered:
        return []
    lowest, highest = (math.log10(value) for value in (ordered[0][1], ordered[-1][1]))
    lowest = math.floor(lowest - 0.3)
    step = min(28, (HEIGHT - top - 16) / len(ordered))
    parts = []
    for number, (name, value) in enumerate(ordered):
        y = top + number * step
        wide = (WIDTH - left - right) * (math.log10(value) - lowest) / max(highest - lowest, 1e-9)
        parts.append(_text(left - 8, y + step / 2 + 4, name, "end", "mark" if name.startswith("okg") else "small"))
        parts.append(f'<rect x="{left}" y="{y + 2:.1f}" width="{wide:.1f}" height="{step - 4:.1f}" rx="2" '
                     f'fill="{colours.get(name, "#868e96")}"/>')
        parts.append(_text(left + wide + 5, y + step / 2 + 4, _number(value), "start", "mark"))
    return parts


def svg(title, panels, colours):
    """`colours`: name of a line or bar -> colour."""
    width = WIDTH * len(panels)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
             f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">',
             f"<title>{escape(title)}</title><style>{STYLE}</style>",
             f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>']
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * WIDTH} 0)">')
        parts.append(_text(WIDTH / 2, 24, panel.title, style="title"))
        parts += {Lines: _lines, Bars: _bars, Ranking: _ranking}[type(panel)](panel, colours)
        parts.append("</g>")
    return "\n".join(parts) + "\n</svg>\n"
