"""A Global Unsubscribe report of millions of lines: varied and skewed as real ones are, and made in a minute and a half."""

from django.db import connection

PRODUCTS, PUBLISHERS = 30, 50

# A few websites send most requests and thousands hardly any; each belongs to a publisher and has a few products. A fifth of the
# lines have a phone number, most were asked for once, and they are spread over two years.
_FILL = """
INSERT INTO optout_globalline (
    realm_id, key, first_seen_at, last_seen_at, unsubscribe_count, product_number, email, phone, website, publisher,
    custom1, custom2, custom3, form
)
SELECT
    %(realm)s, decode(md5(n::text), 'hex'), first_seen_at,
    CASE WHEN is_single THEN first_seen_at ELSE first_seen_at + (now() - first_seen_at) * a END,
    CASE WHEN is_single THEN 1 ELSE 1 + (1 / (1.005 - b))::int END,
    CASE WHEN b < 0.1 THEN 0 ELSE 1 + (site * 7 + (b * 3)::int) %% {products} END,
    CASE WHEN c < 0.05 THEN '' ELSE
        substr(md5(person::text), 1, (4 + person %% 12)::int) || person || '@' || ({domains})[1 + person %% 5] END,
    CASE WHEN c < 0.2 THEN '+1202' || lpad((person * 7919 %% 10000000)::text, 7, '0') ELSE '' END,
    CASE WHEN d < 0.1 THEN '' WHEN site < {common} THEN 'shop' || site || '.example.com'
        ELSE 'rare' || site || '.example.net' END,
    CASE WHEN d < 0.1 OR site %% 5 = 0 THEN '' ELSE 'pub' || site %% {publishers} END,
    CASE WHEN b < 0.3 THEN ({countries})[1 + n %% 4] ELSE '' END, '', '',
    CASE WHEN site %% 5 = 1 THEN md5('form' || site %% {publishers})::uuid END
FROM (
    SELECT *, now() - interval '2 years' * (1 - n::float8 / %(lines)s) AS first_seen_at, a < 0.85 AS is_single,
        floor(0.7 * %(lines)s * e)::bigint AS person,
        CASE WHEN d < 0.85 THEN floor({common} * f * f) ELSE {common} + floor({rare} * f * f * f) END::int AS site
    FROM (
        SELECT n, random() AS a, random() AS b, random() AS c, random() AS d, random() AS e, random() AS f
        FROM generate_series(1, %(lines)s) n OFFSET 0
    ) random OFFSET 0
) chosen
""".format(
    products=PRODUCTS,
    publishers=PUBLISHERS,
    common=200,
    rare=5_000,
    domains="ARRAY['gmail.com', 'yahoo.com', 'outlook.com', 'web.de', 'example-company.co.uk']",
    countries="ARRAY['Germany', 'France', 'Spain', 'Italy']",
)

# What the report is asked for beside its first page; `since` and `until` are days before today, `{email}` that of some line.
FILTERS: dict[str, dict[str, str | int]] = {
    "a day": {"since": 30, "until": 30},
    "a month": {"since": 230, "until": 200},
    "a month of first seen": {"since": 230, "until": 200, "seen": "first"},
    "a product": {"product": 5},
    "product 0": {"product": 0},
    "a publisher": {"publisher": "pub7"},
    "the largest website": {"website": "shop0.example.com"},
    "a rare website": {"website": "rare4000.example.net"},
    "an unknown website": {"website": "nowhere.example"},
    "website NOT DEFINED": {"website": "NOT DEFINED"},
    "an email": {"email": "{email}"},
    "email NOT DEFINED": {"email": "NOT DEFINED"},
    "a phone": {"phone": "{phone}"},
    "phone NOT DEFINED": {"phone": "NOT DEFINED"},
    "a website and a month": {"website": "shop1.example.com", "since": 230, "until": 200},
    "a website, not its product": {"website": "shop1.example.com", "product": 20},
    "a website, not its publisher": {"website": "shop1.example.com", "publisher": "pub7"},
    "a publisher, not its product": {"publisher": "pub7", "product": 3},
    "the largest website, by publisher": {"website": "shop0.example.com", "sort": "-publisher"},
}


def fill_report(realm_id: int, lines: int) -> None:
    """Make that many lines, all of this realm. Indexes are made afterwards: half the time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename = 'optout_globalline' AND indexname LIKE 'global_by_%'"
        )
        indexes = cursor.fetchall()
        cursor.execute("TRUNCATE optout_globalline")
        cursor.execute("DROP INDEX " + ", ".join(name for name, _definition in indexes))
        cursor.execute(_FILL, {"realm": realm_id, "lines": lines})
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE optout_globalline")
        cursor.execute("RESET maintenance_work_mem")
