import django.db.models.deletion
from django.db import migrations, models

# Global requests are counted behind a cursor of their own. Until now there was none, so it begins where the daily counts stand;
# else the first reader would look for them in the whole ledger. Where nothing was counted yet, the worker makes it.
BEGIN = """
INSERT INTO reporting_feedcursor (name, xid, last_id, moved_at)
SELECT 'global_counts', xid, last_id, moved_at FROM reporting_feedcursor WHERE name = 'daily_counts'
"""
END = "DELETE FROM reporting_feedcursor WHERE name = 'global_counts'"


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0004_global_unsubscribe'),
        ('reporting', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='dailycount',
            name='channel',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API')]),
        ),
        migrations.CreateModel(
            name='GlobalDailyCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('channel', models.PositiveSmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API')])),
                ('product_number', models.PositiveIntegerField()),
                ('requests', models.PositiveBigIntegerField()),
                ('realm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='global_daily_counts', to='lists.realm')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('realm', 'day', 'channel', 'product_number'), name='one_global_count_a_realm_day_channel_and_product')],
            },
        ),
        migrations.RunSQL(BEGIN, END),
    ]
