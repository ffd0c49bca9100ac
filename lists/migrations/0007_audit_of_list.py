import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('lists', '0006_contact_by_change'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='auditentry',
            index=models.Index(fields=['optout_list', 'recorded_at'], name='audit_of_list'),
        ),
        # Then the key's own index is one too many.
        migrations.AlterField(
            model_name='auditentry',
            name='optout_list',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='audit_entries', to='lists.list'),
        ),
    ]
