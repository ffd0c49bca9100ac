"""The statements behind contacts: each takes arrays, so that ten thousand records cost as many round trips as one.

`LATERAL (… OFFSET 0)` asks the index for each entry of an array. Free to choose, the planner reads whole tables, or, while
statistics are old, compares each row of a realm with each entry (10,000 contacts of a new table: 940 ms instead of 40).
"""

# One at a time for each part of a realm's contacts, see `lock_contacts`. In the order of the array.
LOCK = "SELECT pg_advisory_xact_lock(%s, part) FROM unnest(%s::int[]) AS part"

FIND_CONTACTS = """
SELECT c.digest, c.customer_key FROM unnest(%(digests)s::bytea[]) AS given, LATERAL (
    SELECT digest, customer_key FROM lists_contact WHERE realm_id = %(realm)s AND digest = given OFFSET 0
) c
UNION ALL
SELECT c.digest, c.customer_key FROM unnest(%(keys)s::text[]) AS given, LATERAL (
    SELECT digest, customer_key FROM lists_contact WHERE realm_id = %(realm)s AND customer_key = given OFFSET 0
) c
"""

# Which of these keys are suppressed on which of these lists.
FIND_SUPPRESSED = """
SELECT s.optout_list_id, s.digest
FROM unnest(%(lists)s::int[]) AS list_id, unnest(%(keys)s::bytea[]) AS key, LATERAL (
    SELECT optout_list_id, digest FROM optout_suppression WHERE optout_list_id = list_id AND digest = key OFFSET 0
) s
"""

# The same for pairs of a list and a key, and how the address came to be suppressed.
FIND_SUPPRESSED_PAIRS = """
SELECT s.optout_list_id, s.digest, s.suppressed_at, s.channel, s.reason
FROM unnest(%(lists)s::int[], %(keys)s::bytea[]) AS given (list_id, key), LATERAL (
    SELECT optout_list_id, digest, suppressed_at, channel, reason FROM optout_suppression
    WHERE optout_list_id = given.list_id AND digest = given.key OFFSET 0
) s
"""

# Adds contacts, and writes of known ones only what changes: scripts send the same contacts every night. A field that comes as
# null is cleared. Where contacts are not to be added, `added_at` is null: that breaks off, as NULL in `created_at`.
WRITE_CONTACTS = """
INSERT INTO lists_contact AS c (realm_id, digest, medium, address, customer_key, fields, created_at, changed_at)
SELECT
    %(realm)s, r.digest, r.medium, r.address, r.customer_key,
    jsonb_strip_nulls(coalesce(known.fields, '{}') || r.fields), coalesce(known.created_at, %(added_at)s), %(now)s
FROM unnest(
    %(digests)s::bytea[], %(media)s::smallint[], %(addresses)s::text[], %(keys)s::text[], %(fields)s::jsonb[]
) AS r (digest, medium, address, customer_key, fields)
LEFT JOIN LATERAL (
    SELECT fields, created_at FROM lists_contact WHERE realm_id = %(realm)s AND digest = r.digest OFFSET 0
) known ON true
ORDER BY r.digest
ON CONFLICT (realm_id, digest) DO UPDATE
SET customer_key = coalesce(c.customer_key, EXCLUDED.customer_key), fields = EXCLUDED.fields, changed_at = EXCLUDED.changed_at
WHERE c.fields <> EXCLUDED.fields OR c.customer_key IS NULL AND EXCLUDED.customer_key IS NOT NULL
"""

DELETE_CONTACTS = """
DELETE FROM lists_contact WHERE id = ANY (ARRAY(
    SELECT c.id FROM unnest(%(digests)s::bytea[]) AS given, LATERAL (
        SELECT id FROM lists_contact WHERE realm_id = %(realm)s AND digest = given OFFSET 0
    ) c
))
RETURNING 1
"""


def _touching(digests: str) -> str:
    """A part of a statement that says of contacts that they changed, unless the same transaction wrote them.

    Their rows are locked after those of subscriptions: only with `lock_contacts` held, so that nobody locks them the other way
    round.
    """
    return f"""touched AS (
    UPDATE lists_contact SET changed_at = %(now)s WHERE id = ANY (ARRAY(
        SELECT c.id FROM ({digests}) given, LATERAL (
            SELECT id, changed_at FROM lists_contact WHERE realm_id = %(realm)s AND digest = given.digest OFFSET 0
        ) c WHERE c.changed_at <> %(now)s
    ))
)"""  # noqa: S608  constants only


# A subscription that is there keeps its time, and its format unless another one is given. Of the contacts among `known` it is
# said that they changed; of new ones that need not be asked.
SUBSCRIBE = """
WITH subscribed AS (
    INSERT INTO lists_subscription AS s (optout_list_id, digest, subscribed_at, message_format)
    SELECT %(list)s, r.digest, %(now)s, coalesce(r.message_format, known.message_format, 99)
    FROM unnest(%(digests)s::bytea[], %(formats)s::smallint[]) AS r (digest, message_format)
    LEFT JOIN LATERAL (
        SELECT message_format FROM lists_subscription WHERE optout_list_id = %(list)s AND digest = r.digest OFFSET 0
    ) known ON true
    ORDER BY r.digest
    ON CONFLICT (optout_list_id, digest) DO UPDATE SET message_format = EXCLUDED.message_format
    WHERE s.message_format <> EXCLUDED.message_format
    RETURNING digest
), {touched}
SELECT 1 FROM subscribed LIMIT 0
""".replace(
    "{touched}",
    _touching("SELECT digest FROM subscribed WHERE digest = ANY (%(known)s::bytea[])"),
)

# Of Do Not Mail those of every list of the realm, as a global opt-out does. Locked in key order, as there. The second array
# keeps from the planner how many there are: those that are found are looked up once more, by key.
END_SUBSCRIPTIONS = """
WITH place AS (
    SELECT l.id AS list_id, given.digest
    FROM lists_list l, unnest(ARRAY(SELECT DISTINCT unnest(%(digests)s::bytea[]))) AS given (digest)
    WHERE l.id = %(list)s OR %(is_global)s AND l.realm_id = %(realm)s
    ORDER BY l.id, given.digest
), leaving AS (
    SELECT s.optout_list_id, s.digest FROM place, LATERAL (
        SELECT optout_list_id, digest FROM lists_subscription
        WHERE optout_list_id = place.list_id AND digest = place.digest
        FOR UPDATE
    ) s
), ended AS (
    DELETE FROM lists_subscription s USING leaving
    WHERE s.optout_list_id = leaving.optout_list_id AND s.digest = leaving.digest
    RETURNING s.digest
), {touched}
SELECT digest FROM ended
""".replace("{touched}", _touching("SELECT digest FROM ended"))

# Who is on the list, or for Do Not Mail on any list of the realm, although the list or Do Not Mail suppresses them.
FIND_LEFT_OVER = """
SELECT DISTINCT given.digest
FROM unnest(%(digests)s::bytea[]) AS given (digest), lists_list l, LATERAL (
    SELECT FROM lists_subscription WHERE optout_list_id = l.id AND digest = given.digest OFFSET 0
) subscription, LATERAL (
    SELECT FROM optout_suppression
    WHERE optout_list_id = ANY (ARRAY[%(list)s, %(do_not_mail)s]::int[]) AND digest = given.digest LIMIT 1
) suppression
WHERE l.id = %(list)s OR %(is_global)s AND l.realm_id = %(realm)s
"""

# Whom a program means by the number of a contact, or by a digest: then also an address of Do Not Mail that is no contact.
FIND_BY_NUMBER = """
SELECT id, digest, address, medium FROM lists_contact WHERE realm_id = %(realm)s AND id = %(number)s
"""
FIND_BY_DIGEST = """
SELECT id, digest, address, medium FROM lists_contact WHERE realm_id = %(realm)s AND digest = %(digest)s
UNION ALL
SELECT NULL, digest, address, medium FROM optout_suppression
WHERE optout_list_id = %(do_not_mail)s AND digest = %(digest)s
ORDER BY 1
LIMIT 1
"""

# Puts one contact on these lists, and but with `keeps_others` takes it off all others. It is said of the contact that it changed,
# if it did. All its subscriptions are locked in key order first, as by a global opt-out, also those that it keeps: putting it on
# a list that it is just being taken off waits for that, and must not hold a later one meanwhile.
SET_LISTS = """
WITH locked AS MATERIALIZED (
    SELECT s.optout_list_id FROM (SELECT id FROM lists_list WHERE realm_id = %(realm)s ORDER BY id) l, LATERAL (
        SELECT optout_list_id FROM lists_subscription WHERE optout_list_id = l.id AND digest = %(digest)s FOR UPDATE
    ) s
), ended AS (
    DELETE FROM lists_subscription s USING locked
    WHERE NOT %(keeps_others)s AND locked.optout_list_id <> ALL (%(lists)s::int[])
      AND s.optout_list_id = locked.optout_list_id AND s.digest = %(digest)s
    RETURNING 1
), begun AS (
    INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at)
    SELECT DISTINCT list_id, %(digest)s::bytea, %(now)s::timestamptz FROM unnest(%(lists)s::int[]) AS list_id
    WHERE (SELECT count(*) FROM locked) IS NOT NULL
    ORDER BY list_id
    ON CONFLICT (optout_list_id, digest) DO NOTHING
    RETURNING 1
)
UPDATE lists_contact SET changed_at = %(now)s
WHERE realm_id = %(realm)s AND digest = %(digest)s AND (EXISTS (SELECT FROM ended) OR EXISTS (SELECT FROM begun))
"""

# If this opt-out changed anything: one that is repeated does not.
TOUCH_CONTACT = """
UPDATE lists_contact SET changed_at = %(now)s WHERE id = %(contact)s AND EXISTS (
    SELECT FROM optout_optout WHERE digest = %(digest)s AND id = %(optout)s AND (is_new OR left_lists IS NOT NULL)
)
"""

FIND_CONTACT = "SELECT id FROM lists_contact WHERE realm_id = %s AND digest = %s"
MOVE_CONTACT = (
    "UPDATE lists_contact SET digest = %s, medium = %s, address = %s, changed_at = %s WHERE id = %s"
)

# Where the old address is suppressed and the new one is not; the earliest reason of each list.
FIND_TO_CARRY = """
SELECT l.id, l.kind = 'global', old.reason FROM lists_list l, LATERAL (
    SELECT reason FROM optout_suppression WHERE optout_list_id = l.id AND digest = ANY (%(old_keys)s::bytea[])
    ORDER BY suppressed_at LIMIT 1
) old
LEFT JOIN LATERAL (
    SELECT true AS is_there FROM optout_suppression
    WHERE optout_list_id = l.id AND digest = ANY (%(new_keys)s::bytea[]) LIMIT 1
) new ON true
WHERE l.realm_id = %(realm)s AND new.is_there IS NULL
ORDER BY l.id
"""

# Both addresses' subscriptions are locked in key order first: an opt-out that comes meanwhile locks them in the same.
MOVE_SUBSCRIPTIONS = """
WITH place AS (
    SELECT l.id AS list_id, given.digest
    FROM lists_list l, unnest(ARRAY[%(old)s, %(new)s]::bytea[]) AS given (digest)
    WHERE l.realm_id = %(realm)s
    ORDER BY l.id, given.digest
), locked AS MATERIALIZED (
    SELECT s.* FROM place, LATERAL (
        SELECT * FROM lists_subscription WHERE optout_list_id = place.list_id AND digest = place.digest FOR UPDATE
    ) s
), moved AS (
    DELETE FROM lists_subscription s USING locked
    WHERE s.optout_list_id = locked.optout_list_id AND s.digest = locked.digest AND locked.digest = %(old)s
    RETURNING s.optout_list_id, s.subscribed_at, s.message_format
)
INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at, message_format)
SELECT optout_list_id, %(new)s, subscribed_at, message_format FROM moved
ORDER BY optout_list_id
ON CONFLICT DO NOTHING
"""

# What one address is subscribed to although it is suppressed there, or in the realm as a whole.
LEAVE_SUPPRESSED = """
WITH suppressed AS MATERIALIZED (
    SELECT l.id, l.kind = 'global' AS is_global FROM lists_list l, LATERAL (
        SELECT FROM optout_suppression WHERE optout_list_id = l.id AND digest = ANY (%(keys)s::bytea[]) LIMIT 1
    ) s
    WHERE l.realm_id = %(realm)s
), place AS (
    SELECT l.id FROM lists_list l
    WHERE l.realm_id = %(realm)s
      AND (l.id IN (SELECT id FROM suppressed) OR EXISTS (SELECT FROM suppressed WHERE is_global))
    ORDER BY l.id
), leaving AS (
    SELECT s.optout_list_id FROM place, LATERAL (
        SELECT optout_list_id FROM lists_subscription WHERE optout_list_id = place.id AND digest = %(digest)s FOR UPDATE
    ) s
)
DELETE FROM lists_subscription s USING leaving
WHERE s.optout_list_id = leaving.optout_list_id AND s.digest = %(digest)s
"""
