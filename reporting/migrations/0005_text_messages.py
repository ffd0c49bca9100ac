import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0008_sms'),
        ('reporting', '0004_webhooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='dailycount',
            name='channel',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API'), (16, 'Link in a text message')]),
        ),
        migrations.AlterField(
            model_name='globaldailycount',
            name='channel',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API'), (16, 'Link in a text message')]),
        ),
        migrations.AlterField(
            model_name='webhookendpoint',
            name='channels',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API'), (16, 'Link in a text message')]), blank=True, null=True),
        ),
        migrations.CreateModel(
            name='TextMessage',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('public_id', models.CharField(max_length=32, unique=True)),
                ('number', models.CharField(blank=True, max_length=16)),
                ('text', models.TextField()),
                ('sender', models.CharField(blank=True, max_length=16)),
                ('state', models.CharField(choices=[('sending', 'Being sent'), ('done', 'Sent'), ('stopped', 'Stopped')], default='sending', max_length=10)),
                ('created_at', models.DateTimeField()),
                ('recipient_count', models.IntegerField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('after', models.BinaryField(db_default=b'', default=b'', max_length=16)),
                ('rests_until', models.DateTimeField(null=True)),
                ('failures', models.IntegerField(db_default=0, default=0)),
                ('unknown_in_row', models.IntegerField(db_default=0, default=0)),
                ('sent', models.IntegerField(db_default=0, default=0)),
                ('refused', models.IntegerField(db_default=0, default=0)),
                ('unknown', models.IntegerField(db_default=0, default=0)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='text_messages', to=settings.AUTH_USER_MODEL)),
                ('made_by_key', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='text_messages', to='lists.apikey')),
                ('optout_list', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='text_messages', to='lists.list')),
                ('realm', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='text_messages', to='lists.realm')),
            ],
        ),
        migrations.CreateModel(
            name='TextRecipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.BinaryField(max_length=16)),
                ('number', models.CharField(max_length=16)),
                ('state', models.PositiveSmallIntegerField(choices=[(1, 'Being handed over'), (2, 'The gateway does not take it'), (3, 'May have been sent or not')])),
                ('at', models.DateTimeField()),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='reporting.textmessage')),
            ],
        ),
        migrations.AddIndex(
            model_name='textmessage',
            index=models.Index(condition=models.Q(('state', 'sending')), fields=['id'], name='text_to_send'),
        ),
        migrations.AddIndex(
            model_name='textrecipient',
            index=models.Index(condition=models.Q(('state', 1)), fields=['message'], name='text_recipient_claimed'),
        ),
        migrations.AddConstraint(
            model_name='textmessage',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['sending', 'done', 'stopped'])), name='text_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='textmessage',
            constraint=models.CheckConstraint(condition=models.Q(('optout_list__isnull', False), models.Q(('number', ''), _negated=True), _connector='XOR'), name='text_goes_to_a_list_or_a_number'),
        ),
        migrations.AddConstraint(
            model_name='textrecipient',
            constraint=models.UniqueConstraint(fields=('message', 'digest'), name='recipient_is_sent_a_message_once'),
        ),
    ]
