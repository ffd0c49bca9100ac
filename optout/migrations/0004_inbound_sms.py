import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0008_sms'),
        ('optout', '0003_given_answers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='optout',
            name='channel',
            field=models.SmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API'), (16, 'Link in a text message')]),
        ),
        migrations.AlterField(
            model_name='quarantinedoptout',
            name='cause',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Too many addresses from one IP'), (2, 'Blocked IP'), (3, 'Server not on the whitelist'), (4, 'List in protected mode'), (5, 'Filled in by a robot'), (6, 'Text message that may mean STOP')]),
        ),
        migrations.AlterField(
            model_name='quarantinedoptout',
            name='channel',
            field=models.PositiveSmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API'), (16, 'Link in a text message')]),
        ),
        migrations.AlterField(
            model_name='suppression',
            name='channel',
            field=models.SmallIntegerField(choices=[(1, 'Hosted page'), (2, 'Direct link'), (3, 'Signed link'), (4, 'One-click'), (5, 'Pixel'), (6, 'Server to server'), (7, 'api_web'), (8, 'Global Unsubscribe form'), (9, 'REST API'), (10, 'Join form'), (11, 'Inbound SMS'), (12, 'Inbound email'), (13, 'File import'), (14, 'Portal'), (15, 'Global Unsubscribe API'), (16, 'Link in a text message')]),
        ),
        migrations.CreateModel(
            name='InboundMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message_id', models.CharField(max_length=100, null=True)),
                ('digest', models.BinaryField(max_length=16)),
                ('sender', models.CharField(max_length=40)),
                ('texted', models.CharField(max_length=40)),
                ('meaning', models.PositiveSmallIntegerField(choices=[(1, 'Nothing that concerns us'), (2, 'Stop'), (3, 'Start'), (4, 'May mean stop')])),
                ('received_at', models.DateTimeField()),
                ('confirmation', models.PositiveSmallIntegerField(choices=[(1, 'None to send'), (2, 'Waiting'), (3, 'Being sent'), (4, 'Sent'), (5, 'Could not be sent'), (6, 'Not sent within 5 minutes'), (7, 'In the answer to the gateway')], db_default=1, default=1)),
                ('confirmation_text', models.CharField(blank=True, db_default='', default='', max_length=480)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('endpoint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='lists.inboundendpoint')),
                ('optout_list', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='inbound_messages', to='lists.list')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('confirmation', 2)), fields=['id'], name='confirmation_waiting'), models.Index(fields=['endpoint', 'received_at'], name='inbound_of_endpoint')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('message_id__isnull', False)), fields=('endpoint', 'message_id'), name='inbound_message_comes_once')],
            },
        ),
    ]
