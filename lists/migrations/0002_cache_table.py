from django.db import migrations

# What `createcachetable` makes, for the limits of signing in; UNLOGGED, since a crash may forget them.
CREATE = """
CREATE UNLOGGED TABLE lists_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX lists_cache_expires ON lists_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("lists", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, "DROP TABLE lists_cache")]
