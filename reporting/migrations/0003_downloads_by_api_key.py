import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0005_api_keys'),
        ('reporting', '0002_global_unsubscribe'),
    ]

    operations = [
        migrations.AddField(
            model_name='download',
            name='api_key',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='downloads', to='lists.apikey'),
        ),
    ]
