import django.db.models.deletion
import optout.models.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0004_global_unsubscribe'),
        ('optout', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='quarantinedoptout',
            name='global_requests',
            field=models.JSONField(null=True),
        ),
        migrations.AlterField(
            model_name='optout',
            name='channel',
            field=models.SmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API')]),
        ),
        migrations.AlterField(
            model_name='quarantinedoptout',
            name='channel',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API')]),
        ),
        migrations.AlterField(
            model_name='suppression',
            name='channel',
            field=models.SmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API')]),
        ),
        migrations.RunSQL(
            'CREATE SEQUENCE optout_globalline_id_seq AS bigint',
            'DROP SEQUENCE optout_globalline_id_seq',
        ),
        migrations.CreateModel(
            name='GlobalLine',
            fields=[
                ('pk', models.CompositePrimaryKey('realm_id', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('key', models.BinaryField(max_length=16)),
                ('id', models.BigIntegerField(db_default=optout.models.fields.NextVal('optout_globalline_id_seq'))),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('unsubscribe_count', models.PositiveIntegerField()),
                ('product_number', models.PositiveIntegerField()),
                ('email', models.TextField(db_collation='C')),
                ('phone', models.TextField(db_collation='C')),
                ('website', models.TextField(db_collation='C')),
                ('publisher', models.TextField(db_collation='C')),
                ('custom1', models.TextField()),
                ('custom2', models.TextField()),
                ('custom3', models.TextField()),
                ('form', models.UUIDField(null=True)),
                ('realm', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='global_lines', to='lists.realm')),
            ],
            options={
                'indexes': [models.Index(fields=['realm', 'id'], name='global_by_id'), models.Index(fields=['realm', 'last_seen_at', 'id'], name='global_by_last_seen'), models.Index(fields=['realm', 'first_seen_at', 'id'], name='global_by_first_seen'), models.Index(fields=['realm', 'unsubscribe_count', 'id'], name='global_by_count'), models.Index(fields=['realm', 'email', 'id'], name='global_by_email'), models.Index(fields=['realm', 'phone', 'id'], name='global_by_phone'), models.Index(fields=['realm', 'website', 'last_seen_at', 'id', 'product_number', 'publisher'], name='global_by_website'), models.Index(fields=['realm', 'product_number', 'last_seen_at', 'id'], name='global_by_product'), models.Index(fields=['realm', 'publisher', 'last_seen_at', 'id', 'product_number'], name='global_by_publisher')],
            },
        ),
        migrations.RunSQL(
            'ALTER SEQUENCE optout_globalline_id_seq OWNED BY optout_globalline.id',
            migrations.RunSQL.noop,
        ),
    ]
