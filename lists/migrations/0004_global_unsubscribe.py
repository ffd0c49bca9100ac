import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import lists.models.lists
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lists', '0003_api_web'),
    ]

    operations = [
        migrations.CreateModel(
            name='GlobalUnsubscribe',
            fields=[
                ('realm', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='global_unsubscribe', serialize=False, to='lists.realm')),
                ('key', models.CharField(default=lists.models.lists.new_public_id, editable=False, max_length=32, unique=True)),
                ('is_on', models.BooleanField(default=False, verbose_name='Unsubscribe API & Reporting')),
                ('server_ips', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), blank=True, default=list, size=200, verbose_name='publishers’ servers')),
            ],
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='product ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('optout_list', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='lists.list', verbose_name='list')),
                ('realm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='lists.realm')),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.CreateModel(
            name='Publisher',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=60, verbose_name='publisher ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('realm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='publishers', to='lists.realm')),
            ],
            options={
                'ordering': ('name', 'reference'),
            },
        ),
        migrations.CreateModel(
            name='RealmHost',
            fields=[
                ('host', models.CharField(max_length=253, primary_key=True, serialize=False)),
                ('realm', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='hosts', to='lists.realm')),
            ],
            options={
                'ordering': ('host',),
            },
        ),
        migrations.CreateModel(
            name='StoredForm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, verbose_name='UUID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('website', models.CharField(blank=True, max_length=200, verbose_name='website')),
                ('fields', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), default=list, verbose_name='fields')),
                ('labels', models.JSONField(blank=True, default=dict, verbose_name='labels')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='forms', to='lists.product', verbose_name='product')),
                ('publisher', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='forms', to='lists.publisher', verbose_name='publisher')),
                ('realm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='stored_forms', to='lists.realm')),
            ],
            options={
                'ordering': ('name', 'id'),
            },
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.UniqueConstraint(fields=('realm', 'number'), name='product_number_is_unique_in_its_realm'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='product_number_is_not_0'),
        ),
        migrations.AddConstraint(
            model_name='publisher',
            constraint=models.UniqueConstraint(fields=('realm', 'reference'), name='publisher_reference_is_unique_in_its_realm'),
        ),
        migrations.AddConstraint(
            model_name='storedform',
            constraint=models.UniqueConstraint(fields=('realm', 'uuid'), name='form_uuid_is_unique_in_its_realm'),
        ),
    ]
