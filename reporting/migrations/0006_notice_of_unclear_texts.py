from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reporting', '0005_text_messages'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notice',
            name='kind',
            field=models.CharField(choices=[('blocked_ip', 'An IP address was blocked'), ('unlisted_server', 'A server that is not on the whitelist called'), ('protected_mode', 'The list is in protected mode'), ('pixel_in_mail', 'The pixel was put inside a mail'), ('unclear_text', 'Texts that may mean STOP wait')], max_length=20),
        ),
    ]
