import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# Calls of the current minute: nothing that must survive a crash of the server.
UNLOGGED = "ALTER TABLE lists_callcount SET UNLOGGED"


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0004_global_unsubscribe'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(max_length=100, verbose_name='label')),
                ('hint', models.CharField(max_length=8)),
                ('secret_digest', models.BinaryField(max_length=32, unique=True)),
                ('may_read', models.BooleanField(default=True, verbose_name='read')),
                ('may_write', models.BooleanField(default=False, verbose_name='write')),
                ('list_ids', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_ip', models.GenericIPAddressField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-created_at', '-pk'),
            },
        ),
        migrations.AddField(
            model_name='contact',
            name='changed_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now),
        ),
        migrations.CreateModel(
            name='CallCount',
            fields=[
                ('key', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='lists.apikey')),
                ('minute', models.BigIntegerField()),
                ('taken', models.PositiveIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='apikey',
            name='made_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='apikey',
            name='realm',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to='lists.realm'),
        ),
        migrations.AddField(
            model_name='apikey',
            name='replaced_by',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaces', to='lists.apikey'),
        ),
        migrations.AddConstraint(
            model_name='apikey',
            constraint=models.CheckConstraint(condition=models.Q(('may_read', True), ('may_write', True), _connector='OR'), name='api_key_may_do_something'),
        ),
        migrations.RunSQL(UNLOGGED, migrations.RunSQL.noop),
    ]
