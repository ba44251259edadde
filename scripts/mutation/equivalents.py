"""Mutants that change nothing anybody can see, each with the reason; they are not counted."""

from typing import Final

EQUIVALENTS: Final[dict[tuple[str, str], str]] = {
    (
        "protocol/core/encoding.py",
        "decode: _check_same_bytes(raw, _ENCODER.encode(value)) -> _check_same_bytes(_ENCODER.encode(value), raw)",
    ): "where two strings of bytes part is the same seen from either",
    (
        "protocol/core/quantities.py",
        "divide_half_up: denominator < 0 -> denominator <= 0",
    ): "a denominator of 0 was refused above",
    (
        "protocol/core/note.py",
        "_parse_base64: True -> False",
    ): "what is not canonical is found by writing it again",
    (
        "protocol/log/policy.py",
        "_read_line: 0 -> -1 #5",
    ): "the line was found to have one word",
    (
        "protocol/federation/roster.py",
        "module: 20 -> 21",
    ): "a roster of as many members as there may be stays below half of either",
    (
        "protocol/federation/membership.py",
        "read_change: said.index <= history.joined.get(said.origin, -1) -> "
        "said.index < history.joined.get(said.origin, -1)",
    ): "at the very place of the request to join lies that request, which is no notice",
    (
        "protocol/supply/cost_sheet.py",
        "_audit_sum: total.amount < price.amount -> total.amount <= price.amount",
    ): "equal amounts were answered above",
    (
        "protocol/supply/disclosure.py",
        "audit_disclosure: 1 -> 2 #2",
    ): "of two sections too many the first is found already",
    (
        "protocol/gossip/session.py",
        "_greet: 0 -> -1 #2",
    ): "no counter that a peer tells is below 0",
    (
        "protocol/gossip/session.py",
        "_note_moved: 0 -> -1",
    ): "a head that has moved holds an entry at least",
    **{
        ("protocol/planning/rounds.py", name): "numpy takes any length below 0 for what is left"
        for name in (
            *(f"_state_at: 1 -> 2 #{number}" for number in (2, 4, 5, 7)),
            *(f"{where}: 1 -> 2" for where in ("_plan", "_advance", "_whole_activity")),
            "_plan: 1 -> 2 #2",
        )
    },
    (
        "storage/log/record_index.py",
        "rows: 1 -> 2",
    ): "to SQLite every negative limit is none",
    (
        "storage/log/record_index.py",
        "_read_cursor: 0 -> -1 #2",
    ): "the row has one column",
    (
        "storage/log/record_index.py",
        "list_behind: 0 -> -1",
    ): "the row has one column",
    (
        "protocol/planning/clearing.py",
        "__init__: amount > 0 -> amount >= 0",
    ): "no recipe has an amount of 0",
    (
        "protocol/planning/clearing.py",
        "__init__: 0 -> -1 #2",
    ): "no recipe has an amount of 0",
    (
        "protocol/planning/clearing.py",
        "keep_capacities: used > card.capacity * MICRO -> used >= card.capacity * MICRO",
    ): "what is scaled by one stays",
    (
        "protocol/planning/clearing.py",
        "keep_leasts: used < card.least * MICRO -> used <= card.least * MICRO",
    ): "nothing is wanting, and so much is added",
    (
        "protocol/planning/clearing.py",
        "settle: zip(ledger.floors, ledger.above, strict=True) -> zip(ledger.above, ledger.floors, strict=True)",
    ): "the two are added",
    (
        "protocol/planning/clearing.py",
        "settle: missing > 0 -> missing >= 0",
    ): "where nothing is short nothing is cut",
    (
        "protocol/planning/clearing.py",
        "settle: 0 -> -1 #2",
    ): "where nothing is short nothing is cut",
    (
        "protocol/planning/clearing.py",
        "settle: raise AssertionError('a plan with nothing short was not returned') -> pass",
    ): "it is never reached",
    (
        "protocol/planning/clearing.py",
        "_keep_credits: cost > credits -> cost >= credits",
    ): "what is scaled by one stays",
    (
        "protocol/planning/certificate.py",
        "_measure_left: sum_products(columns.net_amount, levels[columns.technique], columns.ne… -> "
        "sum_products(levels[columns.technique], columns.net_amount, columns.ne…",
    ): "the two are multiplied",
    **{
        ("node/use_cases/receive.py", name): reason
        for name, reason in (
            ("__init__: 0 -> 1", "of this counter only whether it has moved is asked"),
            ("__init__: 0 -> -1", "of this counter only whether it has moved is asked"),
            ("begin_transfer: 0 -> -1", "no bundle has a number below 0"),
            ("begin_transfer: 1 -> 2", "no bundle has a number below 0"),
        )
    },
    **{
        ("storage/log/log_store.py", name): reason
        for name, reason in (
            ("entries: 1 -> 0", "a bundle more is read, and all of it left out"),
            ("bundle_roots: 0 -> -1", "the row has one column"),
            ("extend: start < first -> start <= first", "nothing lies between the two"),
            (
                "store_bundles: number * BUNDLE_ENTRIES < present.size -> number * BUNDLE_ENTRIES <= present.size",
                "of a bundle that begins at the end nothing is held",
            ),
            ("_check_prefix: size > start -> size >= start", "of a bundle that begins at the end nothing is held"),
        )
    },
    (
        "storage/database.py",
        "__init__: self.reader.isolation_level = None -> pass",
    ): "a connection that only reads begins no transaction of its own",
    (
        "storage/database.py",
        "connect: connection.execute(f'PRAGMA busy_timeout={BUSY_WAIT_MS}') -> pass",
    ): "Python's own default is the same",
}
"""(path, name) -> reason."""
