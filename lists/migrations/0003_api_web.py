import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


# A crash may forget wrong passwords; counting them must not wait for the disk.
UNLOGGED = "ALTER TABLE lists_passwordfailure SET UNLOGGED"


# The index and the unique constraint on contacts are made within the transaction, against rule 4 of docs/migrations.md: nothing
# that was released fills lists_contact, so it is empty wherever this runs.
class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0002_cache_table'),
    ]

    operations = [
        migrations.CreateModel(
            name='PasswordFailure',
            fields=[
                ('pk', models.CompositePrimaryKey('bucket', 'network', blank=True, editable=False, primary_key=True, serialize=False)),
                ('bucket', models.PositiveIntegerField()),
                ('network', models.CharField(max_length=50)),
                ('failures', models.PositiveIntegerField()),
                ('window_started_at', models.DateTimeField()),
                ('last_cause', models.PositiveSmallIntegerField(choices=[(1, 'Wrong password'), (2, 'IP not approved')])),
            ],
        ),
        migrations.RunSQL(UNLOGGED, migrations.RunSQL.noop),
        migrations.AddField(
            model_name='contact',
            name='customer_key',
            field=models.CharField(blank=True, max_length=100, null=True),
        ),
        migrations.AddField(
            model_name='contact',
            name='fields',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='realm',
            name='approved_ips',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), blank=True, db_default=[], default=list, size=200, verbose_name='approved IPs'),
        ),
        migrations.AddField(
            model_name='realm',
            name='refuses_get',
            field=models.BooleanField(db_default=False, default=False, help_text='With GET the password stands in the URL, and so in the logs on the way.', verbose_name='accept commands by POST only'),
        ),
        migrations.AddField(
            model_name='realm',
            name='uses_customer_key',
            field=models.BooleanField(db_default=False, default=False, help_text='Commands must name each contact by customer key and email address.', verbose_name='customer key'),
        ),
        migrations.AddField(
            model_name='realmcredential',
            name='is_chosen',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='realmcredential',
            name='last_used_ip',
            field=models.GenericIPAddressField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='subscription',
            name='message_format',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Plain text'), (2, 'HTML'), (99, 'Plain text and HTML')], db_default=99),
        ),
        migrations.AlterField(
            model_name='realmcredential',
            name='secret_digest',
            field=models.BinaryField(max_length=32),
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(models.F('realm'), django.contrib.postgres.indexes.OpClass(models.F('address'), 'varchar_pattern_ops'), name='contact_by_address'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.UniqueConstraint(condition=models.Q(('customer_key__isnull', False)), fields=('realm', 'customer_key'), name='customer_key_is_unique_in_its_realm'),
        ),
        migrations.AddConstraint(
            model_name='realmcredential',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('realm', 'secret_digest'), name='active_password_is_unique_in_its_realm'),
        ),
    ]
