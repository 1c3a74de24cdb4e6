"""The three tables of the desk."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """As audit/desk/models.py declares them."""

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('batch', models.TextField()),
                ('source', models.TextField()),
                ('who', models.TextField()),
                ('at', models.DateTimeField()),
                ('first_seq', models.BigIntegerField()),
                ('last_seq', models.BigIntegerField()),
            ],
            options={
                'db_table': 'desk_batch',
                'constraints': [models.UniqueConstraint(fields=('batch',), name='desk_batch_once')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case_id', models.TextField()),
                ('run_id', models.TextField()),
                ('published_seq', models.BigIntegerField()),
                ('month', models.TextField()),
                ('insurer_no', models.TextField()),
                ('team', models.TextField()),
                ('service_month', models.TextField()),
                ('person_id', models.TextField(null=True)),
                ('provider_id', models.TextField(null=True)),
                ('provider_kind', models.TextField()),
                ('rule_ids', models.TextField(null=True)),
                ('claim_ids', models.TextField(null=True)),
                ('severity', models.TextField(null=True)),
                ('selection', models.TextField()),
                ('inclusion_probability', models.FloatField()),
                ('stratum', models.IntegerField(null=True)),
                ('universe_n', models.BigIntegerField(null=True)),
                ('sample_n', models.BigIntegerField(null=True)),
                ('role', models.TextField(null=True)),
                ('rank', models.IntegerField(null=True)),
                ('at_stake_yen', models.BigIntegerField()),
                ('p_upheld', models.FloatField(null=True)),
                ('minutes', models.FloatField(null=True)),
            ],
            options={
                'db_table': 'desk_case',
                'indexes': [models.Index(fields=['run_id'], name='desk_case_run')],
                'constraints': [models.UniqueConstraint(fields=('case_id', 'run_id'), name='desk_case_once')],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('seq', models.BigIntegerField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('who', models.TextField()),
                ('kind', models.TextField()),
                ('case_id', models.TextField(null=True)),
                ('run_id', models.TextField(null=True)),
                ('request_id', models.TextField(null=True)),
                ('code', models.TextField(null=True)),
                ('reason', models.TextField(null=True)),
                ('yen', models.BigIntegerField(null=True)),
                ('on_date', models.DateField(null=True)),
                ('minutes', models.FloatField(null=True)),
                ('text', models.TextField(null=True)),
                ('batch', models.TextField()),
                ('prev_hash', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'db_table': 'desk_event',
                'indexes': [models.Index(fields=['case_id'], name='desk_event_case'), models.Index(fields=['request_id'], name='desk_event_request')],
            },
        ),
    ]
