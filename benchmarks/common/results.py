"""Rows of results, and the targets they are held against."""
import dataclasses
import math
import statistics
import sys


def percentile(values, percent):
    """Nearest rank: a value that was measured, never one in between."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclasses.dataclass
class Row:
    id: str
    subject: str  # "okg" or a peer's name
    value: float
    unit: str
    n: int
    p50: float | None = None
    p99: float | None = None


@dataclasses.dataclass
class Target:
    id: str
    text: str  # "<= 50 us p50"
    value: float
    unit: str
    reached: bool


def shown(number):
    if number is None:
        return ""
    if number == 0 or (float(number).is_integer() and abs(number) < 1e6):
        return f"{number:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


class Results:
    def __init__(self):
        self.rows = []
        self.targets = []

    def _add(self, row):
        self.rows.append(row)
        spread = "" if row.p50 is None else f"   p50 {shown(row.p50)}   p99 {shown(row.p99)}"
        print(f"  {row.id:<42} {row.subject:<28} {shown(row.value):>10} {row.unit:<18} n {row.n}{spread}",
              file=sys.stderr, flush=True)
        return row

    def times(self, id, subject, values, unit):
        """The median stands for the values."""
        if not values:
            return None
        return self._add(Row(id, subject, percentile(values, 50), unit, len(values), percentile(values, 50),
                             percentile(values, 99)))

    def counts(self, id, subject, values, unit):
        """The mean stands for the values: one that differs shows."""
        if not values:
            return None
        return self._add(Row(id, subject, statistics.fmean(values), unit, len(values), percentile(values, 50),
                             percentile(values, 99)))

    def one(self, id, subject, value, unit, n=1):
        return self._add(Row(id, subject, value, unit, n))

    def find(self, id, subject="okg"):
        return next((row for row in self.rows if row.id == id and row.subject == subject), None)

    def target(self, row, text, reached, value=None):
        """Holds `row` (None: it was not measured) against a target of the issue."""
        if row is not None:
            self.targets.append(Target(row.id, text, row.value if value is None else value, row.unit, reached))

    def as_json(self):
        return [dataclasses.asdict(row) for row in self.rows]
