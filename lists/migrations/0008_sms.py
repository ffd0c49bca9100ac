import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0007_audit_of_list'),
    ]

    operations = [
        migrations.CreateModel(
            name='InboundEndpoint',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('public_id', models.CharField(max_length=32, unique=True)),
                ('label', models.CharField(blank=True, max_length=100, verbose_name='label')),
                ('format', models.CharField(choices=[('generic', 'JSON or form'), ('twilio', 'Twilio')], default='generic', max_length=10, verbose_name='format')),
                ('confirms_by', models.CharField(choices=[('gateway', 'A message through the SMS gateway'), ('answer', 'In the answer to the gateway’s call'), ('nobody', 'Not by Heed: the gateway does it')], default='gateway', max_length=10, verbose_name='STOP is confirmed')),
                ('allow_list', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), blank=True, default=list, size=200, verbose_name='IP allow-list')),
                ('salt', models.BinaryField(max_length=16)),
                ('old_salt', models.BinaryField(max_length=16, null=True)),
                ('old_salt_until', models.DateTimeField(null=True)),
                ('sealed_token', models.BinaryField(db_default=b'', default=b'', max_length=200)),
                ('other_sealed_token', models.BinaryField(db_default=b'', default=b'', max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('removed_at', models.DateTimeField(null=True)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('last_refused_at', models.DateTimeField(null=True)),
                ('last_refusal', models.CharField(blank=True, db_default='', default='', max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name='SmsNumber',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('number', models.CharField(max_length=16, validators=[django.core.validators.RegexValidator('\\A(?:\\+[0-9]{7,15}|[0-9]{3,8})\\Z', 'Write the number with its country code, like +18005550199, or a short code.')], verbose_name='number')),
                ('label', models.CharField(blank=True, max_length=100, verbose_name='label')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.CreateModel(
            name='SmsSetup',
            fields=[
                ('realm', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='sms_setup', serialize=False, to='lists.realm')),
                ('own_keywords', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=50)),
                ('dropped_keywords', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=50)),
                ('start_lifts', models.BooleanField(db_default=False, default=False, verbose_name='START takes STOP back')),
                ('confirmation_texts', models.JSONField(blank=True, db_default={}, default=dict)),
            ],
        ),
        migrations.AddField(
            model_name='list',
            name='sms_stop_scope',
            field=models.CharField(choices=[('list', 'This list'), ('realm', 'Everything from this sender')], db_default='realm', default='realm', max_length=10, verbose_name='STOP and the link in a text message end'),
        ),
        migrations.AddConstraint(
            model_name='list',
            constraint=models.CheckConstraint(condition=models.Q(('sms_stop_scope__in', ['list', 'realm'])), name='list_sms_stop_scope_is_known'),
        ),
        migrations.AddField(
            model_name='inboundendpoint',
            name='realm',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='inbound_endpoints', to='lists.realm'),
        ),
        migrations.AddField(
            model_name='smsnumber',
            name='optout_list',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sms_numbers', to='lists.list'),
        ),
        migrations.AddField(
            model_name='smsnumber',
            name='realm',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sms_numbers', to='lists.realm'),
        ),
        migrations.AddConstraint(
            model_name='inboundendpoint',
            constraint=models.CheckConstraint(condition=models.Q(('format__in', ['generic', 'twilio'])), name='inbound_format_is_known'),
        ),
        migrations.AddConstraint(
            model_name='inboundendpoint',
            constraint=models.CheckConstraint(condition=models.Q(('confirms_by__in', ['gateway', 'answer', 'nobody'])), name='inbound_confirms_by_is_known'),
        ),
        migrations.AddConstraint(
            model_name='smsnumber',
            constraint=models.UniqueConstraint(fields=('realm', 'number'), name='sms_number_is_unique_in_its_realm'),
        ),
    ]
