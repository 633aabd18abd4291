"""The page of a benchmark: what it was measured on, its targets, its tables."""
from common.results import shown


def table(rows):
    lines = ["| what | subject | value | unit | n | p50 | p99 |", "|---|---|---:|---|---:|---:|---:|"]
    for row in rows:
        p50, p99 = ("", "") if row.p50 is None else (shown(row.p50), shown(row.p99))
        lines.append(f"| {row.id} | {marked(row.subject)} | {shown(row.value)} | {row.unit} | {row.n} | {p50} | {p99} |")
    return "\n".join(lines)


def marked(subject):
    return f"**{subject}**" if subject == "okg" else subject


def targets(rows):
    lines = ["| target | wanted | measured | reached |", "|---|---|---:|---|"]
    lines += [f"| {row.id} | {row.text} | {shown(row.value)} {row.unit} | {'yes' if row.reached else '**no**'} |"
              for row in rows]
    return "\n".join(lines)


def machine(about, file_systems, others="other people's work on the same machine"):
    load = about["load_average"]
    parts = ", ".join(f"{name.replace('_', ' ')} {begin:g} to {end:g}" for name, (begin, end) in load["parts"].items())
    return (f"Measured {about['date'][:10]} at {about['okg']}: {about['cpu']}, {about['cores']} cores, "
            f"{about['memory_gib']:g} GiB, Linux {about['kernel']}, {about['system']}, gcc {about['compiler']}, "
            f"{about['build_type']} build; {file_systems}"
            f"{'; **quick run**' if about['quick'] else ''}. One-minute load average {load['begin'][0]:g} at the beginning, "
            f"{load['end'][0]:g} at the end, by part: {parts}. What exceeds the number of cores is {others}: times are "
            "upper bounds then, ratios and counts still hold.")
