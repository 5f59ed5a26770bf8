"""The goals themselves, in the order in which they are reported. What holds one back was seen in a profile (cProfile of
the flow without HTTP; CPU of the processes with it) and is written down with its share.
"""

from __future__ import annotations

from benchmarks.goals import Goal, never, per_second, plain, share

NO_FLASK = "No yardstick of that kind is kept here: it would be one of our own making."
CHECKING = (
    "Folding in the same process: without it 2 to 2.5 times as much (`ack_alone_50`). Of the CPU of taking in, "
    "some 40 % is checking the envelope (half of it whether it is canonical), 12 % each the signature and parsing"
)
ONE_COMMIT = (
    "SQLite: 70 % of a push of one is its own commit, and requests that wait are not grouped into one. PostgreSQL: 18 "
    "statements and 6 of many rows; 78 % is exchanging them and waiting"
)
DELIVERY = (
    "Rounds of 16: each waits for its slowest, then for every result to be written in a transaction of its own with "
    "its signed receipt (2 ms each). The registry of the benchmark shares the two cores"
)
GROWTH = (
    "Not settled: no profile tells it from the load, which rose from 3 to 12 while the database grew. Runs so far: "
)

GOALS: tuple[Goal, ...] = (
    Goal(
        "acknowledged, 50 a request, over Kinto", 30, "x", share("ack_http{m}_50", "kinto_50"), reference="49x",
        holds_back=f"{CHECKING}.",
    ),
    Goal(
        "the same over a one-day Flask program", 6, "x", never, reference="9.9x", one_engine=True,
        not_measured=NO_FLASK,
    ),
    Goal(
        "the same over the raw database with key rows", 0.35, "x", share("ack_http{m}_50", "raw_keys{m}_50"),
        reference="0.57x", holds_back="As above: the raw database neither parses nor checks, and folds nothing.",
    ),
    Goal(
        "the same over PouchDB Server", 1, "x", share("ack_http{m}_50", "pouch_50"), reference="1.3x",
        holds_back="As above; it checks nothing, and acknowledges before anything is on the disk.",
    ),
    Goal(
        "acknowledged, one a request, 1 client, over Kinto", 7, "x", share("ack_http{m}_1", "kinto_1"),
        reference="11-14x", holds_back=f"{ONE_COMMIT}. Without folding beside it is 2.5 times as much (`ack_alone_1`).",
    ),
    Goal(
        "acknowledged, one a request, 8 clients, over Kinto", 6, "x", share("ack_http{m}_1x8", "kinto_1x8"),
        reference="10x", holds_back=f"{ONE_COMMIT}. So 8 clients get hardly more than one (`ack_alone_1x8`).",
    ),
    Goal(
        "CPU per 1,000 acknowledged, 50 a request", 0.35, "s", plain("cpu_ack_alone{m}_50"), most=True,
        reference="0.22 s", holds_back="Checking the envelope in Python, question by question, where the reference has "
        "a compiled schema; the signature (0.1-0.2 s). PostgreSQL: its own CPU is counted as well.",
    ),
    Goal(
        "CPU per 1,000 acknowledged, one by one", 1.6, "s", plain("cpu_ack_alone{m}_1"), most=True,
        reference="0.9-1.2 s", holds_back="HTTP is half of it on SQLite: waitress, Flask, token, log line. PostgreSQL: "
        "24 exchanges, its own CPU counted.",
    ),
    Goal(
        "p99 over p50 of a request of 50", 3, "x", plain("p99_p50_ack_http{m}"), most=True, reference="1.9x",
        holds_back="Not profiled; a load of 8 makes both ends of it uncertain (1.8 and 1.6 in a quieter short run).",
    ),
    Goal(
        "batches over the one-day Flask program with 5 ms added to every fsync", 25, "x", never, reference="50x",
        one_engine=True, not_measured=f"{NO_FLASK} Nothing here slows an fsync down.",
    ),
    Goal(
        "fold of a household with 2 submissions", 1.5, "ms", plain("fold_2_ms"), most=True, one_engine=True,
        holds_back="45 % is relevance, calculations and constraints of some 200 questions, walked for household and "
        "each person; 19 % placing claims; the rest building record and trail.",
    ),
    Goal(
        "folded by one process, so that the backlog stays under 1 s", 500, "/s", per_second("fold_stored{m}_ms"),
        holds_back="The fold itself (above); reading and writing are a seventh of it on SQLite.",
    ),
    Goal(
        "rate at 1,000,000 stored over the rate at 200,000", 0.8, "x", never, reference="0.89x", one_engine=True,
        not_measured="`make bench` ends at 100,000 households: a million would take hours here.",
    ),
    Goal(
        "a push at 100,000 households over one at 1,000", 1.2, "x", share("push_us_at_100000", "push_us_at_1000"),
        most=True, one_engine=True, holds_back=f"{GROWTH}0.97, 1.09, 1.37, 1.35.",
    ),
    Goal(
        "a fold at 100,000 households over one at 1,000", 1.2, "x", share("fold_us_at_100000", "fold_us_at_1000"),
        most=True, one_engine=True, holds_back=f"{GROWTH}1.04, 1.36.",
    ),
    Goal(
        "stored per submission, keys included", 1_600, "B", plain("stored_log"), most=True, reference="1,073 B",
        one_engine=True, holds_back="Nothing in the log is packed: the canonical bytes that were hashed stand as they "
        "are, paths named twice. No dictionary is trained. The record (`stored_record`) comes on top.",
    ),
    Goal(
        "sync of 25 households, gzip: bytes up for each", 1_200, "B", plain("wire_up_per_household"), most=True,
        one_engine=True,
        holds_back="Some 400 B are salts, hashes, ids, signature: random text, which nothing packs.",
    ),
    Goal(
        "an empty sync, both ways", 1_000, "B", plain("wire_empty_sync"), most=True, one_engine=True,
        holds_back="The answer to `hello` is 1,079 B of it (limits, forms, keys in full) and is not packed.",
    ),
    Goal(
        "pull, 10,000 a page, over Kinto", 12, "x", share("pull{m}_10000", "kinto_pull_10000"), reference="25x",
        holds_back="Of 20 us a record 14 are reads (feed and record, NIK cases, erasures) and a head made anew for "
        "each line; the rest is sending.",
    ),
    Goal(
        "the same over the `sqlite3` command line, `.mode json`", 1, "x", share("pull{m}_10000", "cli_json"),
        reference="2.9x", holds_back="As above.",
    ),
    Goal(
        "the same over a bare cursor", 0.25, "x", share("pull{m}_10000", "raw_read{m}_10000"), reference="0.62x",
        holds_back="As above.",
    ),
    Goal(
        "memory that pulling adds to the server, 10,000 a page", 80, "MiB", plain("pull_peak_mib"), most=True,
        one_engine=True,
        holds_back="A page is built whole, and each of 16 threads keeps the arena it was built in (about three times "
        "the page's bytes) and a page cache of 16 MB: it levels off after some 20 pulls. One arena for all halves it.",
    ),
    Goal(
        "the newest 1,000 changes of all that is stored", 25, "ms", plain("changes{m}_ms"), most=True, reference="8 ms",
        holds_back="As the pull. 100,000 stored on SQLite, 10,000 on PostgreSQL, where a million was meant.",
    ),
    Goal(
        "delivery, a registry answering in 20 ms, 16 in flight: share of 800 /s", 0.85, "x",
        plain("deliver_share{m}"), reference="0.90x", holds_back=f"{DELIVERY}.",
    ),
    Goal(
        "CPU of sending one record", 400, "us", plain("deliver_cpu_us{m}"), most=True,
        holds_back="60 %: the receipt is sealed, signed, appended, committed; 40 %: `requests`, 16 threads.",
    ),
    Goal(
        "rebuild of 1,000,000 households, from the time of one in a rebuild of 100,000 (below), one core", 15, "min",
        plain("rebuild_ms_each", 1_000_000 / 60_000), most=True, one_engine=True,
        holds_back="The fold; one process uses one core.",
    ),
    Goal(
        "first question on a tablet, household with 5 members, 4x throttle", 1.0, "s", never, most=True,
        one_engine=True, not_measured="A browser is needed; nothing of `make bench` starts one.",
    ),
    Goal(
        "10,000 tablets at once on 2 cores: a refusal costs", 1, "ms", never, most=True, one_engine=True,
        not_measured="No herd is driven here yet.",
    ),
)  # fmt: skip
