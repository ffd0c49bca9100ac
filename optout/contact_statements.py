"""The statements behind contacts: each takes arrays, so that ten thousand records cost as many round trips as one.

`= ANY (ARRAY(SELECT unnest(…)))` keeps from the planner how long the array is: it then asks the index for each entry, whatever
the statistics say. Given the length it would rather read the whole table, which is slower for a table of any size.
"""

# One at a time for each part of a realm's contacts, see `lock_contacts`. In the order of the array.
LOCK = "SELECT pg_advisory_xact_lock(%s, part) FROM unnest(%s::int[]) AS part"

FIND_CONTACTS = """
SELECT digest, customer_key FROM lists_contact
WHERE realm_id = %(realm)s AND digest = ANY (ARRAY(SELECT unnest(%(digests)s::bytea[])))
UNION ALL
SELECT digest, customer_key FROM lists_contact
WHERE realm_id = %(realm)s AND customer_key = ANY (ARRAY(SELECT unnest(%(keys)s::text[])))
"""

FIND_SUPPRESSED = """
SELECT optout_list_id, digest FROM optout_suppression
WHERE optout_list_id = ANY (%(lists)s::int[]) AND digest = ANY (ARRAY(SELECT unnest(%(keys)s::bytea[])))
"""

# Fields that a record gives as empty come as null: they are cleared.
ADD_CONTACTS = """
INSERT INTO lists_contact (realm_id, digest, medium, address, customer_key, fields, created_at)
SELECT %(realm)s, digest, medium, address, customer_key, jsonb_strip_nulls(fields), %(now)s
FROM unnest(
    %(digests)s::bytea[], %(media)s::smallint[], %(addresses)s::text[], %(keys)s::text[], %(fields)s::jsonb[]
) AS r (digest, medium, address, customer_key, fields)
ORDER BY digest
"""

# Writes only what changes: scripts send the same contacts every night.
UPDATE_CONTACTS = """
UPDATE lists_contact c
SET customer_key = coalesce(c.customer_key, r.customer_key), fields = jsonb_strip_nulls(c.fields || r.fields)
FROM unnest(%(digests)s::bytea[], %(keys)s::text[], %(fields)s::jsonb[]) AS r (digest, customer_key, fields)
WHERE c.realm_id = %(realm)s AND c.digest = ANY (ARRAY(SELECT unnest(%(digests)s::bytea[]))) AND c.digest = r.digest
  AND (c.customer_key IS NULL AND r.customer_key IS NOT NULL OR c.fields <> jsonb_strip_nulls(c.fields || r.fields))
"""

DELETE_CONTACTS = """
DELETE FROM lists_contact
WHERE realm_id = %(realm)s AND digest = ANY (ARRAY(SELECT unnest(%(digests)s::bytea[])))
RETURNING 1
"""

# A subscription that is there keeps its time, and its format unless another one is given.
SUBSCRIBE = """
INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at, message_format)
SELECT %(list)s, r.digest, %(now)s, coalesce(
    r.message_format,
    (SELECT s.message_format FROM lists_subscription s WHERE s.optout_list_id = %(list)s AND s.digest = r.digest),
    99
)
FROM unnest(%(digests)s::bytea[], %(formats)s::smallint[]) AS r (digest, message_format)
ORDER BY r.digest
ON CONFLICT (optout_list_id, digest) DO UPDATE SET message_format = EXCLUDED.message_format
WHERE lists_subscription.message_format <> EXCLUDED.message_format
"""

# Of Do Not Mail those of every list of the realm, as a global opt-out does. Locked in key order, as there.
END_SUBSCRIPTIONS = """
WITH leaving AS (
    SELECT optout_list_id, digest FROM lists_subscription
    WHERE digest = ANY (ARRAY(SELECT unnest(%(digests)s::bytea[]))) AND optout_list_id = ANY (ARRAY(
        SELECT id FROM lists_list WHERE id = %(list)s OR %(is_global)s AND realm_id = %(realm)s
    ))
    ORDER BY optout_list_id, digest
    FOR UPDATE
)
DELETE FROM lists_subscription s USING leaving
WHERE s.optout_list_id = leaving.optout_list_id AND s.digest = leaving.digest
RETURNING s.digest
"""

FIND_CONTACT = "SELECT id FROM lists_contact WHERE realm_id = %s AND digest = %s"
MOVE_CONTACT = "UPDATE lists_contact SET digest = %s, medium = %s, address = %s WHERE id = %s"

# Where the old address is suppressed and the new one is not; the earliest reason of each list.
FIND_TO_CARRY = """
SELECT DISTINCT ON (s.optout_list_id) s.optout_list_id, l.kind = 'global', s.reason
FROM lists_list l JOIN optout_suppression s ON s.optout_list_id = l.id
WHERE l.realm_id = %(realm)s AND s.digest = ANY (%(old_keys)s::bytea[])
  AND NOT EXISTS (
      SELECT FROM optout_suppression n WHERE n.optout_list_id = l.id AND n.digest = ANY (%(new_keys)s::bytea[])
  )
ORDER BY s.optout_list_id, s.suppressed_at
"""

# Both addresses' subscriptions are locked in key order first: an opt-out that comes meanwhile locks them in the same.
MOVE_SUBSCRIPTIONS = """
WITH locked AS MATERIALIZED (
    SELECT optout_list_id, digest, subscribed_at, message_format FROM lists_subscription
    WHERE digest = ANY (ARRAY[%(old)s, %(new)s]::bytea[])
      AND optout_list_id = ANY (ARRAY(SELECT id FROM lists_list WHERE realm_id = %(realm)s))
    ORDER BY optout_list_id, digest
    FOR UPDATE
), moved AS (
    DELETE FROM lists_subscription s USING (SELECT * FROM locked WHERE digest = %(old)s OFFSET 0) l
    WHERE s.optout_list_id = l.optout_list_id AND s.digest = l.digest
    RETURNING s.optout_list_id, s.subscribed_at, s.message_format
)
INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at, message_format)
SELECT optout_list_id, %(new)s, subscribed_at, message_format FROM moved
ORDER BY optout_list_id
ON CONFLICT DO NOTHING
"""

# What one address is subscribed to although it is suppressed there, or in the realm as a whole.
END_SUPPRESSED = """
WITH suppressed AS MATERIALIZED (
    SELECT l.id, l.kind = 'global' AS is_global
    FROM lists_list l JOIN optout_suppression s ON s.optout_list_id = l.id
    WHERE l.realm_id = %(realm)s AND s.digest = ANY (%(keys)s::bytea[])
), leaving AS (
    SELECT s.optout_list_id FROM lists_list l JOIN lists_subscription s ON s.optout_list_id = l.id
    WHERE l.realm_id = %(realm)s AND s.digest = %(digest)s
      AND (l.id IN (SELECT id FROM suppressed) OR EXISTS (SELECT FROM suppressed WHERE is_global))
    ORDER BY s.optout_list_id
    FOR UPDATE OF s
)
DELETE FROM lists_subscription s USING leaving
WHERE s.optout_list_id = leaving.optout_list_id AND s.digest = %(digest)s
"""
