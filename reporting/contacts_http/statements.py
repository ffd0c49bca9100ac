"""The statements behind members. Each walks an index by digest, or asks for addresses by key."""

from reporting.list_facts import MOST_COUNTED

FEW = 20_000  # changes that are gathered; where there are more, everybody is walked

ON_LIST = """
SELECT digest FROM lists_subscription
WHERE optout_list_id = %(list)s AND digest > %(after)s ORDER BY digest LIMIT %(most)s
"""
IN_DO_NOT_MAIL = """
SELECT digest FROM optout_suppression
WHERE optout_list_id = %(do_not_mail)s AND digest > %(after)s ORDER BY digest LIMIT %(most)s
"""
CONTACTS = """
SELECT digest FROM lists_contact
WHERE realm_id = %(realm)s AND digest > %(after)s ORDER BY digest LIMIT %(most)s
"""
EVERYBODY = f"({CONTACTS}) UNION ({IN_DO_NOT_MAIL}) ORDER BY digest LIMIT %(most)s"

# What changed: contacts know when, opt-outs and lifts are in the ledger.
_CHANGED = """
SELECT digest FROM lists_contact WHERE realm_id = %(realm)s AND changed_at >= %(since)s
UNION {all}
SELECT digest FROM optout_optout WHERE optout_list_id = ANY (%(lists)s::int[]) AND recorded_at >= %(since)s
"""
COUNT_CHANGED = f"SELECT count(*) FROM ({_CHANGED.replace('{all}', 'ALL')} LIMIT {FEW + 1}) changed"  # noqa: S608  constants
WALK_CHANGED = f"""
SELECT digest FROM ({_CHANGED.replace("{all}", "")}) changed WHERE digest > %(after)s ORDER BY digest LIMIT %(most)s
"""  # noqa: S608  constants

# `OFFSET 0` and `+ 0`: each address by its key, whatever the planner believes (optout/contact_statements.py).
DESCRIBE = """
SELECT given.digest, c.id, c.address, c.fields, c.created_at, c.changed_at, s.address, s.suppressed_at, s.channel, s.reason,
    coalesce(c.medium, s.medium), ledger.changed_at, ledger.origin
FROM unnest(%(digests)s::bytea[]) AS given (digest)
LEFT JOIN LATERAL (
    SELECT id, address, fields, created_at, changed_at, medium FROM lists_contact
    WHERE realm_id = %(realm)s AND digest = given.digest OFFSET 0
) c ON true
LEFT JOIN LATERAL (
    SELECT address, suppressed_at, channel, reason, medium FROM optout_suppression
    WHERE optout_list_id = %(do_not_mail)s AND digest = given.digest OFFSET 0
) s ON true
LEFT JOIN LATERAL (
    SELECT max(recorded_at) AS changed_at,
        (array_agg(origin ORDER BY id DESC) FILTER (WHERE kind = 1 AND is_new AND optout_list_id = %(do_not_mail)s))[1] AS origin
    FROM optout_optout WHERE digest = given.digest AND optout_list_id + 0 = ANY (%(lists)s::int[])
) ledger ON true
WHERE c.id IS NOT NULL OR s.suppressed_at IS NOT NULL
ORDER BY given.digest
"""
PLACES = """
SELECT s.digest, s.optout_list_id, s.subscribed_at, s.message_format
FROM unnest(%(digests)s::bytea[]) AS given (digest), unnest(%(lists)s::int[]) AS list_id, LATERAL (
    SELECT digest, optout_list_id, subscribed_at, message_format FROM lists_subscription
    WHERE optout_list_id = list_id AND digest = given.digest OFFSET 0
) s
ORDER BY s.optout_list_id
"""
DIGEST_OF = "SELECT digest FROM lists_contact WHERE realm_id = %(realm)s AND id = %(id)s"

COUNTS = f"""
SELECT l.id, last.recorded_at, CASE WHEN l.kind = 'global'
    THEN (SELECT count(*) FROM (SELECT FROM optout_suppression WHERE optout_list_id = l.id LIMIT {MOST_COUNTED}) s)
    ELSE (SELECT count(*) FROM (SELECT FROM lists_subscription WHERE optout_list_id = l.id LIMIT {MOST_COUNTED}) s)
END
FROM lists_list l LEFT JOIN LATERAL (
    SELECT recorded_at FROM optout_optout WHERE optout_list_id = l.id ORDER BY recorded_at DESC LIMIT 1
) last ON true
WHERE l.realm_id = %(realm)s
"""  # noqa: S608  a number of ours
LAST_CHANGE = """
SELECT changed_at FROM lists_contact WHERE realm_id = %(realm)s ORDER BY changed_at DESC LIMIT 1
"""
