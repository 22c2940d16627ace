"""Tables in Markdown and plots in SVG from the lines of the load generator. No dependencies."""

import math
import statistics

from generator import machine_in_words

COLOURS = {
    "belfry": "#c0392b", "mosquitto": "#2980b9", "ngircd": "#27ae60", "nats": "#8e44ad", "prosody": "#7f8c8d", "quinn": "#d35400",
    "floor": "#2c3e50", "belfry (notice)": "#e08a7f", "before": "#b7950b", "before (notice)": "#e0cd7f",
}
NAMES = {"nats": "nats-server", "quinn": "quinn relay", "floor": "floor: `sendmmsg` alone", "belfry": "**Belfry**", "before": "Belfry before"}
MARKS = "<!-- tables: made by scripts/bench-peers -->", "<!-- end of the tables -->"


def of(lines, workload, peer=None, size=None):
    """The lines of a workload."""
    return [
        line for line in lines
        if line["workload"] == workload and (peer is None or line["peer"] == peer) and (size is None or line["clients"] - 1 == size)
    ]


def middle(lines, field):
    """The median of a field over the repetitions, or None."""
    values = [line[field] for line in lines if line.get(field) is not None]
    return statistics.median(values) if values else None


def number(value):
    """Three digits that say something."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 2 - int(math.floor(math.log10(abs(value)))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cell(lines, field):
    """The median; with the extremes where there are several repetitions that differ."""
    values = [line[field] for line in lines if line.get(field) is not None]
    if not values:
        return "–"
    median = number(statistics.median(values))
    if len(values) < 2 or number(min(values)) == number(max(values)):
        return median
    return f"{median} ({number(min(values))}–{number(max(values))})"


def peers_of(lines):
    """Peers in the order they first appear."""
    return list(dict.fromkeys(line["peer"] for line in lines))


def table(head, rows):
    text = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(text + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def sizes_of(lines, *workloads):
    return sorted({line["clients"] - 1 for line in lines if line["workload"] in workloads})


def delivered(lines):
    """How much of what was expected came, where that is not all."""
    came, expected = sum(line["delivered"] for line in lines), sum(line["expected"] for line in lines)
    return "all" if came == expected else f"{came / max(expected, 1) * 100:.2f} %"


def idle(lines):
    rows = []
    for size in sizes_of(lines, "w1"):
        for peer, workload in [(peer, "w1") for peer in peers_of(of(lines, "w1"))] + [("belfry", "storm")]:
            found = of(lines, workload, peer, size)
            if not found:
                continue
            name = NAMES.get(peer, peer) + (", all at once" if workload == "storm" else "")
            dropped = sum(line["dropped_at_socket"] for line in found) / len(found)
            rows.append([
                f"{size:,}", name, cell(found, "server_kib_per_client"), cell(found, "kernel_kib_per_client"),
                cell(found, "idle_cpu_ms_per_s"), cell(found, "connect_cpu_ms"), cell(found, "connect_s"), number(dropped),
                number(sum(line["sessions_lost"] for line in found) / len(found)),
                "all" if all(line["connected_all"] for line in found) else f"{min(line['connected'] for line in found):,}",
            ])
    head = ["clients", "server", "KiB a client", "kernel KiB, both ends", "idle, CPU ms/s", "connecting, CPU ms each", "all in after s",
            "datagrams dropped", "sessions lost", "connected"]
    return table(head, rows)


def broadcast(lines):
    rows = []
    for size in sizes_of(lines, "w2-chat", "w2-notice", "w2-shown", "w2-presence"):
        for workload, what in (("w2-shown", ", notice on every screen"), ("w2-notice", ", notice with ledger"), ("w2-chat", ""),
                               ("w2-presence", ", somebody goes or comes before every window")):
            for peer in peers_of(of(lines, workload)):
                found = of(lines, workload, peer, size)
                if not found:
                    continue
                ledger = cell(found, "ledger_ms") if workload in ("w2-shown", "w2-notice") else ""
                name = NAMES.get(peer, peer) + (what or (", chat" if peer in ("belfry", "before") else ""))
                rows.append([f"{size:,}", name, cell(found, "server_cpu_us"), cell(found, "clients_cpu_us"), cell(found, "last_ms"),
                             cell(found, "last_ms_p99"), ledger, delivered(found)])
    head = ["receivers", "server", "server CPU µs a delivery", "clients CPU µs", "last receiver ms", "its p99", "ledger complete ms", "delivered"]
    return table(head, rows)


def talking(lines, workload):
    rows = []
    for peer in peers_of(of(lines, workload)):
        found = of(lines, workload, peer)
        rows.append([NAMES.get(peer, peer), cell(found, "server_cpu_us"), cell(found, "clients_cpu_us"), cell(found, "deliveries_per_s"),
                     cell(found, "p50_ms"), cell(found, "p99_ms"), delivered(found)])
    return table(["server", "server CPU µs a delivery", "clients CPU µs", "deliveries a second", "p50 ms", "p99 ms", "delivered"], rows)


def durable(lines):
    rows = []
    for workload, senders in (("w5-50", 50), ("w5-1", 1)):
        for peer in peers_of(of(lines, workload)):
            found = of(lines, workload, peer)
            rows.append([str(senders), NAMES.get(peer, peer), cell(found, "acknowledged_per_s"), cell(found, "server_cpu_us")])
    return table(["senders", "server", "acknowledged a second", "server CPU µs a message"], rows)


def page(facts, lines):
    """All tables."""
    repetitions = max((len(of(lines, line["workload"], line["peer"], line["clients"] - 1)) for line in lines), default=0)
    threads = ", ".join(sorted({str(line["threads"]) for line in lines if "threads" in line}))
    parts = [
        f"{machine_in_words(facts, lines)} {'; '.join(facts['peers'])}. "
        f"{f'Medians of {repetitions} repetitions (least–most)' if repetitions > 1 else 'One repetition'}; clients on {threads} thread.\n",
        "### W1: idle, and connecting\n", idle(lines), "### W2: 200 bytes to everybody, once a second\n", broadcast(lines),
        "### W3: chatter of 200 people\n", talking(lines, "w3"), "### W4: saturation, one sender and 100 receivers\n", talking(lines, "w4"),
        "### W5: acknowledged after being stored\n", durable(lines),
    ]
    return "\n".join(parts)


def bars(title, unit, values):
    """Horizontal bars, the shortest first."""
    values = sorted(values, key=lambda value: value[1])
    most = max(value for _, value in values)
    wide, row, left, top = 640, 26, 190, 44
    high = top + row * len(values) + 10
    parts = [head(wide, high, title)]
    for index, (name, value) in enumerate(values):
        y = top + row * index
        length = max(1, (wide - left - 130) * value / most)
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name}</text>')
        parts.append(f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="{row - 8}" fill="{COLOURS.get(name, "#555")}"/>')
        parts.append(f'<text x="{left + length + 6:.1f}" y="{y + 15}">{number(value)} {unit}</text>')
    return "\n".join(parts + ["</svg>\n"])


def round_up(value):
    """The next number above that four steps lead to in short numbers."""
    digit = 10 ** math.floor(math.log10(value))
    return next(step * digit for step in (1.2, 1.6, 2, 3, 4, 6, 8, 10) if step * digit >= value)


def curves(title, unit, series):
    """One line for each peer over the number of clients; the axis of the clients is logarithmic, the other begins at zero."""
    wide, high, left, right, top, bottom = 640, 360, 60, 150, 44, 40
    xs = sorted({x for points in series.values() for x, _ in points})
    most = round_up(max(y for points in series.values() for _, y in points))
    low, span = math.log10(xs[0]), max(math.log10(xs[-1]) - math.log10(xs[0]), 1e-9)
    across = lambda x: left + (wide - left - right) * (math.log10(x) - low) / span
    up = lambda y: high - bottom - (high - top - bottom) * y / most
    parts = [head(wide, high, f"{title}, {unit}")]
    for step in range(5):
        y = most * step / 4
        parts.append(f'<line x1="{left}" x2="{wide - right}" y1="{up(y):.1f}" y2="{up(y):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{number(y)}</text>')
    for x in xs:
        parts.append(f'<text x="{across(x):.1f}" y="{high - bottom + 18}" text-anchor="middle">{x:,}</text>')
    labels = sorted(series, key=lambda name: -series[name][-1][1])
    for index, name in enumerate(labels):
        colour = COLOURS.get(name) or list(COLOURS.values())[index]
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in series[name])
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>' for x, y in series[name]]
        y = top + 18 * index
        parts.append(f'<rect x="{wide - right + 14}" y="{y}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{wide - right + 30}" y="{y + 10}">{name}</text>')
    return "\n".join(parts + ["</svg>\n"])


def head(wide, high, title):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="{wide}" height="{high}" fill="#fff"/>\n<text x="12" y="24" font-size="15">{title}</text>'
    )


def plots(lines):
    """File name → picture."""
    made = {}

    def over_size(name, title, unit, workloads, field):
        series = {}
        for workload, suffix in workloads:
            for peer in peers_of(of(lines, workload)):
                points = [(size, middle(of(lines, workload, peer, size), field)) for size in sizes_of(lines, workload)]
                points = [(size, value) for size, value in points if value is not None]
                if points:
                    series[peer + suffix] = points
        if series:
            made[name] = curves(title, unit, series)

    both = (("w2-chat", ""), ("w2-notice", " (notice)"))
    over_size("peers-w2-cpu.svg", "W2: server CPU a delivery", "µs", both, "server_cpu_us")
    over_size("peers-w2-last.svg", "W2: the last receiver", "ms", both, "last_ms")
    over_size("peers-w1-memory.svg", "W1: the server's memory a client", "KiB", (("w1", ""),), "server_kib_per_client")
    over_size("peers-connecting.svg", "Connecting: server CPU a client", "ms", (("w1", ""),), "connect_cpu_ms")
    for name, title, unit, workload, field in (
        ("peers-w3.svg", "W3: server CPU a delivery", "µs", "w3", "server_cpu_us"),
        ("peers-w4.svg", "W4: server CPU a delivery", "µs", "w4", "server_cpu_us"),
        ("peers-w5.svg", "W5: stored and acknowledged, 50 senders", "a second", "w5-50", "acknowledged_per_s"),
    ):
        values = [(peer, middle(of(lines, workload, peer), field)) for peer in peers_of(of(lines, workload))]
        values = [(peer, value) for peer, value in values if value is not None]
        if values:
            made[name] = bars(title, unit, values)
    return made


def put(path, between, text, pictures):
    """Puts tables into a page between its two marks, and the plots beside it."""
    start, end = between
    before, rest = path.read_text().split(start, 1)
    _, after = rest.split(end, 1)
    shown = "\n".join(f"![{name.removesuffix('.svg')}]({name})" for name in pictures)
    path.write_text(f"{before}{start}\n\n{text}\n{shown}\n\n{end}{after}")
    for name, picture in pictures.items():
        (path.parent / name).write_text(picture)


def write(folder, facts, lines):
    put(folder / "peers.md", MARKS, page(facts, lines), plots(lines))
