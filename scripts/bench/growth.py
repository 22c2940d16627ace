"""The tables and plots of scripts/bench-growth. No dependencies."""

from generator import machine_in_words
from tables import cell, curves, delivered, middle, put, table

MARKS = "<!-- tables: made by scripts/bench-growth -->", "<!-- end of the tables -->"
SOUGHT = ("common", "rare", "absent")


def sizes(lines, workload, field):
    return sorted({line[field] for line in lines if line["workload"] == workload and field in line})


def at(lines, workload, field, size):
    return [line for line in lines if line["workload"] == workload and line.get(field) == size]


def people(lines):
    rows = []
    for size in sizes(lines, "w1", "clients"):
        rested, came, notice, chat = (at(lines, name, "clients", size) for name in ("w1", "storm", "w2-notice", "w2-chat"))
        rows.append([
            f"{size - 1:,}", cell(rested, "connect_cpu_ms"), cell(came, "connect_cpu_ms"), cell(came, "connect_s"),
            cell(rested, "server_kib_per_client"), cell(came, "server_kib_per_client"), cell(rested, "idle_cpu_ms_per_s"),
            cell(rested, "cpu_us_per_answer"), cell(notice, "server_cpu_us"), cell(notice, "last_ms"), cell(notice, "ledger_ms"),
            cell(chat, "server_cpu_us"), cell(chat, "last_ms"), delivered(notice + chat),
        ])
    head = ["people", "connecting, CPU ms each", "… all at once", "… all in after s", "KiB each", "… all at once", "idle, CPU ms/s",
            "CPU µs a ping", "notice, CPU µs a delivery", "last screen ms", "ledger complete ms", "chat, CPU µs a delivery", "last ms", "delivered"]
    return table(head, rows)


def chatter(lines):
    rows = []
    for size in sizes(lines, "w3", "clients"):
        found = at(lines, "w3", "clients", size)
        rows.append([f"{size:,}", cell(found, "server_cpu_us"), cell(found, "deliveries_per_s"), cell(found, "p50_ms"), cell(found, "p99_ms"),
                     delivered(found)])
    return table(["people in the room", "CPU µs a delivery", "deliveries a second", "p50 ms", "p99 ms", "delivered"], rows)


def stored(lines):
    rows = []
    for size in sizes(lines, "w5-50", "messages"):
        one, fifty, search = (at(lines, name, "messages", size) for name in ("w5-1", "w5-50", "search"))
        rows.append([
            f"{size:,}", cell(one, "acknowledged_per_s"), cell(one, "server_cpu_us"), cell(fifty, "acknowledged_per_s"), cell(fifty, "server_cpu_us"),
        ] + [f"{cell(search, f'{name}_ms')}; {cell(search, f'{name}_ms_p99')}" for name in SOUGHT])
    head = ["messages", "1 sender, a second", "CPU µs a message", "50 senders, a second", "CPU µs a message"]
    return table(head + [f"search, {name}: ms, the slowest" for name in SOUGHT], rows)


def page(facts, lines):
    return "\n".join([
        machine_in_words(facts, lines) + "\n", "### People\n", people(lines), "### Chatter: 20,000 deliveries a second are asked for\n", chatter(lines),
        "### Messages\n", stored(lines),
    ])


def plots(lines):
    """File name → picture."""
    made = {}

    def over(name, title, unit, series):
        # Of those who hear what one says to all, that one is none.
        people = lambda size, workload, by: size - 1 if by == "clients" and workload != "w3" else size
        points = {
            label: [(people(size, workload, by), value) for size in sizes(lines, workload, by) if (value := middle(at(lines, workload, by, size), field)) is not None]
            for label, workload, by, field in series
        }
        points = {label: found for label, found in points.items() if found}
        if points:
            made[name] = curves(title, unit, points)

    over("growth-delivery.svg", "Server CPU a delivery over people", "µs", [
        ("notice", "w2-notice", "clients", "server_cpu_us"), ("chat", "w2-chat", "clients", "server_cpu_us"), ("chatter", "w3", "clients", "server_cpu_us"),
    ])
    over("growth-connecting.svg", "Connecting: server CPU a client over people", "ms", [
        ("one after the other", "w1", "clients", "connect_cpu_ms"), ("all at once", "storm", "clients", "connect_cpu_ms"),
    ])
    over("growth-memory.svg", "The server's memory a client over people", "KiB", [
        ("one after the other", "w1", "clients", "server_kib_per_client"), ("all at once", "storm", "clients", "server_kib_per_client"),
    ])
    over("growth-stored.svg", "Server CPU a stored message over messages", "µs", [
        ("1 sender", "w5-1", "messages", "server_cpu_us"), ("50 senders", "w5-50", "messages", "server_cpu_us"),
    ])
    over("growth-search.svg", "A search over messages", "ms", [(name, "search", "messages", f"{name}_ms") for name in SOUGHT])
    return made


def write(folder, facts, lines):
    put(folder / "growth.md", MARKS, page(facts, lines), plots(lines))
