from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optout', '0002_global_unsubscribe'),
    ]

    operations = [
        migrations.CreateModel(
            name='GivenAnswer',
            fields=[
                ('pk', models.CompositePrimaryKey('api_key_id', 'name_digest', blank=True, editable=False, primary_key=True, serialize=False)),
                ('api_key_id', models.BigIntegerField()),
                ('name_digest', models.BinaryField(max_length=32)),
                ('request_digest', models.BinaryField(max_length=32)),
                ('status', models.PositiveSmallIntegerField()),
                ('body', models.TextField()),
                ('recorded_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['recorded_at'], name='given_answer_by_age')],
            },
        ),
    ]
