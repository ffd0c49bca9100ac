"""The statements of the write path. Each is one round trip, takes arrays, and is atomic by itself (architecture.md)."""

# One row of `intent` for each request, `n` in the order given. Everything else follows from it:
# - suppressions are inserted in key order, so that two batches with the same addresses cannot lock each other out, and the unique
#   key decides what is new;
# - a suppression that is there already is locked, not changed (`WHERE false`): whoever is just taking it back waits for us or we
#   for them, so that no recorded opt-out is left without a suppression (`DO NOTHING` would not lock);
# - subscriptions are locked in key order before they are removed, and after all suppressions (that is what counting them is
#   for); a global opt-out ends those of every list of the realm;
# - the ledger gets one row a request, new or not.
# Time is a parameter: the rules for distributing the tables forbid now() here.
_RECORD = """
WITH intent (
    list_id, realm_id, is_global, digest, address, medium, channel, assurance,
    reason, origin, requested_at, ip, agent, evidence, n
) AS MATERIALIZED (
    {source}
), suppressed AS (
    INSERT INTO optout_suppression (
        suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address
    )
    SELECT DISTINCT ON (list_id, digest)
        requested_at, list_id, channel, reason, medium, 1, digest, address
    FROM intent
    ORDER BY list_id, digest, n
    ON CONFLICT (optout_list_id, digest) DO UPDATE SET medium = EXCLUDED.medium WHERE false
    RETURNING optout_list_id AS list_id, digest
), leaving AS (
    SELECT s.optout_list_id, s.digest, i.n FROM (
        SELECT list_id, digest, n FROM intent WHERE NOT is_global
        UNION ALL
        SELECT l.id, i.digest, i.n FROM intent i JOIN lists_list l ON l.realm_id = i.realm_id WHERE i.is_global
    ) i (list_id, digest, n)
    JOIN lists_subscription s ON s.optout_list_id = i.list_id AND s.digest = i.digest
    WHERE (SELECT count(*) FROM suppressed) IS NOT NULL
    ORDER BY s.optout_list_id, s.digest
    FOR UPDATE OF s
), left_now AS (
    DELETE FROM lists_subscription s USING leaving
    WHERE s.optout_list_id = leaving.optout_list_id AND s.digest = leaving.digest
    RETURNING s.optout_list_id, leaving.n
), left_lists AS (
    SELECT n, array_agg(optout_list_id ORDER BY optout_list_id) AS ids FROM left_now GROUP BY n
){reports}
INSERT INTO optout_optout (
    recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest, address,
    ip, agent, evidence, left_lists
)
SELECT
    i.requested_at, i.list_id, 1, i.channel, i.medium, i.reason, i.origin, i.assurance,
    s.digest IS NOT NULL AND i.n = min(i.n) OVER (PARTITION BY i.list_id, i.digest),
    i.digest, i.address, i.ip, i.agent, i.evidence, l.ids
FROM intent i
LEFT JOIN suppressed s ON s.list_id = i.list_id AND s.digest = i.digest
LEFT JOIN left_lists l ON l.n = i.n
ORDER BY i.n
RETURNING id, is_new
"""

_TYPES = (
    "int", "int", "bool", "bytea", "text", "smallint", "smallint", "smallint",
    "smallint", "smallint", "timestamptz", "inet", "text", "jsonb",
)  # fmt: skip
_ARRAYS = ", ".join(f"%s::{type_}[]" for type_ in _TYPES)
_VALUES = ", ".join(f"%s::{type_}" for type_ in _TYPES)
_UNNEST = f"SELECT * FROM unnest({_ARRAYS}) WITH ORDINALITY"  # noqa: S608  constants only
_RECORD_MANY = _RECORD.replace("{source}", _UNNEST)
RECORD_MANY = _RECORD_MANY.replace("{reports}", "")

# The same for two, which is what a person or a website asks for at once: without arrays, and planned once for a connection, a
# third of the time.
_TWO_ROWS = f"VALUES ({_VALUES}, 1::bigint), ({_VALUES}, 2::bigint)"
_RECORD_TWO = _RECORD.replace("{source}", _TWO_ROWS)
RECORD_TWO = _RECORD_TWO.replace("{reports}", "")

# The same for one request. What keeps a batch in order (the sorting, the first of several) has nothing to do here, and the
# plan, which no longer depends on the length of an array, is made once for a connection: a quarter of the time.
_RECORD_ONE = """
WITH intent (
    list_id, realm_id, is_global, digest, address, medium, channel, assurance,
    reason, origin, requested_at, ip, agent, evidence
) AS MATERIALIZED (
    SELECT {values}
), suppressed AS (
    INSERT INTO optout_suppression (
        suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address
    )
    SELECT requested_at, list_id, channel, reason, medium, 1, digest, address FROM intent
    ON CONFLICT (optout_list_id, digest) DO UPDATE SET medium = EXCLUDED.medium WHERE false
    RETURNING 1
), left_now AS (
    DELETE FROM lists_subscription s USING intent i
    WHERE s.digest = i.digest AND s.optout_list_id = ANY (
        CASE WHEN i.is_global THEN ARRAY(SELECT l.id FROM lists_list l WHERE l.realm_id = i.realm_id)
        ELSE ARRAY[i.list_id] END
    )
    RETURNING s.optout_list_id
){reports}
INSERT INTO optout_optout (
    recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest, address,
    ip, agent, evidence, left_lists
)
SELECT
    requested_at, list_id, 1, channel, medium, reason, origin, assurance, EXISTS (SELECT FROM suppressed),
    digest, address, ip, agent, evidence,
    (SELECT array_agg(optout_list_id ORDER BY optout_list_id) FROM left_now)
FROM intent
RETURNING id, is_new
""".replace("{values}", _VALUES)
RECORD_ONE = _RECORD_ONE.replace("{reports}", "")

# The same, and the lines of the Global Unsubscribe report (S1.20), in the one statement: all of it or none. A repeat changes the
# counter and the time, nothing else. Nobody reads `reported`, so PostgreSQL runs it last, and a batch in key order: whoever
# holds a line waits for no suppression any more, and no two can lock each other out.
_REPORTED = """, reported AS (
    INSERT INTO optout_globalline AS g (
        realm_id, key, first_seen_at, last_seen_at, product_number, email, phone, website, publisher,
        custom1, custom2, custom3, form, unsubscribe_count
    )
    {lines}
    ON CONFLICT (realm_id, key) DO UPDATE SET
        unsubscribe_count = g.unsubscribe_count + EXCLUDED.unsubscribe_count,
        last_seen_at = greatest(g.last_seen_at, EXCLUDED.last_seen_at)
)"""
_LINE = "realm_id, key, seen_at, seen_at, product_number, email, phone, website, publisher, custom1, custom2, custom3, form"
_REQUEST = _LINE.replace("seen_at, seen_at", "seen_at")
_SAME_LINE = _LINE.replace("seen_at, seen_at", "min(seen_at) OVER same, max(seen_at) OVER same")
_LINE_TYPES = (
    "int", "bytea", "timestamptz", "int", "text", "text", "text", "text", "text", "text", "text", "uuid",
)  # fmt: skip
_LINE_ARRAYS = ", ".join(f"%s::{type_}[]" for type_ in _LINE_TYPES)
_LINE_VALUES = ", ".join(f"%s::{type_}" for type_ in _LINE_TYPES)
_ONE_LINE = f"SELECT {_LINE}, 1 FROM (SELECT {_LINE_VALUES}) AS request ({_REQUEST})"  # noqa: S608  constants only
_LINES = f"""SELECT DISTINCT ON (realm_id, key) {_SAME_LINE}, count(*) OVER same
    FROM unnest({_LINE_ARRAYS}) WITH ORDINALITY AS request ({_REQUEST}, n)
    WINDOW same AS (PARTITION BY realm_id, key)
    ORDER BY realm_id, key, n"""  # noqa: S608  constants only
RECORD_ONE_AND_REPORT = _RECORD_ONE.replace("{reports}", _REPORTED.replace("{lines}", _ONE_LINE))
RECORD_TWO_AND_REPORT = _RECORD_TWO.replace("{reports}", _REPORTED.replace("{lines}", _ONE_LINE))
RECORD_MANY_AND_REPORT = _RECORD_MANY.replace("{reports}", _REPORTED.replace("{lines}", _LINES))

# A request about what is known by a hash alone: that suppression stays as it is, and is locked as by any other request. There is
# no row where it has been lifted since: without an address it could not be made anew.
RECORD_AGAIN = """
WITH known AS MATERIALIZED (
    SELECT optout_list_id, digest, medium FROM optout_suppression
    WHERE optout_list_id = %(list)s AND digest = %(digest)s
    FOR UPDATE
)
INSERT INTO optout_optout (
    recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest,
    ip, agent, evidence
)
SELECT
    %(now)s::timestamptz, optout_list_id, 1, %(channel)s::smallint, medium, %(reason)s::smallint, %(origin)s::smallint,
    %(assurance)s::smallint, false, digest, %(ip)s::inet, %(agent)s::text, %(evidence)s::jsonb
FROM known
RETURNING id
"""

# Ends suppressions. A lift that ends nothing is written down too, as not new.
LIFT = """
WITH lift AS MATERIALIZED (
    SELECT * FROM unnest(
        %s::int[], %s::bytea[], %s::smallint[], %s::smallint[], %s::smallint[], %s::smallint[], %s::smallint[],
        %s::timestamptz[], %s::inet[], %s::text[], %s::jsonb[]
    ) WITH ORDINALITY AS i (
        list_id, digest, medium, channel, assurance, reason, origin, requested_at, ip, agent, evidence, n
    )
), ending AS (
    SELECT s.optout_list_id, s.digest, s.address
    FROM lift JOIN optout_suppression s ON s.optout_list_id = lift.list_id AND s.digest = lift.digest
    ORDER BY s.optout_list_id, s.digest
    FOR UPDATE OF s
), ended AS (
    DELETE FROM optout_suppression s USING ending
    WHERE s.optout_list_id = ending.optout_list_id AND s.digest = ending.digest
    RETURNING s.optout_list_id, s.digest, s.address
)
INSERT INTO optout_optout (
    recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest, address,
    ip, agent, evidence
)
SELECT
    i.requested_at, i.list_id, 2, i.channel, i.medium, i.reason, i.origin, i.assurance,
    ended.digest IS NOT NULL AND i.n = min(i.n) OVER (PARTITION BY i.list_id, i.digest),
    i.digest, ended.address, i.ip, i.agent, i.evidence
FROM lift i LEFT JOIN ended ON ended.optout_list_id = i.list_id AND ended.digest = i.digest
ORDER BY i.n
RETURNING id, is_new
"""

# Whether the recipient took the opt-out `o` back. A lift says which one it undoes; one that ended the suppression took back
# what the same form was sent for meanwhile, too. One that ended nothing counts as well: otherwise the answer would say whether
# the address was out before (AT-03). After 90 days a lift no longer says which (AT-50): then it is the one of that same day.
# By key alone: with `+ 0` no planner that has old statistics reads the index of a whole list for it.
IS_UNDONE = """
EXISTS (
    SELECT FROM optout_optout undo
    WHERE undo.digest = o.digest AND undo.id > o.id AND undo.optout_list_id + 0 = o.optout_list_id
      AND undo.kind = 2 AND undo.reason = 6 AND undo.origin = 1
      AND coalesce(
          (undo.evidence ->> 'undoes')::bigint = o.id OR undo.is_new AND (undo.evidence ->> 'undoes')::bigint < o.id,
          undo.recorded_at <= o.recorded_at + interval '24 hours'
      )
)
"""

# One recipient's undo. The same statement whether it may end the suppression or not (`ends`), so that it takes as long either
# way; one that ends nothing is a lift that is not new, and of those an opt-out gets no second one. Channel 1 is the page
# and 8 the global form, kind 2 a lift, reason 6 "undone", origin 1 the recipient. By key, and planned once: joined to an
# array, the planner read the whole table while its statistics were old.
UNDO = f"""
WITH ended AS (
    DELETE FROM optout_suppression
    WHERE optout_list_id = %(list)s AND digest = %(digest)s AND %(ends)s::bool
    RETURNING 1
)
INSERT INTO optout_optout (
    recorded_at, optout_list_id, kind, channel, medium, reason, origin, assurance, is_new, digest, address,
    ip, agent, evidence
)
SELECT
    %(now)s::timestamptz, optout_list_id, 2, CASE channel WHEN 8 THEN 8 ELSE 1 END, medium, 6, 1,
    %(assurance)s::smallint, EXISTS (SELECT FROM ended),
    digest, address, %(ip)s::inet, %(agent)s::text, %(evidence)s::jsonb
FROM optout_optout o WHERE digest = %(digest)s AND id = %(undone)s AND (%(ends)s::bool OR NOT {IS_UNDONE})
RETURNING is_new
"""  # noqa: S608  constants only

# Gives back the subscriptions that an opt-out ended (`is_left`), unless the address is suppressed there for another reason. Looks
# after that of the others as well, as CASE goes by its order: it takes as long (AT-03).
RESUBSCRIBE = """
INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at)
SELECT o.list_id, o.digest, %s
FROM unnest(%s::int[], %s::bytea[], %s::bool[]) AS o (list_id, digest, is_left)
WHERE CASE WHEN EXISTS (
    SELECT FROM optout_suppression s JOIN lists_list l ON l.id = o.list_id
    WHERE s.digest = o.digest
      AND s.optout_list_id IN (
          o.list_id, (SELECT g.id FROM lists_list g WHERE g.realm_id = l.realm_id AND g.kind = 'global')
      )
) THEN false ELSE o.is_left END
ORDER BY o.list_id, o.digest
ON CONFLICT DO NOTHING
"""
